#include "datapath/lcore_loop.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <ctime>

namespace ringway {
namespace {

constexpr std::uint32_t kHeldNap = 20;  // microseconds

void sleep_us(std::uint32_t us) noexcept {
  const timespec nap{.tv_sec = 0, .tv_nsec = static_cast<long>(us) * 1000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
}

}  // namespace

LcoreLoop::LcoreLoop(const LegRef* legs, std::array<std::size_t, kRanks> of_rank, IdlePolicy idle) noexcept
    : legs_(legs), idle_(idle) {
  for (std::size_t rank = kRanks; rank-- > 0;) {
    in_phase_[rank] = in_phase_[rank + 1] + of_rank[rank];
  }
}

void LcoreLoop::run() noexcept {
  since_ = rte_rdtsc();
  for (Phase phase = wanted(); phase != kStopped; phase = wanted()) {
    turns_.add(1);
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
    polling_.store(static_cast<std::uint32_t>(i), std::memory_order_relaxed);
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
  turns_.add(1);
  if (empty_rounds_ > std::uint64_t{idle_.spin_polls} + idle_.pause_polls && idle_.sleep_us != 0) {
    sleep_us(idle_.sleep_us);
  }
}

/// The phase to be in, once nobody wants the loop to stand still. It sleeps meanwhile: the thread that is to change the
/// legs may wait for this very CPU.
Phase LcoreLoop::wanted() noexcept {
  if (hold_.load(std::memory_order_acquire)) [[unlikely]] {
    held_.store(true, std::memory_order_release);
    while (hold_.load(std::memory_order_acquire)) {
      sleep_us(kHeldNap);
    }
    held_.store(false, std::memory_order_release);
  }
  return phase_.load(std::memory_order_acquire);
}

void LcoreLoop::resume() noexcept {
  hold_.store(false, std::memory_order_release);
  while (held()) {
    sleep_us(kHeldNap);
  }
}

}  // namespace ringway
