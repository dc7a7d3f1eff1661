#include "traffic/generator.h"

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include <algorithm>
#include <cassert>

namespace ringway {
namespace {

constexpr std::array<std::uint8_t, 12> kImixOrder = {0, 1, 0, 0, 1, 0,
                                                     2, 0, 1, 0, 0, 1};  // into kImixBytes, as kImixShares says
constexpr std::uint32_t kMillion = 1'000'000;

std::array<FrameTemplate, kImixBytes.size()> templates(const TrafficProfile& profile, IpVersion version,
                                                       unsigned port) noexcept {
  const auto one = [&](std::size_t i) {
    return FrameTemplate(profile.frame_bytes == 0 ? kImixBytes[i] : profile.frame_bytes, version, profile.vlans > 0,
                         port);
  };
  return {one(0), one(1), one(2)};
}

/// How many queues share what a port sends.
std::uint32_t active(const PortFlows& flows) noexcept {
  return std::min(flows.flows, flows.queues);
}

std::uint64_t packets_of(const TrafficProfile& profile, const PortFlows& flows, std::uint32_t queue) noexcept {
  if (queue >= active(flows)) {
    return 0;
  }
  if (profile.packets == 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return profile.packets / active(flows) + (queue < profile.packets % active(flows) ? 1 : 0);
}

}  // namespace

Generator::Generator(const TrafficProfile& profile, const PortFlows& flows, std::uint32_t queue, rte_mempool* pool,
                     std::uint16_t burst, std::uint64_t tsc_hz, GeneratorCounters& counters) noexcept
    : templates_{templates(profile, IpVersion::k4, flows.port), templates(profile, IpVersion::k6, flows.port)},
      mix_(profile.frame_bytes == 0 ? kImixOrder : std::array<std::uint8_t, kMixLength>{}),
      bad_(profile.frame_bytes, IpVersion::k4, false, flows.port),
      flows_(flows),
      pacer_(profile.packets_per_s / active(flows), profile.seconds, tsc_hz, counters.forgone),
      pool_(pool),
      counters_(&counters),
      remaining_(packets_of(profile, flows, queue)),
      queue_(queue),
      index_(queue),
      vlans_(profile.vlans),
      ipv6_ppm_(profile.ipv6_ppm),
      faults_ppm_(profile.faults_ppm),
      longest_(profile.longest),
      room_(static_cast<std::uint32_t>(rte_pktmbuf_data_room_size(pool)) - RTE_PKTMBUF_HEADROOM),
      burst_(burst) {
  assert(room_ >= kLongestHead && (faults_ppm_ == 0 || room_ > longest_));
  assert(flows.flows == profile.flows && queue < flows.queues && burst > 0 && burst <= kMaxBurst);
}

std::uint16_t Generator::fill(Burst& burst) noexcept {
  const std::uint64_t now = rte_rdtsc();
  const auto due = static_cast<std::uint16_t>(std::min({pacer_.due(now), remaining_, std::uint64_t{burst_}}));
  burst.resize(0);
  if (due == 0) {
    if (remaining_ == 0 || pacer_.over(now)) {
      counters_->done.store(true, std::memory_order_relaxed);
    }
    return 0;
  }
  const bool starved = rte_pktmbuf_alloc_bulk(pool_, burst.data(), due) != 0;
  if (starved) [[unlikely]] {
    counters_->no_mbuf.add(starved_ ? 0 : 1);
    starved_ = true;
    return 0;
  }
  starved_ = false;
  for (std::uint16_t i = 0; i < due; ++i) {
    fault_debt_ += faults_ppm_;
    if (fault_debt_ >= kMillion) [[unlikely]] {
      fault_debt_ -= kMillion;
      write_fault(burst[i], now);
    } else {
      write_next(burst[i], now);
    }
  }
  burst.resize(due);
  pacer_.made(due);
  remaining_ -= due;
  counters_->sent.add(due);
  return due;
}

// Flow after flow, and in each round all with the same sequence number: nothing is kept for a flow.
void Generator::write_next(rte_mbuf* mbuf, std::uint64_t now) noexcept {
  std::uint32_t vlan = 0;
  std::uint32_t step = index_;
  if (vlans_ != 0) {
    vlan = 1 + index_ % vlans_;
    step = index_ / vlans_ + index_ % vlans_;  // so that both IP versions are in every VLAN
  }
  const bool ipv6 = std::uint64_t{step} * ipv6_ppm_ % kMillion + ipv6_ppm_ >= kMillion;  // spread evenly
  templates_[ipv6][mix_[mix_at_]].write(mbuf, static_cast<std::uint16_t>(vlan), flows_.first + index_, round_, now);
  index_ += flows_.queues;
  mix_at_ = mix_at_ + 1 == kMixLength ? 0 : mix_at_ + 1;
  if (index_ >= flows_.flows) {
    index_ = queue_;
    ++round_;
    mix_at_ = round_ % kMixLength;  // no flow has always the same length
  }
}

[[gnu::noinline, gnu::cold]] void Generator::write_fault(rte_mbuf* mbuf, std::uint64_t now) noexcept {
  const auto fault = static_cast<Fault>(faults_made_ % kFaults);
  write_bad(mbuf, fault, static_cast<std::uint32_t>(faults_made_ / kFaults), now);
  ++faults_made_;
  counters_->faults[static_cast<std::size_t>(fault)].add(1);
  counters_->sent_expected_to_drop.add(must_be_dropped(fault) ? 1 : 0);
}

void Generator::write_bad(rte_mbuf* mbuf, Fault fault, std::uint32_t sequence, std::uint64_t now) const noexcept {
  const std::uint32_t flow = flows_.first + flows_.fault_index(fault, queue_);
  if (fault == Fault::kOversized) {
    const std::uint32_t bytes = std::min(longest_ + 1 + sequence % kMostOversize, room_);
    FrameTemplate(bytes, IpVersion::k4, false, flows_.port).write(mbuf, 0, flow, sequence, now);
    return;
  }
  bad_.write(mbuf, 0, flow, sequence, now);
  auto* const ether = rte_pktmbuf_mtod(mbuf, rte_ether_hdr*);
  auto* const ip = reinterpret_cast<rte_ipv4_hdr*>(ether + 1);
  switch (fault) {
    case Fault::kRunt:
      mbuf->data_len = kRuntBytes;
      mbuf->pkt_len = kRuntBytes;
      break;
    case Fault::kWrongChecksum:
      ip->hdr_checksum ^= 1;
      break;
    case Fault::kTtl1:
      ip->time_to_live = 1;
      ip->hdr_checksum = 0;
      ip->hdr_checksum = rte_ipv4_cksum(ip);
      break;
    case Fault::kUnknownEthertype:
      ether->ether_type = rte_cpu_to_be_16(kExperimentalEthertype);
      break;
    case Fault::kOversized:
      break;
  }
}

}  // namespace ringway
