#include "traffic/checker.h"

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <algorithm>

#include "traffic/frame.h"

namespace ringway {
namespace {

constexpr std::uint32_t kWindow = 64;  // bits of FlowState::seen
constexpr std::uint32_t kNowhere = 0;

/// Where the stamp of a frame with these first bytes is, or would be; kNowhere: it is none of the generator's.
std::uint32_t stamp_place(const std::uint8_t* head, std::uint32_t bytes) noexcept {
  constexpr std::uint32_t kTag = sizeof(rte_vlan_hdr);
  if (bytes < sizeof(rte_ether_hdr) + kTag) {
    return kNowhere;
  }
  const auto* const ether = reinterpret_cast<const rte_ether_hdr*>(head);
  std::uint32_t at = sizeof *ether;
  rte_be16_t type = ether->ether_type;
  if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN)) {
    type = reinterpret_cast<const rte_vlan_hdr*>(ether + 1)->eth_proto;
    at += kTag;
  }
  if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) || type == rte_cpu_to_be_16(kExperimentalEthertype)) {
    return at + sizeof(rte_ipv4_hdr) + sizeof(rte_udp_hdr);
  }
  if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
    return at + sizeof(rte_ipv6_hdr) + sizeof(rte_udp_hdr);
  }
  return kNowhere;
}

/// The CRC of all that follows the stamp, in whatever segments it is.
std::uint32_t padding_crc_of(const rte_mbuf* mbuf, std::uint32_t at) noexcept {
  std::uint32_t crc = crc_of_length(mbuf->pkt_len - at + static_cast<std::uint32_t>(sizeof(Stamp)));
  for (const rte_mbuf* segment = mbuf; segment != nullptr; segment = segment->next) {
    const std::uint32_t skipped = std::min<std::uint32_t>(at, segment->data_len);
    crc = crc32c(rte_pktmbuf_mtod_offset(segment, const std::uint8_t*, skipped), segment->data_len - skipped, crc);
    at -= skipped;
  }
  return crc;
}

}  // namespace

void mark_faults(std::span<FlowState> states, const PortFlows& flows) noexcept {
  for (std::size_t fault = 0; fault < kFaults; ++fault) {
    for (std::uint32_t queue = 0; queue < flows.queues; ++queue) {
      const auto kind = static_cast<Fault>(fault);
      states[flows.fault_index(kind, queue)].fault = kind;
    }
  }
}

void Checker::forward(Burst& burst, Counters& counters) noexcept {
  const std::uint64_t now = rte_rdtsc();
  for (std::uint16_t i = 0; i < burst.size(); ++i) {
    judge(burst[i], now).add(1);
  }
  counters_->received.add(burst.size());
  counters.transmitted.add(burst.size());
  unpoison_tailrooms(burst.data(), burst.size());
  rte_pktmbuf_free_bulk(burst.data(), burst.size());
  burst.resize(0);
}

// Returns under which of the counters the frame falls that make up `received`.
Counter& Checker::judge(const rte_mbuf* mbuf, std::uint64_t now) noexcept {
  std::uint8_t copy[kLongestHead];  // used where the first segment is shorter
  const std::uint32_t bytes = std::min(mbuf->pkt_len, kLongestHead);
  const auto* const head = static_cast<const std::uint8_t*>(rte_pktmbuf_read(mbuf, 0, bytes, copy));
  const std::uint32_t at = stamp_place(head, bytes);
  if (at == kNowhere) [[unlikely]] {
    return mbuf->pkt_len == kRuntBytes ? counters_->not_dropped : counters_->unknown;
  }
  const std::uint32_t end = at + static_cast<std::uint32_t>(sizeof(Stamp));
  if (end > bytes) [[unlikely]] {
    return counters_->altered;
  }
  const Stamp stamp = *reinterpret_cast<const Stamp*>(head + at);
  if (check_of(stamp, padding_crc_of(mbuf, end)) != stamp.check) [[unlikely]] {
    return counters_->altered;
  }
  const std::uint32_t index = stamp.flow - first_;
  if (index >= flows_.size()) [[unlikely]] {
    return counters_->unknown;
  }
  FlowState& flow = flows_[index];
  if (flow.foreign) [[unlikely]] {
    return counters_->unknown;
  }
  if (flow.fault && must_be_dropped(*flow.fault)) [[unlikely]] {
    return counters_->not_dropped;
  }
  Counter& verdict = place(flow, stamp.sequence);
  if (&verdict == &counters_->unique) [[likely]] {
    counters_->passed_faults.add(flow.fault ? 1 : 0);
    latency_->record(now - std::min(stamp.tsc, now));  // clocks of two lcores may differ by a little
  }
  return verdict;
}

Counter& Checker::place(FlowState& flow, std::uint32_t sequence) noexcept {
  const auto ahead = static_cast<std::int32_t>(sequence - flow.last);
  if (ahead > 0 || flow.seen == 0) [[likely]] {
    flow.seen = static_cast<std::uint32_t>(ahead) < kWindow ? flow.seen << ahead | 1 : 1;
    flow.last = sequence;
    return counters_->unique;
  }
  const std::uint32_t behind = flow.last - sequence;
  if (behind >= kWindow) {
    return counters_->stale;
  }
  const std::uint64_t bit = std::uint64_t{1} << behind;
  if ((flow.seen & bit) != 0) {
    return counters_->duplicated;
  }
  flow.seen |= bit;
  counters_->reordered.add(1);
  return counters_->unique;
}

}  // namespace ringway
