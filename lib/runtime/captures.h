#pragma once

#include <deque>
#include <string>
#include <vector>

#include "capture/filter.h"
#include "capture/packet_writer.h"
#include "dpdk/mempool.h"
#include "dpdk/numa.h"
#include "dpdk/ring.h"
#include "plan/plan.h"
#include "runtime/report.h"

namespace ringway {

/// Tells filters that libpcap does not take. Needs no EAL.
void check_filters(const Config& config, Diagnostics& problems);

/// The captures of a plan: pools of clones, filters, a lane from each tap, and the writer. Main thread only, but for
/// what lcores and the writer do with it. Legs with taps end before it.
class Captures {
 public:
  /// Opens the files. `ports`: ethdev ids, one a port of the plan, which outlives this. Throws Error.
  Captures(const Plan& plan, const std::vector<std::uint16_t>& ports);

  /// The lane of a leg's tap. Throws Error.
  TapLane& add_tap(const LegPlan& leg, const TapPlan& tap);

  /// Has a thread write from now on. Throws Error.
  void start();
  /// Once no leg is polled any more: everything is written, and every mbuf is back.
  void stop() { writer_.stop(); }

  std::vector<CaptureTotals> totals() const;
  /// The writer's copies.
  const Counters& ledger() const noexcept { return writer_.ledger(); }
  /// What is done otherwise than asked, a line each.
  std::vector<std::string> notices() const;
  /// Captures that have come to an end since this was last asked, a line each.
  std::vector<std::string> news();
  std::vector<std::pair<std::string, PoolAudit>> audit_pools();

 private:
  TapPlace place_of(const LegPlan& leg, bool outbound) const;

  const Plan& plan_;
  std::deque<Mempool> pools_;  // as the plan has them
  std::deque<Filter> filters_;
  std::deque<Ring> rings_;
  std::vector<NumaPtr<TapLane>> lanes_;
  PacketWriter writer_;
  std::vector<bool> told_;
};

}  // namespace ringway
