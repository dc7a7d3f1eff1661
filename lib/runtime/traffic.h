#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/lab_port.h"
#include "runtime/leg_unit.h"
#include "runtime/report.h"
#include "traffic/checker.h"
#include "traffic/generator.h"

namespace ringway {

/// The generators and checkers of a plan's lab ports. Main thread only.
class Traffic {
 public:
  /// `labs`: one a port of the plan, null for ports of other kinds; they outlive it, as `pools` do (one a pool).
  Traffic(const Plan& plan, const std::vector<std::unique_ptr<LabPort>>& labs, const std::vector<rte_mempool*>& pools);

  /// The legs of one lcore, to be polled by it. Throws Error when there is no memory.
  std::vector<NumaPtr<LegUnit>> make_legs(const LcorePlan& lcore);

  /// Whether there is a generator at all.
  bool generates() const noexcept { return !generators_.empty(); }
  /// Whether every generator has made all that it was asked for; never without a limit.
  bool done() const;
  /// Once the generators have ended: whether none holds frames any more.
  bool handed_over() const;

  /// Frames that a port's RX queues had no room for.
  std::uint64_t missed(std::size_t port) const;
  /// Everything counted so far.
  TrafficTotals totals() const;
  /// All latencies so far, in HdrHistogram's text format, in nanoseconds.
  std::string latency_text() const;

 private:
  struct GeneratorUnit {
    std::size_t port = 0;
    NumaPtr<GeneratorCounters> counters;
    NumaPtr<RingProducer> into_port;
    const LegUnit* leg = nullptr;
    bool checked = false;  // somebody checks what arrives at the end of its way

    /// Frames made that wait for room in the RX queue.
    bool holds() const noexcept;
    /// Frames made that it had no room for.
    std::uint64_t missed() const noexcept;
  };
  /// What the checkers of one port share.
  struct CheckerUnit {
    std::vector<FlowState> flows;
    NumaPtr<CheckerCounters> counters;
    NumaPtr<Histogram> latency;
  };

  void make_generators(std::size_t port, unsigned socket, std::vector<NumaPtr<LegUnit>>& legs);
  void make_checkers(std::size_t port, unsigned socket, std::vector<NumaPtr<LegUnit>>& legs);
  TrafficProfile profile(const Way& way) const;
  /// Flows of other lab ports that are to arrive at this one.
  std::vector<const PortFlows*> arriving_at(std::size_t port) const;
  void add_latencies(Histogram& into) const;

  const Plan& plan_;
  const std::vector<std::unique_ptr<LabPort>>& labs_;
  const std::vector<rte_mempool*>& pools_;
  std::vector<PortFlows> flows_;  // one a port; of others unused
  std::vector<GeneratorUnit> generators_;
  std::vector<std::unique_ptr<CheckerUnit>> checkers_;
};

}  // namespace ringway
