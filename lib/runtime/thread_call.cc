#include "runtime/thread_call.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <thread>

namespace ringway {
namespace {

std::atomic<void (*)()> wanted = nullptr;
std::atomic<int> in_thread = 0;

extern "C" void on_call(int) {
  const int error = errno;
  if (in_thread.load(std::memory_order_acquire) == gettid()) {
    if (auto* const function = wanted.exchange(nullptr, std::memory_order_acq_rel)) {
      function();
      in_thread.store(0, std::memory_order_release);
    }
  }
  errno = error;
}

/// The highest real-time signal: net_tap takes the lowest free one.
int signal_for_calls() {
  static const int kSignal = [] {
    struct sigaction action {};
    action.sa_handler = on_call;
    action.sa_flags = SA_RESTART;
    sigaction(SIGRTMAX, &action, nullptr);
    return SIGRTMAX;
  }();
  return kSignal;
}

}  // namespace

std::vector<int> thread_ids() {
  std::vector<int> ids;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string name = task.path().filename();
    int id = 0;
    std::from_chars(name.data(), name.data() + name.size(), id);
    ids.push_back(id);
  }
  return ids;
}

bool call_in_thread(int thread, void (*function)(), std::chrono::milliseconds patience) {
  const int signal = signal_for_calls();
  wanted.store(function, std::memory_order_release);
  in_thread.store(thread, std::memory_order_release);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  bool sent = syscall(SYS_tgkill, getpid(), thread, signal) == 0;
  while (sent && in_thread.load(std::memory_order_acquire) != 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  wanted.store(nullptr, std::memory_order_release);
  return in_thread.exchange(0, std::memory_order_acq_rel) == 0;
}

}  // namespace ringway
