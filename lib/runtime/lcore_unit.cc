#include "runtime/lcore_unit.h"

#include <rte_launch.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <thread>

#include "core/errors.h"

namespace ringway {

LcoreUnit::LcoreUnit(const LcorePlan& plan, std::vector<NumaPtr<LegUnit>> legs, IdlePolicy idle)
    : id_(plan.id), legs_(std::move(legs)) {
  std::array<std::size_t, kRanks> of_rank{};
  for (const auto& leg : legs_) {
    refs_.push_back(leg->ref());
    ++of_rank[static_cast<std::size_t>(leg->rank())];
  }
  loop_ = make_on_socket<LcoreLoop>(plan.socket, refs_.data(), of_rank, idle);
}

int LcoreUnit::run(void* self) {
  auto& lcore = *static_cast<LcoreUnit*>(self);
  // Sleeps end when asked, not 50 us later: the timer slack of an ordinary thread would be most of the added latency.
  prctl(PR_SET_TIMERSLACK, 1UL);
  lcore.thread_id_ = static_cast<int>(gettid());
  const std::string folder = "/proc/self/task/" + std::to_string(lcore.thread_id_);
  lcore.status_.emplace(folder + "/status");
  lcore.stat_.emplace(folder + "/stat");
  lcore.at_start_ = context_switches(*lcore.status_);
  lcore.loop_->run();
  return 0;
}

void LcoreUnit::enter() {
  loop_->hold();
  if (rte_eal_remote_launch(run, this, id_) != 0) {
    throw Error(ExitStatus::kFailed, "rte_eal_remote_launch: lcore " + std::to_string(id_) + " is busy");
  }
  while (!loop_->held()) {
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

bool LcoreUnit::polls(const LegUnit& leg) const noexcept {
  return std::any_of(legs_.begin(), legs_.end(), [&](const auto& own) { return own.get() == &leg; });
}

void LcoreUnit::join() {
  rte_eal_wait_lcore(id_);
}

// A turn of the loop is many polls, and each may be a slow one.
std::uint64_t LcoreUnit::progress() const noexcept {
  std::uint64_t progress = loop_->turns();
  for (const auto& leg : legs_) {
    progress += leg->counters().bursts.get();
  }
  return progress;
}

ThreadState LcoreUnit::thread_state() const {
  const std::string text = stat_->text();
  std::istringstream fields(text.substr(text.rfind(')') + 1));  // a thread's name may hold anything
  ThreadState state;
  fields >> state.state;
  long ticks = 0;
  for (int field = 4; field <= 15; ++field) {
    long value = 0;
    fields >> value;
    ticks += field >= 14 ? value : 0;  // in user mode, in the kernel
  }
  state.cpu_time = std::chrono::nanoseconds(1'000'000'000 / sysconf(_SC_CLK_TCK) * ticks);
  return state;
}

LcoreTotals LcoreUnit::totals() const {
  LcoreTotals totals{.id = id_};
  totals.busy_cycles = loop_->busy_cycles().get();
  totals.idle_cycles = loop_->idle_cycles().get();
  if (status_) {
    const ContextSwitches now = context_switches(*status_);
    totals.voluntary_context_switches = now.voluntary - at_start_.voluntary;
    totals.involuntary_context_switches = now.involuntary - at_start_.involuntary;
  }
  for (const auto& leg : legs_) {
    totals.packets += leg->counters().received.get();
    totals.bursts += leg->counters().bursts.get();
  }
  return totals;
}

}  // namespace ringway
