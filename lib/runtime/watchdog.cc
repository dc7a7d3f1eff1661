#include "runtime/watchdog.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "core/exit_status.h"
#include "runtime/thread_call.h"

namespace ringway {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// Longest time between two looks that counts: what is beyond it, this thread did not run either.
constexpr milliseconds kMostBetweenLooks{100};

std::array<void*, 32> frames;
int frame_count = 0;

void take_frames() {
  frame_count = backtrace(frames.data(), static_cast<int>(frames.size()));
}

std::string name_of(void* address) {
  Dl_info info{};
  if (dladdr(address, &info) == 0 || info.dli_sname == nullptr) {
    return info.dli_fname != nullptr ? std::string("in ") + info.dli_fname : "?";
  }
  int failed = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &failed),
                                                        &std::free);
  return failed == 0 ? readable.get() : info.dli_sname;
}

/// The functions that a thread is in, the innermost first, one a line.
std::string stack_of(int thread) {
  if (!call_in_thread(thread, take_frames, milliseconds(200))) {
    return "  its stack cannot be had: it does not take signals\n";
  }
  std::string stack;
  constexpr int kOfTheCallItself = 3;  // take_frames, the handler, the kernel's trampoline
  for (int i = kOfTheCallItself; i < frame_count; ++i) {
    stack += "  " + name_of(frames[static_cast<std::size_t>(i)]) + '\n';
  }
  return stack;
}

}  // namespace

Watchdog::Watchdog(const std::vector<std::unique_ptr<LcoreUnit>>& lcores) : lcores_(lcores) {
  take_frames();  // loads what it needs, which is not to be had later
  for (const auto& lcore : lcores) {
    watched_.push_back({.lcore = lcore.get()});
  }
}

std::optional<std::string> Watchdog::look() {
  const auto now = std::chrono::steady_clock::now();
  const nanoseconds passed = std::min<nanoseconds>(now - std::exchange(looked_, now), kMostBetweenLooks);
  for (Watched& watched : watched_) {
    if (watched.lcore->loop().reached() == kStopped) {
      continue;
    }
    const std::uint64_t progress = watched.lcore->progress();
    if (std::exchange(watched.progress, progress) != progress) {
      watched.stuck = nanoseconds(0);
      continue;
    }
    const ThreadState state = watched.lcore->thread_state();
    const nanoseconds ran = state.cpu_time - std::exchange(watched.cpu_time, state.cpu_time);
    const bool in_kernel = state.state == 'S' || state.state == 'D';
    watched.stuck += in_kernel ? passed : std::clamp<nanoseconds>(ran, nanoseconds(0), passed);
    if (watched.stuck >= kLimit) {
      return "lcore " + std::to_string(watched.lcore->id()) + " has been stuck for " +
             std::to_string(std::chrono::duration_cast<milliseconds>(watched.stuck).count()) + " ms in '" +
             watched.lcore->polling() + "':\n" + stack_of(watched.lcore->thread_id());
    }
  }
  return {};
}

void leave_stuck(const std::string& why) {
  std::cerr << "ringway: " << why << "ringway: ends at once, so that it can be started again\n" << std::flush;
  std::_Exit(static_cast<int>(ExitStatus::kFailed));
}

}  // namespace ringway
