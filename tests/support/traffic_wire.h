#pragma once

#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "dpdk/mempool.h"
#include "mbufs.h"
#include "traffic/checker.h"
#include "traffic/generator.h"

namespace ringway {

inline constexpr std::uint16_t kBurst = 32;

/// What can be read in a generated frame.
struct Frame {
  explicit Frame(const rte_mbuf* mbuf) : bytes(mbuf->pkt_len) {
    const auto* at = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
    ethertype = rte_be_to_cpu_16(reinterpret_cast<const rte_ether_hdr*>(at)->ether_type);
    at += sizeof(rte_ether_hdr);
    if (ethertype == RTE_ETHER_TYPE_VLAN) {
      const auto* const tag = reinterpret_cast<const rte_vlan_hdr*>(at);
      vlan = rte_be_to_cpu_16(tag->vlan_tci);
      ethertype = rte_be_to_cpu_16(tag->eth_proto);
      at += sizeof *tag;
    }
    if (ethertype == RTE_ETHER_TYPE_IPV6) {
      ip6 = reinterpret_cast<const rte_ipv6_hdr*>(at);
      udp = reinterpret_cast<const rte_udp_hdr*>(ip6 + 1);
      source.assign(at + offsetof(rte_ipv6_hdr, src_addr), at + offsetof(rte_ipv6_hdr, dst_addr));
      destination.assign(at + offsetof(rte_ipv6_hdr, dst_addr), at + sizeof *ip6);
    } else {
      ip4 = reinterpret_cast<const rte_ipv4_hdr*>(at);
      udp = reinterpret_cast<const rte_udp_hdr*>(ip4 + 1);
      source.assign(at + offsetof(rte_ipv4_hdr, src_addr), at + offsetof(rte_ipv4_hdr, dst_addr));
      destination.assign(at + offsetof(rte_ipv4_hdr, dst_addr), at + sizeof *ip4);
    }
    stamp = reinterpret_cast<const Stamp*>(udp + 1);
  }

  auto tuple() const {
    return std::tuple(source, destination, rte_be_to_cpu_16(udp->src_port), rte_be_to_cpu_16(udp->dst_port));
  }

  unsigned bytes;
  unsigned ethertype;
  unsigned vlan = 0;
  const rte_ipv4_hdr* ip4 = nullptr;
  const rte_ipv6_hdr* ip6 = nullptr;
  std::basic_string<std::uint8_t> source;
  std::basic_string<std::uint8_t> destination;
  const rte_udp_hdr* udp;
  const Stamp* stamp;
};

/// Every length in it and every checksum is right.
inline void expect_right(const rte_mbuf* mbuf, unsigned vlan_tag_bytes) {
  const Frame frame(mbuf);
  const unsigned udp_bytes = rte_be_to_cpu_16(frame.udp->dgram_len);
  ASSERT_EQ(mbuf->data_len, mbuf->pkt_len);
  if (frame.ip6 != nullptr) {
    EXPECT_EQ(frame.bytes, 14 + vlan_tag_bytes + 40 + udp_bytes);
    EXPECT_EQ(rte_be_to_cpu_16(frame.ip6->payload_len), udp_bytes);
    const unsigned sum = rte_ipv6_phdr_cksum(frame.ip6, 0) + rte_raw_cksum(frame.udp, udp_bytes);
    EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffff);
    EXPECT_NE(frame.udp->dgram_cksum, 0);
    EXPECT_EQ(frame.source.substr(0, 4), (std::basic_string<std::uint8_t>{0x20, 0x01, 0x0d, 0xb8}));
  } else {
    EXPECT_EQ(frame.bytes, 14 + vlan_tag_bytes + 20 + udp_bytes);
    EXPECT_EQ(rte_be_to_cpu_16(frame.ip4->total_length), 20 + udp_bytes);
    EXPECT_EQ(rte_raw_cksum(frame.ip4, sizeof *frame.ip4), 0xffff);
    EXPECT_EQ(frame.udp->dgram_cksum, 0);
    EXPECT_EQ(frame.source[0], 10);
  }
}

/// Where frames of one length have their payload.
struct Shape {
  unsigned bytes;
  IpVersion version;
  bool tagged;

  unsigned payload() const { return 14U + (tagged ? 4 : 0) + (version == IpVersion::k4 ? 20 : 40) + 8; }
};

