#pragma once

#include <cstdint>

namespace ringway {

/// Context switches of a thread so far (proc(5), /proc/PID/task/TID/status).
struct ContextSwitches {
  std::uint64_t voluntary = 0;
  std::uint64_t involuntary = 0;
};

/// Those of a thread of this process, by its id; none for a thread that is not there.
ContextSwitches context_switches(int thread_id);

}  // namespace ringway
