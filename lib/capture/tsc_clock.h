#pragma once

#include <rte_cycles.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>

namespace ringway {

/// Turns TSC cycles into nanoseconds since 1970. Set anew every second or so, it follows the system's clock. It
/// measures its rate, since EAL's may be rounded by 0.2 %, and works off what it is wrong by until it is set again:
/// times of ascending cycles do not go back. Only when it is wrong by over a millisecond, as after the system's clock
/// was set, it jumps, forward or back. One thread.
class TscClock {
 public:
  /// The same moment on three clocks.
  struct Moment {
    std::uint64_t tsc = 0;
    std::uint64_t ns = 0;         ///< since 1970; may be set
    std::uint64_t steady_ns = 0;  ///< since any time; is never set
  };

  TscClock() noexcept : TscClock(rte_get_tsc_hz(), read()) {}
  TscClock(std::uint64_t hz, const Moment& now) noexcept : hz_(hz), interval_(hz / 64), set_(now) {}

  void set() noexcept { set(read()); }

  /// Of no effect before it is due.
  void set(const Moment& now) noexcept {
    if (!is_due(now.tsc)) {
      return;
    }
    const auto cycles = static_cast<double>(now.tsc - set_.tsc);
    const double measured = static_cast<double>(now.steady_ns - set_.steady_ns) / cycles;
    if (std::abs(measured * static_cast<double>(hz_) - 1e9) < kWorstRate * 1e9) {
      rate_ = measured;
    }
    const std::uint64_t shown = ns(now.tsc);
    const auto wrong = static_cast<std::int64_t>(now.ns - shown);
    const bool jumps = std::abs(wrong) > kMostSlewed;
    interval_ = std::min(2 * interval_, hz_);
    before_ = jumps ? rate_ : after_;
    after_ = rate_ + (jumps ? 0 : static_cast<double>(wrong) / std::max(cycles, static_cast<double>(interval_)));
    set_ = now;
    set_.ns = jumps ? now.ns : shown;
  }

  /// Of a moment near the last set(), before or after it.
  std::uint64_t ns(std::uint64_t tsc) const noexcept {
    const auto cycles = static_cast<std::int64_t>(tsc - set_.tsc);
    return set_.ns + static_cast<std::uint64_t>(
                         static_cast<std::int64_t>(static_cast<double>(cycles) * (cycles < 0 ? before_ : after_)));
  }
  std::uint64_t now_ns() const noexcept { return ns(rte_rdtsc()); }

  /// Whether a second has gone by since set(); at first less, so that the rate is soon known.
  bool is_due(std::uint64_t tsc) const noexcept { return tsc - set_.tsc >= interval_; }

 private:
  static constexpr double kWorstRate = 0.01;
  static constexpr std::int64_t kMostSlewed = 1'000'000;

  static std::uint64_t read(clockid_t clock) noexcept {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  }

  /// The quickest of a few readings: most likely nothing came between its clocks.
  static Moment read() noexcept {
    Moment best;
    std::uint64_t quickest = UINT64_MAX;
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t begin = rte_rdtsc();
      const Moment now{.tsc = begin, .ns = read(CLOCK_REALTIME), .steady_ns = read(CLOCK_MONOTONIC)};
      if (const std::uint64_t took = rte_rdtsc() - begin; took < quickest) {
        quickest = took;
        best = now;
        best.tsc += took / 2;
      }
    }
    return best;
  }

  std::uint64_t hz_;
  std::uint64_t interval_;
  Moment set_;                                    ///< its ns is the time then shown
  double rate_ = 1e9 / static_cast<double>(hz_);  // ns a cycle
  double before_ = rate_;                         // of times before set_
  double after_ = rate_;
};

}  // namespace ringway
