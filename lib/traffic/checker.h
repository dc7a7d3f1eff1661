#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "datapath/burst.h"
#include "traffic/histogram.h"
#include "traffic/profile.h"

namespace ringway {

/// What has been seen of one flow at one port.
struct FlowState {
  std::uint64_t seen = 0;      ///< bit n: sequence number last - n; 0: nothing yet
  std::uint32_t last = 0;      ///< the sequence number furthest ahead, in serial arithmetic (RFC 1982)
  std::optional<Fault> fault;  ///< the fault of the flow's frames; none: an ordinary flow
  bool foreign = false;        ///< it is to arrive at another port
};

/// Marks the flows that are faults. `states`: flows.count(), from flows.first on. At set-up.
void mark_faults(std::span<FlowState> states, const PortFlows& flows) noexcept;

/// What a checker has found. lcore: written; main: read.
///
/// received = unique + duplicated + stale + altered + unknown + not_dropped. At the end, of all ports together: lost =
/// sent - sent_expected_to_drop - unique; an altered or stale frame counts as lost, too, since its place is not known.
struct alignas(kCacheLine) CheckerCounters {
  Counter received;       ///< frames
  Counter unique;         ///< intact, and for the first time
  Counter reordered;      ///< of the unique ones: behind a later one of its flow
  Counter passed_faults;  ///< of the unique ones: bad in a way that is none of a forwarder's business
  Counter duplicated;     ///< intact, but not for the first time
  Counter stale;          ///< intact, but 64 or more behind the last one of its flow: too late to tell the first time
  Counter altered;        ///< the check is wrong, or the frame ends before its stamp does
  Counter unknown;        ///< no generated frame: of another EtherType; or one that was to arrive elsewhere
  Counter not_dropped;    ///< the forwarder must have dropped it: a runt, or too long
};

/// The forwarder of a leg that ends the way: compares each frame with its stamp, takes the latency of unique ones, and
/// frees it.
class Checker {
 public:
  static constexpr bool kMayHold = false;

  /// `flows`: their ids count from `first`; all others are foreign. They, which the checkers of a
  /// port share on one lcore, the counters and the histogram, of TSC cycles, outlive it.
  Checker(std::span<FlowState> flows, std::uint32_t first, CheckerCounters& counters, Histogram& latency) noexcept
      : flows_(flows), first_(first), counters_(&counters), latency_(&latency) {}

  /// Leaves no packet in the burst; to the leg they count as transmitted. Owning lcore only.
  void forward(Burst& burst, Counters& counters) noexcept;
  void reap() noexcept {}

 private:
  Counter& judge(const rte_mbuf* mbuf, std::uint64_t now) noexcept;
  Counter& place(FlowState& flow, std::uint32_t sequence) noexcept;

  std::span<FlowState> flows_;
  std::uint32_t first_;
  CheckerCounters* counters_;
  Histogram* latency_;
};

}  // namespace ringway
