#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "ladder/descriptor.h"
#include "ladder/usage.h"

namespace ringway {

/// Measures threads of another process, from when it is made, or from when they were. Where the kernel's count of
/// system calls is not to be read, nobody counts them; it never begins before this is made.
class ThreadsMeter {
 public:
  enum class Since { kNow, kTheirStart };

  /// Folders of `/proc/PROCESS/task`. Throws Error where there is none, CannotRun where the kernel does not tell CPU
  /// time there.
  explicit ThreadsMeter(const std::vector<std::filesystem::path>& threads, Since since = Since::kNow);

  /// What they have cost since then. A thread that has ended counts as when it was looked at last; of its
  /// system calls none is missing.
  Usage now();

 private:
  struct Thread {
    std::filesystem::path folder;
    Descriptor trace;  // perf event; none: not allowed
    Usage before;
    Usage seen;
  };

  std::vector<Thread> threads_;
};

}  // namespace ringway
