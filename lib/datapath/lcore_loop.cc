#include "datapath/lcore_loop.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <ctime>

namespace ringway {

LcoreLoop::LcoreLoop(const LegRef* legs, std::array<std::size_t, kRanks> of_rank, IdlePolicy idle) noexcept
    : legs_(legs), idle_(idle) {
  for (std::size_t rank = kRanks; rank-- > 0;) {
    in_phase_[rank] = in_phase_[rank + 1] + of_rank[rank];
  }
}

void LcoreLoop::run() noexcept {
  since_ = rte_rdtsc();
  for (Phase phase = 0; phase != kStopped; phase = phase_.load(std::memory_order_acquire)) {
    polled_ = in_phase_[phase];
    reached_.store(phase, std::memory_order_release);
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
    if (phase != kAllLegs) {
      reap_legs();
    }
  }
  reached_.store(kStopped, std::memory_order_release);
}

std::uint32_t LcoreLoop::poll_legs() noexcept {
  std::uint32_t taken = 0;
  for (std::size_t i = 0; i < polled_; ++i) {
    taken += legs_[i].poll(legs_[i].self);
  }
  return taken;
}

void LcoreLoop::reap_legs() noexcept {
  for (std::size_t i = 0; i < in_phase_[kAllLegs]; ++i) {
    legs_[i].reap(legs_[i].self);
  }
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
  reap_legs();
  if (empty_rounds_ > std::uint64_t{idle_.spin_polls} + idle_.pause_polls && idle_.sleep_us != 0) {
    const timespec nap{.tv_sec = 0, .tv_nsec = static_cast<long>(idle_.sleep_us) * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
  }
}

}  // namespace ringway
