#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace ringway {

/// What a mover's threads cost.
struct Usage {
  double user_s = 0;
  double system_s = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t counted_calls = 0;            ///< system calls made through counted()
  bool calls_known = true;                    ///< false: another program's, which only the kernel could have counted
  std::optional<std::uint64_t> traced_calls;  ///< by the kernel's own count; none: it does not let us

  double cpu_s() const noexcept { return user_s + system_s; }

  /// By the kernel's count where there is one.
  std::uint64_t system_calls() const noexcept { return traced_calls.value_or(counted_calls); }

  Usage& operator+=(const Usage& other) noexcept;
};

/// System calls that this thread has made through counted().
extern thread_local std::uint64_t calls_of_thread;

/// Makes one system call, and counts it for the calling thread.
template <class Call, class... Arguments>
auto counted(Call call, Arguments&&... arguments) {
  ++calls_of_thread;
  return call(std::forward<Arguments>(arguments)...);
}

/// The kernel's count of a thread's system calls, a perf event; 0: the calling thread. It counts from when it is
/// enabled, which `at_once` does. -1: not allowed.
int trace_system_calls(int thread, bool at_once);

/// Measures the thread that makes it, from start() to stop(). Opening and reading it costs system calls of its own,
/// none of which is counted.
class Meter {
 public:
  Meter();
  ~Meter();
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  void start();
  Usage stop();

 private:
  int trace_ = -1;  // perf event of raw_syscalls:sys_enter; -1: not allowed
  rusage before_{};
  std::uint64_t calls_before_ = 0;
  double cpu_before_s_ = 0;
};

}  // namespace ringway
