#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/lcore_unit.h"

namespace ringway {

/// Watches that every lcore's loop turns. Main thread only.
class Watchdog {
 public:
  /// Longest that a poll may take: of CPU time while it runs, of any time while it waits in the kernel. What a thread
  /// waits for a CPU, or for a debugger, does not count.
  static constexpr std::chrono::milliseconds kLimit{500};

  /// Once the lcores have entered; `lcores` outlive it.
  explicit Watchdog(const std::vector<std::unique_ptr<LcoreUnit>>& lcores);

  /// To be called every 50 ms or so. Names an lcore that is stuck: its leg, and the functions it is in; none: all turn.
  std::optional<std::string> look();

 private:
  struct Watched {
    const LcoreUnit* lcore;
    std::uint64_t progress = 0;
    std::chrono::nanoseconds cpu_time{0};
    std::chrono::nanoseconds stuck{0};
  };

  const std::vector<std::unique_ptr<LcoreUnit>>& lcores_;
  std::vector<Watched> watched_;
  std::chrono::steady_clock::time_point looked_ = std::chrono::steady_clock::now();
};

/// Says why, and ends the process at once, with a status that has a supervisor start it again: its threads cannot be
/// joined.
[[noreturn]] void leave_stuck(const std::string& why);

}  // namespace ringway
