#pragma once

#include "options.h"
#include "runtime/runtime.h"

namespace ringway {

/// From here until watch() returns, SIGINT, SIGTERM and SIGUSR1 wait, in this thread and in the lcores that EAL starts:
/// call it before EAL.
void block_signals();

/// Keeps the main lcore until the run is to end: a signal, --duration or --stop-when-idle. Prints rates (--stats), link
/// changes and, on SIGUSR1, the state. After it returns a second SIGINT or SIGTERM ends the process at once, status
/// 130.
void watch(const Runtime& runtime, const Options& options);

}  // namespace ringway
