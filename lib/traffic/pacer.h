#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "datapath/counters.h"

namespace ringway {

/// Says how many frames are due, from the time alone and never from what became of the frames before (open loop). What
/// is behind is made up at full speed, but 1 ms worth at most, or kMostBehind frames at low rates: beyond that the
/// lcore was away, and a burst that long would measure the burst. What is given up is counted.
class Pacer {
 public:
  /// `packets_per_s` 0: always more. `seconds` 0: for ever. `forgone` outlives the pacer.
  Pacer(double packets_per_s, double seconds, std::uint64_t tsc_hz, Counter& forgone) noexcept
      : frames_per_cycle_(packets_per_s / static_cast<double>(tsc_hz)),
        most_behind_(std::max(kMostBehind, static_cast<std::uint64_t>(packets_per_s / 1000))),
        forgone_(&forgone) {
    if (seconds > 0) {
      const double cycles = std::min(seconds * static_cast<double>(tsc_hz), 1e18);  // decades: in range of 64 bits
      cycles_ = static_cast<std::uint64_t>(cycles);
    }
  }

  /// Frames due at `now`, a TSC value that never runs backwards. The first call starts the time.
  std::uint64_t due(std::uint64_t now) noexcept {
    if (start_ == 0) [[unlikely]] {
      start_ = now;
    }
    if (frames_per_cycle_ == 0) {
      return over(now) ? 0 : std::numeric_limits<std::uint64_t>::max();
    }
    const auto elapsed = static_cast<double>(static_cast<std::int64_t>(std::min(now - start_, cycles_)));
    const auto due = static_cast<std::uint64_t>(static_cast<std::int64_t>(elapsed * frames_per_cycle_)) - settled_;
    if (due > most_behind_) [[unlikely]] {
      forgone_->add(due - most_behind_);
      settled_ += due - most_behind_;
      return most_behind_;
    }
    return due;
  }

  /// `n` of the due frames have been made.
  void made(std::uint64_t n) noexcept { settled_ += n; }

  /// The time is up: after what is due now, nothing more will be. After the first due().
  bool over(std::uint64_t now) const noexcept { return now - start_ >= cycles_; }

 private:
  static constexpr std::uint64_t kMostBehind = 64;

  double frames_per_cycle_;
  std::uint64_t most_behind_;  // frames
  std::uint64_t cycles_ = std::numeric_limits<std::int64_t>::max();
  std::uint64_t start_ = 0;
  std::uint64_t settled_ = 0;  // frames made or given up
  Counter* forgone_;
};

}  // namespace ringway
