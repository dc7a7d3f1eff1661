#pragma once

#include <array>
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

/// Where a leg takes its packets from, in the order in which legs end at stop: what feeds a way first.
enum class Rank : std::uint8_t {
  kGenerate,  ///< makes packets
  kReceive,   ///< takes them from a port
  kPass,      ///< takes them from a ring between legs
  kCheck,     ///< takes them behind the last port
};
inline constexpr std::size_t kRanks = 4;

/// What an lcore polls. Phase p: only legs of rank p and above; the others still get rid of what they hold.
using Phase = std::uint8_t;
inline constexpr Phase kAllLegs = 0;
inline constexpr Phase kStopped = kRanks;

/// An lcore's legs and the loop that polls them in turn.
class alignas(kCacheLine) LcoreLoop {
 public:
  /// `legs` outlives the loop; the legs behind it belong to the lcore that runs it. Legs of a higher rank stand first:
  /// the end of a way makes room for its beginning. `of_rank` says how many there are of each.
  LcoreLoop(const LegRef* legs, std::array<std::size_t, kRanks> of_rank, IdlePolicy idle) noexcept;

  /// Polls until the phase is kStopped. Owning lcore only.
  void run() noexcept;

  /// Any thread; never back to an earlier phase. run() follows within kHousekeepingRounds rounds.
  void enter_phase(Phase phase) noexcept {
    phase_.store(phase, std::memory_order_release);
    hold_.store(false, std::memory_order_release);
  }

  /// The phase that run() has come to: whatever legs of lower rank did is visible. Any thread.
  Phase reached() const noexcept { return reached_.load(std::memory_order_acquire); }

  /// Makes run() stand still between two rounds, before the first, too, until resume(). Main only, not once a phase was
  /// entered. While held() the legs may be changed from outside.
  void hold() noexcept { hold_.store(true, std::memory_order_release); }
  bool held() const noexcept { return held_.load(std::memory_order_acquire); }
  /// Returns when run() goes on; at once when it does not run.
  void resume() noexcept;

  /// Moves on for as long as the loop turns, at least every kHousekeepingRounds rounds. lcore: written; main: read.
  std::uint64_t turns() const noexcept { return turns_.get(); }
  /// The leg polled last, an index. lcore: written; main: read.
  std::size_t polling() const noexcept { return polling_.load(std::memory_order_relaxed); }

  /// TSC cycles in rounds that took packets, and in rounds that took none. lcore: written; main: read.
  const Counter& busy_cycles() const noexcept { return busy_cycles_; }
  const Counter& idle_cycles() const noexcept { return idle_cycles_; }

 private:
  std::uint32_t poll_legs() noexcept;
  void reap_legs() noexcept;
  void enter(bool busy) noexcept;
  void back_off() noexcept;
  Phase wanted() noexcept;

  const LegRef* legs_;
  std::size_t polled_ = 0;                          // legs of the current phase: the first so many
  std::array<std::size_t, kRanks + 1> in_phase_{};  // the same for every phase
  IdlePolicy idle_;
  std::uint64_t empty_rounds_ = 0;
  std::uint64_t since_ = 0;  // TSC up to which time has been given to busy or idle
  bool busy_ = false;
  Counter busy_cycles_;
  Counter idle_cycles_;
  Counter turns_;
  std::atomic<std::uint32_t> polling_{0};                   // lcore: written; main: read
  std::atomic<Phase> reached_{kAllLegs};                    // lcore: written; main: read
  std::atomic<bool> held_{false};                           // lcore: written; main: read
  alignas(kCacheLine) std::atomic<Phase> phase_{kAllLegs};  // main: written; lcore: read
  std::atomic<bool> hold_{false};                           // main: written; lcore: read
};

/// Rounds between two looks at what main wants: rare enough to cost nothing, 5 ms at most when each round sleeps 20 us.
inline constexpr unsigned kHousekeepingRounds = 256;

}  // namespace ringway
