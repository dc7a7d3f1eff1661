#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "datapath/lcore_loop.h"
#include "dpdk/numa.h"
#include "plan/plan.h"
#include "runtime/context_switches.h"
#include "runtime/leg_unit.h"
#include "runtime/report.h"

namespace ringway {

/// An lcore, its legs and its loop. Main thread only, but for what the lcore itself runs.
class LcoreUnit {
 public:
  /// The legs as polled: those of the highest rank first.
  LcoreUnit(const LcorePlan& plan, std::vector<NumaPtr<LegUnit>> legs, IdlePolicy idle);
  LcoreUnit(const LcoreUnit&) = delete;  // its thread points here
  LcoreUnit& operator=(const LcoreUnit&) = delete;

  /// Launches the thread's loop and waits until it stands before its first round: loop().resume() lets it go. Throws
  /// Error.
  void enter();
  /// Waits until the loop has stopped.
  void join();

  /// Makes changes to its legs while its loop stands still: not for longer than it takes to write a few numbers.
  void apply(const std::vector<std::function<void()>>& changes);

  unsigned id() const noexcept { return id_; }
  const std::vector<NumaPtr<LegUnit>>& legs() const noexcept { return legs_; }
  bool polls(const LegUnit& leg) const noexcept;
  LcoreLoop& loop() noexcept { return *loop_; }
  const LcoreLoop& loop() const noexcept { return *loop_; }
  LcoreTotals totals() const;

 private:
  static int run(void* self);
  void wait_until_held() const;

  unsigned id_;
  std::vector<NumaPtr<LegUnit>> legs_;
  std::vector<LegRef> refs_;
  NumaPtr<LcoreLoop> loop_;
  std::optional<ProcFile> status_;  // lcore: written once, before the loop is held; main: read
  ContextSwitches at_start_;
};

}  // namespace ringway
