#include "datapath/lcore_loop.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <ctime>

namespace ringway {

void LcoreLoop::run() noexcept {
  since_ = rte_rdtsc();
  while (!stop_.load(std::memory_order_relaxed)) {
    for (unsigned round = 0; round < kHousekeepingRounds; ++round) {
      const bool busy = poll_legs() != 0;
      if (busy != busy_) {
        enter(busy);
      }
      if (!busy) {
        back_off();
      }
    }
    enter(busy_);
  }
}

std::uint32_t LcoreLoop::poll_legs() noexcept {
  std::uint32_t taken = 0;
  for (std::size_t i = 0; i < leg_count_; ++i) {
    taken += legs_[i].poll(legs_[i].self);
  }
  return taken;
}

// The clock is read when busy turns to idle or back, and at housekeeping: never while packets keep coming.
void LcoreLoop::enter(bool busy) noexcept {
  const std::uint64_t now = rte_rdtsc();
  (busy_ ? busy_cycles_ : idle_cycles_).add(now - since_);
  since_ = now;
  if (busy != busy_) {
    busy_ = busy;
    empty_rounds_ = 0;
  }
}

void LcoreLoop::back_off() noexcept {
  ++empty_rounds_;
  if (empty_rounds_ <= idle_.spin_polls) {
    return;
  }
  if (idle_.sleep_us == 0 || empty_rounds_ <= std::uint64_t{idle_.spin_polls} + idle_.pause_polls) {
    rte_pause();
    if (empty_rounds_ % kHousekeepingRounds != 0) {
      return;
    }
  }
  for (std::size_t i = 0; i < leg_count_; ++i) {
    legs_[i].reap(legs_[i].self);
  }
  if (empty_rounds_ > std::uint64_t{idle_.spin_polls} + idle_.pause_polls && idle_.sleep_us != 0) {
    const timespec nap{.tv_sec = 0, .tv_nsec = static_cast<long>(idle_.sleep_us) * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
  }
}

}  // namespace ringway
