#pragma once

#include <atomic>
#include <cstdint>

#include "datapath/counters.h"
#include "datapath/leg.h"

namespace ringway {

/// How an lcore without packets backs off: it polls on, then pauses between polls, then sleeps between them.
struct IdlePolicy {
  std::uint32_t spin_polls = 0;   ///< empty rounds before it pauses
  std::uint32_t pause_polls = 0;  ///< paused rounds before it sleeps
  std::uint32_t sleep_us = 0;     ///< microseconds; 0: it never sleeps
};

/// An lcore's legs and the loop that polls them in turn.
class alignas(kCacheLine) LcoreLoop {
 public:
  /// `legs` outlives the loop; the legs behind it belong to the lcore that runs it.
  LcoreLoop(const LegRef* legs, std::size_t leg_count, IdlePolicy idle) noexcept
      : legs_(legs), leg_count_(leg_count), idle_(idle) {}

  /// Polls until stop(). Owning lcore only.
  void run() noexcept;

  /// Any thread; run() returns within kHousekeepingRounds rounds.
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  /// TSC cycles in rounds that took packets, and in rounds that took none. lcore: written; main: read.
  const Counter& busy_cycles() const noexcept { return busy_cycles_; }
  const Counter& idle_cycles() const noexcept { return idle_cycles_; }

 private:
  std::uint32_t poll_legs() noexcept;
  void enter(bool busy) noexcept;
  void back_off() noexcept;

  const LegRef* legs_;
  std::size_t leg_count_;
  IdlePolicy idle_;
  std::uint64_t empty_rounds_ = 0;
  std::uint64_t since_ = 0;  // TSC up to which time has been given to busy or idle
  bool busy_ = false;
  Counter busy_cycles_;
  Counter idle_cycles_;
  alignas(kCacheLine) std::atomic<bool> stop_{false};  // main: written; lcore: read
};

/// Rounds between two looks at the stop flag: rare enough to cost nothing, 5 ms at most when each round sleeps 20 us.
inline constexpr unsigned kHousekeepingRounds = 256;

}  // namespace ringway
