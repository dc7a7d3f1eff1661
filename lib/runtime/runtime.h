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
#include "forwarder/cross_connect.h"
#include "plan/plan.h"
#include "runtime/probe.h"
#include "runtime/report.h"
#include "stage/limit_frames.h"
#include "stage/swap_macs.h"

namespace ringway {

/// A leg and its stages, side by side in memory.
struct LegUnit {
  /// Puts the stages that the plan asks for between source and output.
  LegUnit(const LegPlan& leg_plan, PortSource source, PortOutput output);

  LegPlan plan;
  LimitFrames limit_frames;
  SwapMacs swap_macs;
  PortToPort leg;
};

/// An lcore, its legs and its loop.
struct LcoreUnit {
  unsigned id = 0;
  std::vector<NumaPtr<LegUnit>> legs;
  std::vector<LegRef> refs;
  NumaPtr<LcoreLoop> loop;
  std::atomic<int> thread_id{0};  ///< lcore: written once; main: read; 0 until it runs
  std::uint64_t voluntary_at_start = 0;
  std::uint64_t involuntary_at_start = 0;
};

/// A Plan made real. Owners only; destroyed in the reverse order. All of it from the main thread.
class Runtime {
 public:
  /// Makes pools, ports and legs, and starts the ports. `ids` has one ethdev port id a port of the plan. Throws Error.
  Runtime(const Plan& plan, const PortIds& ids);
  /// Stops what still runs, without a report.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Launches every lcore's loop.
  void start();

  /// Everything counted so far. Never stops an lcore; packets may be on their way while it reads.
  Totals totals() const;

  /// Packets taken so far: cheaper than totals().
  std::uint64_t received() const;

  /// The ordered stop: legs end, drivers that keep packets are emptied, ports stop and close, pools are counted.
  Report stop();

  /// Legs in the plan's order, for tests that add stages of their own before start().
  std::vector<LegUnit*> legs();

  /// What drivers could not do and were done without.
  std::vector<std::string> notices() const;

 private:
  void make_ports(const PortIds& ids);
  void make_lcore(const LcorePlan& lcore);
  void join();
  void drain_ports();
  void reap_outputs();
  std::vector<PoolTotals> audit_pools();

  Plan plan_;
  std::chrono::steady_clock::time_point started_;
  std::vector<Mempool> pools_;
  std::vector<Port> ports_;
  std::vector<std::unique_ptr<LcoreUnit>> lcores_;
  std::vector<RunningPort> running_ports_;
  std::vector<KernelCounters> kernel_at_start_;  // one a port; all 0 where there is no interface below
  Counters drained_;                             // packets taken out of drivers at stop
  bool launched_ = false;
};

}  // namespace ringway
