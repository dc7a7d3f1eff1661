#pragma once

#include <cstdint>

#include "runtime/proc_file.h"

namespace ringway {

/// Context switches of a thread so far (proc(5), /proc/PID/task/TID/status).
struct ContextSwitches {
  std::uint64_t voluntary = 0;
  std::uint64_t involuntary = 0;
};

/// What a thread's `status` says of them; none for a thread that is not there.
ContextSwitches context_switches(const ProcFile& status);

}  // namespace ringway
