#include "datapath/flow_hash.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_thash.h>

#include <span>

namespace ringway {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Unaligned16 = const std::uint16_t __attribute__((aligned(1), may_alias));

constexpr std::size_t kTypeAt = 12;  // of the ethertype in an untagged frame
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kVlanTag = 4;
constexpr unsigned kMaxTags = 2;
constexpr std::uint16_t kOldQinQ = 0x9100;    // outer tags from before 802.1ad
constexpr std::uint16_t kFirstType = 0x0600;  // below it the field is a length (IEEE 802.3 clause 3.2.6)

constexpr std::size_t kIpv4Header = 20;
constexpr std::uint16_t kFragmentBits = RTE_BE16(0x3fff);  // more fragments, and the offset
constexpr std::size_t kIpv6Header = 40;
constexpr unsigned kMaxExtensions = 8;  // real packets have one or two; this bounds what a forged one costs
constexpr std::size_t kPorts = 4;

// Key words as rte_softrss_be takes them, in host order.
constexpr std::size_t kKeyWords = 10;
constexpr std::uint32_t kStandardKey[kKeyWords] = {0x6d5a56da, 0x255b0ec2, 0x4167253d, 0x43a38fb0, 0xd0ca2bcb,
                                                   0xae7b30b4, 0x77cb2da3, 0x8030f20c, 0x6a42b73b, 0xbeac01fa};
constexpr std::uint32_t kSymmetricKey[kKeyWords] = {0x6d5a6d5a, 0x6d5a6d5a, 0x6d5a6d5a, 0x6d5a6d5a, 0x6d5a6d5a,
                                                    0x6d5a6d5a, 0x6d5a6d5a, 0x6d5a6d5a, 0x6d5a6d5a, 0x6d5a6d5a};

/// In network order: constants are swapped instead, when compiling.
std::uint16_t load16(const std::uint8_t* at) noexcept {
  return *reinterpret_cast<Unaligned16*>(at);
}

bool has_ports(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case IPPROTO_UDP:
    case IPPROTO_TCP:
    case IPPROTO_SCTP:
      return true;
    default:
      return false;
  }
}

bool is_tag(std::uint16_t type) noexcept {
  return type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type == RTE_BE16(RTE_ETHER_TYPE_QINQ) || type == RTE_BE16(kOldQinQ);
}

std::size_t ipv4_header_bytes(Bytes ip) noexcept {
  return std::size_t{4} * (ip[0] & 0x0fU);
}

bool is_ipv4(Bytes ip) noexcept {
  return ip.size() >= kIpv4Header && ip[0] >> 4 == 4 && ipv4_header_bytes(ip) >= kIpv4Header &&
         ipv4_header_bytes(ip) <= ip.size();
}

bool is_ipv6(Bytes ip) noexcept {
  return ip.size() >= kIpv6Header && ip[0] >> 4 == 6;
}

/// Where the ports are, or null. The same for ipv6_ports.
const std::uint8_t* ipv4_ports(Bytes ip) noexcept {
  const std::size_t at = ipv4_header_bytes(ip);
  const bool whole = (load16(&ip[6]) & kFragmentBits) == 0;
  return whole && has_ports(ip[9]) && at + kPorts <= ip.size() ? ip.data() + at : nullptr;
}

bool is_extension(std::uint8_t next) noexcept {
  return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS || next == IPPROTO_AH;
}

// A fragment header is none of the extensions, so the walk ends there without ports.
const std::uint8_t* ipv6_ports(Bytes ip) noexcept {
  std::uint8_t next = ip[6];
  std::size_t at = kIpv6Header;
  for (unsigned walked = 0; !has_ports(next); ++walked) {
    if (walked == kMaxExtensions || !is_extension(next) || at + 2 > ip.size()) {
      return nullptr;
    }
    const std::size_t units = ip[at + 1];
    const std::size_t bytes = next == IPPROTO_AH ? (units + 2) * 4 : (units + 1) * 8;
    next = ip[at];
    at += bytes;
  }
  return at + kPorts <= ip.size() ? ip.data() + at : nullptr;
}

}  // namespace

FlowHash::FlowHash(Key key) noexcept : nic_flags_(key == Key::kStandard ? RTE_MBUF_F_RX_RSS_HASH : 0) {
  const auto* words = reinterpret_cast<const std::uint8_t*>(key == Key::kStandard ? kStandardKey : kSymmetricKey);
  // Toeplitz is linear: a hash is the xor of the hashes of its input's bytes, all others being 0.
  for (std::size_t at = 0; at < kMaxInput; ++at) {
    for (std::uint32_t value = 0; value < 256; ++value) {
      std::uint32_t input[kMaxInput / 4] = {};
      input[at / 4] = value << (24 - at % 4 * 8);
      table_[at][value] = rte_softrss_be(input, kMaxInput / 4, words);
    }
  }
}

template <std::size_t kFrom, std::size_t kBytes>
[[gnu::always_inline]] inline std::uint32_t FlowHash::share(const std::uint8_t* bytes) const noexcept {
  static_assert(kFrom + kBytes <= kMaxInput);
  std::uint32_t hash = 0;
#pragma GCC unroll 32
  for (std::size_t i = 0; i < kBytes; ++i) {
    hash ^= table_[kFrom + i][bytes[i]];
  }
  return hash;
}

std::uint32_t FlowHash::operator()(const rte_mbuf* mbuf) const noexcept {
  if ((mbuf->ol_flags & nic_flags_) != 0) {
    return mbuf->hash.rss;
  }
  const auto* frame = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
  const std::uint8_t* ip = frame + kEthernetHeader;
  // Most packets, with every offset known: untagged, no options, addresses and ports side by side.
  if (mbuf->data_len >= kEthernetHeader + kIpv4Header + kPorts &&
      load16(frame + kTypeAt) == RTE_BE16(RTE_ETHER_TYPE_IPV4) && ip[0] == RTE_IPV4_VHL_DEF &&
      (load16(ip + 6) & kFragmentBits) == 0 && has_ports(ip[9])) [[likely]] {
    return share<0, 12>(ip + 12);
  }
  return any(frame, mbuf->data_len);
}

[[gnu::noinline]] std::uint32_t FlowHash::any(const std::uint8_t* frame, std::size_t length) const noexcept {
  if (length < kEthernetHeader) {
    return 0;
  }
  std::size_t at = kTypeAt;
  for (unsigned tags = 0; tags < kMaxTags && is_tag(load16(frame + at)) && at + kVlanTag + 2 <= length; ++tags) {
    at += kVlanTag;
  }
  const std::uint16_t type = load16(frame + at);
  const Bytes ip(frame + at + 2, length - at - 2);
  if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4) && is_ipv4(ip)) {
    const std::uint8_t* ports = ipv4_ports(ip);
    return share<0, 8>(&ip[12]) ^ (ports != nullptr ? share<8, kPorts>(ports) : 0);
  }
  if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6) && is_ipv6(ip)) {
    const std::uint8_t* ports = ipv6_ports(ip);
    return share<0, 32>(&ip[8]) ^ (ports != nullptr ? share<32, kPorts>(ports) : 0);
  }
  return ethernet(frame, type);
}

[[gnu::noinline, gnu::cold]] std::uint32_t FlowHash::ethernet(const std::uint8_t* frame,
                                                              std::uint16_t type) const noexcept {
  const std::uint16_t hashed = rte_be_to_cpu_16(type) < kFirstType ? 0 : type;
  return share<0, kTypeAt>(frame) ^ share<kTypeAt, 2>(reinterpret_cast<const std::uint8_t*>(&hashed));
}

}  // namespace ringway
