#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "dpdk/mempool.h"
#include "plan/plan.h"
#include "runtime/captures.h"
#include "runtime/hot_plug.h"
#include "runtime/lab_port.h"
#include "runtime/lcore_unit.h"
#include "runtime/leg_unit.h"
#include "runtime/port_unit.h"
#include "runtime/probe.h"
#include "runtime/replays.h"
#include "runtime/report.h"
#include "runtime/traffic.h"
#include "runtime/watchdog.h"

namespace ringway {

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

  /// Has every lcore run its loop as far as its first round, so that threads have made ready what they need.
  void enter();
  /// Lets packets flow; behind enter(), or without.
  void start();

  /// Everything counted so far. Never stops an lcore; packets may be on their way while it reads.
  Totals totals() const;

  /// The packets of totals(), without ports, rings, lcores and traffic: cheaper.
  Totals packets() const;

  /// PortTotals::link of each port.
  std::vector<std::string> links() const;

  /// Whether generators and replays have sent all they were asked for, or a replay has failed; never without a limit.
  bool traffic_done() const;

  /// All latencies so far, in HdrHistogram's text format; empty without lab ports.
  std::string latency_text() const;

  /// Names an lcore that is stuck; none: all turn. To be called every 50 ms or so between start() and stop().
  std::optional<std::string> stuck() { return watchdog_ ? watchdog_->look() : std::nullopt; }

  /// The ordered stop: legs end from the start of the ways to their end, as soon as nothing is left before them;
  /// drivers that keep packets are emptied, ports stop and close, pools are counted.
  Report stop();

  /// Legs in the order in which the lcores poll them, for tests that add stages of their own or poll them in an order
  /// of their own instead of start().
  std::vector<LegUnit*> legs();

  /// Null where the plan has no lab port. For tests that are their own generator and checker.
  LabPort* lab(std::size_t port) const noexcept { return labs_[port].get(); }

  /// Takes ports out of service whose device is unplugged, and back when it returns. Returns what it did, a line each.
  std::vector<std::string> tend_ports(HeldOutput& output) { return hot_plug_->tend(output); }

  /// Captures that have come to an end since this was last asked, a line each.
  std::vector<std::string> capture_news() { return captures_->news(); }

  /// What drivers, or captures, could not do and was done without.
  std::vector<std::string> notices() const;

 private:
  void watch_custody();
  void make_ports(const PortIds& ids);
  std::vector<NumaPtr<LegUnit>> make_legs(const LcorePlan& planned, const LegParts& parts);
  void move_legs(const PortUnit& port, std::uint16_t to);
  void hold(LcoreUnit& lcore);
  void wind_down();
  bool nothing_before(Rank rank) const;
  void join();
  void abandon();
  void drain_ports();
  TapLane* drop_tap_of(const PortQueue& rx) const;
  void reap_outputs();
  std::vector<PoolTotals> audit_pools();
  RingTotals ring_totals(std::size_t ring) const;

  Plan plan_;
  std::chrono::steady_clock::time_point started_;
  std::vector<Mempool> pools_;
  std::vector<rte_mempool*> pool_pointers_;
  std::unique_ptr<Replays> replays_;  // null: no replay port; outlives ports and rings, whose mbufs refer to it
  std::vector<std::unique_ptr<LabPort>> labs_;  // one a port; null: no lab port
  std::deque<PortUnit> ports_;
  FlowHash hash_;
  std::vector<RingUnit> rings_;
  std::unique_ptr<Captures> captures_;
  std::unique_ptr<Traffic> traffic_;  // null: no lab port, or tests are their own
  std::vector<std::unique_ptr<LcoreUnit>> lcores_;
  std::vector<std::pair<const LegPlan*, LegUnit*>> planned_;  // the plan's own legs
  std::vector<const LegUnit*> ring_readers_;                  // one a ring
  std::optional<HotPlug> hot_plug_;
  std::optional<Watchdog> watchdog_;
  Counters drained_;  // packets taken out of drivers and rings at stop
  std::uint64_t in_other_buffers_before_ = 0;
  bool entered_ = false;
};

}  // namespace ringway
