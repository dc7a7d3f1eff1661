#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "datapath/lcore_loop.h"
#include "dpdk/numa.h"
#include "plan/plan.h"
#include "runtime/context_switches.h"
#include "runtime/leg_unit.h"
#include "runtime/report.h"

namespace ringway {

/// What a thread is at, as the kernel says (proc_pid_stat).
struct ThreadState {
  char state = '?';                      ///< R: runs, or waits for a CPU; S and D: waits in the kernel; t: is traced
  std::chrono::nanoseconds cpu_time{0};  ///< in steps of 10 ms
};

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

  unsigned id() const noexcept { return id_; }
  const std::vector<NumaPtr<LegUnit>>& legs() const noexcept { return legs_; }
  bool polls(const LegUnit& leg) const noexcept;
  LcoreLoop& loop() noexcept { return *loop_; }
  const LcoreLoop& loop() const noexcept { return *loop_; }
  LcoreTotals totals() const;
  bool entered() const noexcept { return thread_id_ != 0; }
  /// Behind enter().
  int thread_id() const noexcept { return thread_id_; }
  ThreadState thread_state() const;
  /// Moves on for as long as legs are polled and polls end.
  std::uint64_t progress() const noexcept;
  /// The name of the leg polled last.
  std::string polling() const { return legs_.empty() ? "no leg" : legs_[loop_->polling()]->name(); }

 private:
  static int run(void* self);

  unsigned id_;
  std::vector<NumaPtr<LegUnit>> legs_;
  std::vector<LegRef> refs_;
  NumaPtr<LcoreLoop> loop_;
  // lcore: written once, before the loop is held; main: read
  int thread_id_ = 0;
  std::optional<ProcFile> status_;
  std::optional<ProcFile> stat_;
  ContextSwitches at_start_;
};

}  // namespace ringway
