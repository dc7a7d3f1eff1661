#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "datapath/lcore_loop.h"
#include "dpdk/mempool.h"
#include "dpdk/numa.h"
#include "dpdk/port.h"
#include "plan/plan.h"
#include "runtime/lab_port.h"
#include "runtime/leg_unit.h"
#include "runtime/probe.h"
#include "runtime/report.h"
#include "runtime/traffic.h"

namespace ringway {

/// An lcore, its legs and its loop.
struct LcoreUnit {
  unsigned id = 0;
  std::vector<NumaPtr<LegUnit>> legs;  ///< as polled: those of the highest rank first
  std::vector<LegRef> refs;
  NumaPtr<LcoreLoop> loop;
  std::atomic<int> thread_id{0};  ///< lcore: written once; main: read; 0 until it runs
  std::uint64_t voluntary_at_start = 0;
  std::uint64_t involuntary_at_start = 0;
};

/// A Plan made real. Owners only; destroyed in the reverse order. All of it from the main thread.
class Runtime {
 public:
  /// Makes pools, rings, ports and legs, and starts the ports. `ids` has one ethdev port id a port of the plan; those
  /// of lab ports are made here. Throws Error.
  Runtime(const Plan& plan, const PortIds& ids);
  /// Stops what still runs, without a report.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Launches every lcore's loop.
  void start();

  /// Everything counted so far. Never stops an lcore; packets may be on their way while it reads.
  Totals totals() const;

  /// The packets of totals(), without ports, rings, lcores and traffic: cheaper.
  Totals packets() const;

  /// PortTotals::link of each port.
  std::vector<std::string> links() const;

  /// Whether the generators have made all they were asked for; never without a limit.
  bool traffic_done() const;

  /// All latencies so far, in HdrHistogram's text format; empty without lab ports.
  std::string latency_text() const;

  /// The ordered stop: legs end from the start of the ways to their end, as soon as nothing is left before them;
  /// drivers that keep packets are emptied, ports stop and close, pools are counted.
  Report stop();

  /// Legs in the order in which the lcores poll them, for tests that add stages of their own or poll them in an order
  /// of their own instead of start().
  std::vector<LegUnit*> legs();

  /// Null where the plan has no lab port. For tests that are their own generator and checker.
  LabPort* lab(std::size_t port) const noexcept { return labs_[port].get(); }

  /// What drivers could not do and were done without.
  std::vector<std::string> notices() const;

 private:
  void watch_custody();
  void make_ports(const PortIds& ids);
  void make_lcore(const LcorePlan& planned, const LegParts& parts);
  void wind_down();
  bool nothing_before(Rank rank) const;
  void join();
  void abandon();
  void drain_ports();
  void reap_outputs();
  std::vector<PoolTotals> audit_pools();
  RingTotals ring_totals(std::size_t ring) const;

  Plan plan_;
  std::chrono::steady_clock::time_point started_;
  std::vector<Mempool> pools_;
  std::vector<rte_mempool*> pool_pointers_;
  std::vector<std::unique_ptr<LabPort>> labs_;  // one a port; null: no lab port
  std::vector<Port> ports_;
  std::vector<std::uint16_t> port_ids_;
  FlowHash hash_;
  std::vector<RingUnit> rings_;
  std::unique_ptr<Traffic> traffic_;  // null: no lab port, or tests are their own
  std::vector<std::unique_ptr<LcoreUnit>> lcores_;
  std::vector<std::pair<const LegPlan*, const LegUnit*>> planned_;  // the plan's own legs
  std::vector<const LegUnit*> ring_readers_;                        // one a ring
  std::vector<RunningPort> running_ports_;
  std::vector<KernelCounters> kernel_at_start_;  // one a port; all 0 where there is no interface below
  Counters drained_;                             // packets taken out of drivers and rings at stop
  std::uint64_t in_other_buffers_before_ = 0;
  bool launched_ = false;
};

}  // namespace ringway
