#pragma once

#include "notify.h"
#include "options.h"
#include "runtime/runtime.h"

namespace ringway {

/// SIGINT, SIGTERM and SIGUSR1 wait, in this thread and in those that it starts: around EAL's start, so that no lcore
/// takes them. Undone by unblock_signals(); in between, and until take_signals(), they end the process as they do any
/// other.
void block_signals();
void unblock_signals();

/// Before packets flow: from now on the signals are for watch().
void take_signals();

/// Tells of captures that have ended since it was last called.
void tell_capture_news(Runtime& runtime);

/// Keeps the main lcore until the run is to end: a signal, --duration, --stop-when-idle, or generators that have made
/// all they were asked for. Prints rates (--stats), link changes and, on SIGUSR1, the state; tends ports that are
/// unplugged, and ends the process when an lcore is stuck. After it returns a second SIGINT or SIGTERM ends the process
/// at once, status 130.
void watch(Runtime& runtime, const Options& options, const Notify& notify, HeldOutput& output);

}  // namespace ringway
