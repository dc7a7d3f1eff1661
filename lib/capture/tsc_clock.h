#pragma once

#include <rte_cycles.h>

#include <cstdint>
#include <ctime>

namespace ringway {

/// Turns TSC cycles into nanoseconds since 1970. Set anew every second or so, it follows the system's clock. One
/// thread.
class TscClock {
 public:
  TscClock() noexcept { set(); }

  void set() noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tsc_ = rte_rdtsc();
    ns_ = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  }

  /// Of a moment near the last set(), before or after it.
  std::uint64_t ns(std::uint64_t tsc) const noexcept {
    const auto cycles = static_cast<double>(static_cast<std::int64_t>(tsc - tsc_));
    return ns_ + static_cast<std::uint64_t>(static_cast<std::int64_t>(cycles * ns_per_cycle_));
  }
  std::uint64_t now_ns() const noexcept { return ns(rte_rdtsc()); }

  /// Whether a second has gone by since set().
  bool is_due(std::uint64_t tsc) const noexcept { return tsc - tsc_ >= rte_get_tsc_hz(); }

 private:
  double ns_per_cycle_ = 1e9 / static_cast<double>(rte_get_tsc_hz());
  std::uint64_t tsc_ = 0;
  std::uint64_t ns_ = 0;
};

}  // namespace ringway
