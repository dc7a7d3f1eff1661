#include "traffic/frame.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <algorithm>
#include <cassert>
#include <iterator>

namespace ringway {
namespace {

constexpr std::uint8_t kHops = 64;
constexpr std::uint16_t kDiscardPort = 9;                   // RFC 863
constexpr std::uint64_t kPaddingStep = 0x9e3779b97f4a7c15;  // odd: no two words of a frame's padding are alike

/// What differs from flow to flow. IPv6 addresses end in the IPv4 ones.
struct Tuple {
  rte_be32_t source;
  rte_be32_t destination;
  rte_be16_t source_port;
};

// 10.0.0.0/8 (RFC 1918) and a dynamic port (RFC 6335). The product is another for every flow and spreads neighbouring
// flows over destinations; destination and source port hold all of its bits, so that no two flows are alike.
Tuple tuple_of(std::uint32_t flow) noexcept {
  constexpr std::uint32_t kNetwork = 10U << 24;
  constexpr std::uint32_t kDynamicPorts = 0xc000;
  const std::uint32_t product = flow * 0x9e3779b1;
  return {rte_cpu_to_be_32(kNetwork | (flow & 0xffffff)), rte_cpu_to_be_32(kNetwork | product >> 8),
          rte_cpu_to_be_16(static_cast<std::uint16_t>(kDynamicPorts | (product & 0x3fff)))};
}

// The Internet checksum (RFC 1071) adds up the same in 32-bit words, in either byte order, folded in the end.
std::uint64_t halves_of(std::uint64_t word) noexcept {
  return (word & 0xffffffff) + (word >> 32);
}

std::uint16_t checksum_of(std::uint64_t sum) noexcept {
  sum = halves_of(sum);
  for (int i = 0; i < 3; ++i) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

struct Padding {
  std::uint32_t crc;
  std::uint64_t sum = 0;
};

Padding padding_of(std::size_t bytes, std::uint32_t crc) noexcept {
  Padding padding{.crc = crc};
  std::uint64_t word = kPaddingStep;
  for (; bytes >= sizeof word; bytes -= sizeof word, word += kPaddingStep) {
    padding.crc = rte_hash_crc_8byte(word, padding.crc);
    padding.sum += halves_of(word);
  }
  word &= (std::uint64_t{1} << 8 * bytes) - 1;
  padding.crc = crc32c(reinterpret_cast<const std::uint8_t*>(&word), bytes, padding.crc);
  padding.sum += halves_of(word);
  return padding;
}

void write_padding(std::uint8_t* to, std::size_t bytes) noexcept {
  std::uint64_t word = kPaddingStep;
  for (; bytes >= sizeof word; bytes -= sizeof word, to += sizeof word, word += kPaddingStep) {
    *reinterpret_cast<Word64*>(to) = word;
  }
  for (; bytes > 0; --bytes, word >>= 8) {
    *to++ = static_cast<std::uint8_t>(word);
  }
}

void build_udp(rte_udp_hdr* udp, std::uint16_t bytes) noexcept {
  udp->dst_port = rte_cpu_to_be_16(kDiscardPort);
  udp->dgram_len = rte_cpu_to_be_16(bytes);
}

/// IPv4 and UDP headers without what differs from flow to flow. Returns the sum that the IPv4 checksum needs of them.
std::uint64_t build_ipv4(std::uint8_t* at, std::uint16_t udp_bytes) noexcept {
  auto* const ip = reinterpret_cast<rte_ipv4_hdr*>(at);
  ip->version_ihl = RTE_IPV4_VHL_DEF;
  ip->total_length = rte_cpu_to_be_16(static_cast<std::uint16_t>(sizeof *ip + udp_bytes));
  ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
  ip->time_to_live = kHops;
  ip->next_proto_id = IPPROTO_UDP;
  build_udp(reinterpret_cast<rte_udp_hdr*>(ip + 1), udp_bytes);
  return rte_raw_cksum(ip, sizeof *ip);
}

/// An IPv6 address as bytes; its type differs between releases of DPDK.
template <class Address>
std::uint8_t* bytes_of(Address& address) noexcept {
  static_assert(sizeof address == 16);
  return reinterpret_cast<std::uint8_t*>(&address);
}

/// The same for IPv6: 2001:db8::/32 (RFC 3849). Returns the sum that the UDP checksum needs of them.
std::uint64_t build_ipv6(std::uint8_t* at, std::uint16_t udp_bytes) noexcept {
  auto* const ip = reinterpret_cast<rte_ipv6_hdr*>(at);
  ip->vtc_flow = rte_cpu_to_be_32(6U << 28);
  ip->payload_len = rte_cpu_to_be_16(udp_bytes);
  ip->proto = IPPROTO_UDP;
  ip->hop_limits = kHops;
  for (std::uint8_t* address : {bytes_of(ip->src_addr), bytes_of(ip->dst_addr)}) {
    address[0] = 0x20;
    address[1] = 0x01;
    address[2] = 0x0d;
    address[3] = 0xb8;
  }
  auto* const udp = reinterpret_cast<rte_udp_hdr*>(ip + 1);
  build_udp(udp, udp_bytes);
  return std::uint64_t{rte_ipv6_phdr_cksum(ip, 0)} + rte_raw_cksum(udp, sizeof *udp);
}

/// Fills in what differs. Returns where the payload begins.
std::uint8_t* finish_ipv4(std::uint8_t* at, const Tuple& tuple, std::uint64_t sum) noexcept {
  auto* const ip = reinterpret_cast<rte_ipv4_hdr*>(at);
  auto* const udp = reinterpret_cast<rte_udp_hdr*>(ip + 1);
  ip->hdr_checksum = checksum_of(sum + tuple.source + tuple.destination);
  ip->src_addr = tuple.source;
  ip->dst_addr = tuple.destination;
  udp->src_port = tuple.source_port;
  return reinterpret_cast<std::uint8_t*>(udp + 1);
}

std::uint8_t* finish_ipv6(std::uint8_t* at, const Tuple& tuple, const Stamp& stamp, std::uint64_t sum) noexcept {
  auto* const ip = reinterpret_cast<rte_ipv6_hdr*>(at);
  auto* const udp = reinterpret_cast<rte_udp_hdr*>(ip + 1);
  constexpr std::size_t kLast = sizeof ip->src_addr - sizeof tuple.source;
  *reinterpret_cast<Word32*>(bytes_of(ip->src_addr) + kLast) = tuple.source;
  *reinterpret_cast<Word32*>(bytes_of(ip->dst_addr) + kLast) = tuple.destination;
  sum += std::uint64_t{tuple.source} + tuple.destination + tuple.source_port;
  sum += std::uint64_t{stamp.flow} + stamp.sequence + halves_of(stamp.tsc) + stamp.check;
  const std::uint16_t checksum = checksum_of(sum);
  udp->src_port = tuple.source_port;
  udp->dgram_cksum = checksum == 0 ? 0xffff : checksum;  // 0 would mean: none
  return reinterpret_cast<std::uint8_t*>(udp + 1);
}

}  // namespace

FrameTemplate::FrameTemplate(unsigned bytes, IpVersion version, bool tagged, unsigned port) noexcept
    : version_(version), tagged_(tagged) {
  const std::size_t tag = tagged ? sizeof(rte_vlan_hdr) : 0;
  const std::size_t ip_bytes = version == IpVersion::k4 ? sizeof(rte_ipv4_hdr) : sizeof(rte_ipv6_hdr);
  const std::size_t least = sizeof(rte_ether_hdr) + ip_bytes + sizeof(rte_udp_hdr) + sizeof(Stamp);
  padding_bytes_ = static_cast<std::uint16_t>(std::max<std::size_t>(bytes, least) - least);
  bytes_ = static_cast<std::uint16_t>(least + tag + padding_bytes_);
  ip_at_ = static_cast<std::uint8_t>(sizeof(rte_ether_hdr) + tag);

  auto* const frame = reinterpret_cast<std::uint8_t*>(head_);
  auto* const ether = reinterpret_cast<rte_ether_hdr*>(frame);
  const auto last = static_cast<std::uint8_t>(port);
  const std::uint16_t type = version == IpVersion::k4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
  ether->dst_addr = {{0x02, 0, 0, 0, 1, last}};  // administered locally
  ether->src_addr = {{0x02, 0, 0, 0, 0, last}};
  ether->ether_type = rte_cpu_to_be_16(tagged ? RTE_ETHER_TYPE_VLAN : type);
  if (tagged) {
    reinterpret_cast<rte_vlan_hdr*>(ether + 1)->eth_proto = rte_cpu_to_be_16(type);
  }

  const std::size_t payload_bytes = sizeof(Stamp) + padding_bytes_;
  const auto udp_bytes = static_cast<std::uint16_t>(sizeof(rte_udp_hdr) + payload_bytes);
  const Padding padding = padding_of(padding_bytes_, crc_of_length(static_cast<std::uint32_t>(payload_bytes)));
  padding_crc_ = padding.crc;
  sum_ = version == IpVersion::k4 ? build_ipv4(frame + ip_at_, udp_bytes)
                                  : build_ipv6(frame + ip_at_, udp_bytes) + padding.sum;
}

void FrameTemplate::write(rte_mbuf* mbuf, std::uint16_t vlan, std::uint32_t flow, std::uint32_t sequence,
                          std::uint64_t tsc) const noexcept {
  assert(rte_pktmbuf_tailroom(mbuf) >= std::max<std::size_t>(bytes_, sizeof head_));
  auto* const frame = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  for (std::size_t i = 0; i < std::size(head_); ++i) {
    reinterpret_cast<Bytes16*>(frame)[i] = head_[i];
  }
  if (tagged_) {
    reinterpret_cast<rte_vlan_hdr*>(frame + sizeof(rte_ether_hdr))->vlan_tci = rte_cpu_to_be_16(vlan);
  }
  Stamp stamp{.flow = flow, .sequence = sequence, .tsc = tsc};
  stamp.check = check_of(stamp, padding_crc_);
  const Tuple tuple = tuple_of(flow);
  std::uint8_t* const payload = version_ == IpVersion::k4 ? finish_ipv4(frame + ip_at_, tuple, sum_)
                                                          : finish_ipv6(frame + ip_at_, tuple, stamp, sum_);
  *reinterpret_cast<Stamp*>(payload) = stamp;
  write_padding(payload + sizeof stamp, padding_bytes_);
  mbuf->data_len = bytes_;
  mbuf->pkt_len = bytes_;
}

}  // namespace ringway
