#pragma once

#include <chrono>
#include <vector>

namespace ringway {

/// The threads of this process, DPDK's and the drivers' own among them (/proc/self/task).
std::vector<int> thread_ids();

/// Interrupts a thread by a signal and runs `function` there, which may do only what a signal handler may. False when
/// it has not been run within the time: the thread sits in the kernel, or has ended. One call at a time; needs no
/// privilege, and no more than tgkill.
bool call_in_thread(int thread, void (*function)(), std::chrono::milliseconds patience);

}  // namespace ringway
