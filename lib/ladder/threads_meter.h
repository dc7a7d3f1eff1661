#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "ladder/descriptor.h"
#include "ladder/usage.h"

namespace ringway {

/// Measures threads of another process, from when it is made. Where the kernel's count of system calls is not to be
/// read, nobody counts them.
class ThreadsMeter {
 public:
  /// Folders of `/proc/PROCESS/task`.
  explicit ThreadsMeter(const std::vector<std::filesystem::path>& threads);

  /// What they have cost since this was made. A thread that has ended counts as when it was looked at last; of its
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