/// A wire from a generator to a checker, cut open in the middle.
class Traffic : public testing::Test {
 protected:
  ~Traffic() override {
    const PoolAudit audit = pool_.audit();
    EXPECT_EQ(audit.free, audit.size);
    EXPECT_EQ(audit.duplicates, 0U);
  }

  Generator generator(const TrafficProfile& profile, PortFlows flows = {}, std::uint32_t queue = 0) {
    flows.flows = profile.flows;
    states_.resize(std::max<std::size_t>(states_.size(), flows.first + flows.count()));
    mark_faults(std::span(states_).subspan(flows.first), flows);
    return Generator(profile, flows, queue, pool_.get(), kBurst, rte_get_tsc_hz(), made_);
  }

  /// At least this many frames, in whole bursts; fewer once the generator is done.
  std::vector<rte_mbuf*> take(Generator& from, std::size_t frames) {
    std::vector<rte_mbuf*> taken;
    Burst burst;
    while (taken.size() < frames && !made_.done.load()) {
      const std::uint16_t n = from.fill(burst);
      taken.insert(taken.end(), burst.data(), burst.data() + n);
    }
    return taken;
  }

  void check(const std::vector<rte_mbuf*>& mbufs) {
    Checker checker(states_, 0, found_, latency_);
    Burst burst;
    for (std::size_t i = 0; i < mbufs.size(); i += kBurst) {
      fill(burst, {mbufs.begin() + static_cast<std::ptrdiff_t>(i),
                   mbufs.begin() + static_cast<std::ptrdiff_t>(std::min(i + kBurst, mbufs.size()))});
      poison_tailrooms(burst.data(), burst.size());
      checker.forward(burst, leg_);
      EXPECT_EQ(burst.size(), 0);
    }
  }

  rte_mbuf* make(const Shape& shape, const Stamp& stamp) {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_.get());
    FrameTemplate(shape.bytes, shape.version, shape.tagged, 0).write(mbuf, 1, stamp.flow, stamp.sequence, stamp.tsc);
    return mbuf;
  }

  /// The same frame in segments of at most this many bytes.
  rte_mbuf* split(rte_mbuf* whole, unsigned segment_bytes) {
    rte_mbuf* const chain = make_frame(pool_.get(), whole->pkt_len, segment_bytes);
    auto from = rte_pktmbuf_mtod(whole, const std::uint8_t*);
    for (rte_mbuf* segment = chain; segment != nullptr; segment = segment->next) {
      std::copy_n(from, segment->data_len, rte_pktmbuf_mtod(segment, std::uint8_t*));
      from += segment->data_len;
    }
    rte_pktmbuf_free(whole);
    return chain;
  }

  /// Frames of flow 0 with these sequence numbers, made `age` TSC cycles ago.
  void check_sequences(const std::vector<std::uint32_t>& sequences, std::uint64_t age = 0) {
    for (const std::uint32_t sequence : sequences) {
      check({make({60, IpVersion::k4, false}, {.sequence = sequence, .tsc = rte_rdtsc() - age})});
    }
  }

  /// The counters that make up `received`, and one that does not.
  struct Found {
    std::uint64_t unique = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t stale = 0;
    std::uint64_t altered = 0;
    std::uint64_t unknown = 0;
    std::uint64_t not_dropped = 0;
    std::uint64_t reordered = 0;

    bool operator==(const Found&) const = default;
    friend std::ostream& operator<<(std::ostream& to, const Found& f) {
      return to << f.unique << " unique, " << f.duplicated << " duplicated, " << f.stale << " stale, " << f.altered
                << " altered, " << f.unknown << " unknown, " << f.not_dropped << " not dropped, " << f.reordered
                << " reordered";
    }
  };

  Found found() const {
    const Found found{found_.unique.get(),  found_.duplicated.get(),  found_.stale.get(),    found_.altered.get(),
                      found_.unknown.get(), found_.not_dropped.get(), found_.reordered.get()};
    EXPECT_EQ(found_.received.get(),
              found.unique + found.duplicated + found.stale + found.altered + found.unknown + found.not_dropped);
    EXPECT_EQ(leg_.transmitted.get(), found_.received.get());
    EXPECT_EQ(latency_.count(), found.unique);
    return found;
  }

  Mempool pool_{"traffic", 1023, 0, 9300, 0};
  GeneratorCounters made_;
  CheckerCounters found_;
  Histogram latency_;
  Counters leg_;
  std::vector<FlowState> states_{1};
};

}  // namespace ringway
