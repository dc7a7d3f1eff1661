#include "ladder/usage.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace ringway {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::uint64_t difference(long after, long before) {
  return static_cast<std::uint64_t>(after - before);
}

// Holds the number of the tracepoint that every system call passes.
constexpr const char* kTracing = "/sys/kernel/tracing";
constexpr const char* kNumber = "events/raw_syscalls/sys_enter/id";

/// tracefs, mounted nowhere, for this descriptor alone; -1: not allowed.
int mount_tracefs() {
  const int context = fsopen("tracefs", FSOPEN_CLOEXEC);
  const bool made = context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  const int root = made ? fsmount(context, FSMOUNT_CLOEXEC, 0) : -1;
  if (context >= 0) {
    close(context);
  }
  return root;
}

/// 0: not to be read.
std::uint64_t number_in(int root) {
  char text[32] = {};
  const int file = root >= 0 ? openat(root, kNumber, O_RDONLY | O_CLOEXEC) : -1;
  const bool read_it = file >= 0 && read(file, text, sizeof text - 1) > 0;
  for (const int fd : {file, root}) {
    if (fd >= 0) {
      close(fd);
    }
  }
  return read_it ? std::strtoull(text, nullptr, 10) : 0;
}

std::uint64_t tracepoint() {
  const std::uint64_t number = number_in(open(kTracing, O_PATH | O_CLOEXEC));
  return number != 0 ? number : number_in(mount_tracefs());
}

/// CPU time of the thread up to now; rusage knows it up to the last tick.
double cpu_now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Shares out CPU time as rusage, which samples it, does.
void share_out(double cpu_s, const rusage& before, const rusage& after, Usage& usage) {
  const double user = seconds(after.ru_utime) - seconds(before.ru_utime);
  const double system = seconds(after.ru_stime) - seconds(before.ru_stime);
  usage.system_s = user + system > 0 ? cpu_s * system / (user + system) : 0;
  usage.user_s = cpu_s - usage.system_s;
}

rusage of_thread() {
  rusage now{};
  getrusage(RUSAGE_THREAD, &now);
  return now;
}

// The kernel counts what follows the call that starts it, up to and with the one that stops it: that one is not the
// mover's.
constexpr std::uint64_t kOwnCalls = 1;

}  // namespace

thread_local std::uint64_t calls_of_thread = 0;

int trace_system_calls(int thread, bool at_once) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = tracepoint();
  attributes.disabled = at_once ? 0 : 1;
  if (attributes.config == 0) {
    return -1;
  }
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

Usage& Usage::operator+=(const Usage& other) noexcept {
  user_s += other.user_s;
  system_s += other.system_s;
  voluntary_switches += other.voluntary_switches;
  involuntary_switches += other.involuntary_switches;
  minor_faults += other.minor_faults;
  major_faults += other.major_faults;
  counted_calls += other.counted_calls;
  calls_known = calls_known && other.calls_known;
  if (traced_calls && other.traced_calls) {
    *traced_calls += *other.traced_calls;
  } else {
    traced_calls.reset();
  }
  return *this;
}

Meter::Meter() : trace_(trace_system_calls(0, false)) {}

Meter::~Meter() {
  if (trace_ >= 0) {
    close(trace_);
  }
}

void Meter::start() {
  before_ = of_thread();
  calls_before_ = calls_of_thread;
  cpu_before_s_ = cpu_now();
  if (trace_ >= 0) {
    ioctl(trace_, PERF_EVENT_IOC_RESET, 0);
    ioctl(trace_, PERF_EVENT_IOC_ENABLE, 0);
  }
}

Usage Meter::stop() {
  if (trace_ >= 0) {
    ioctl(trace_, PERF_EVENT_IOC_DISABLE, 0);
  }
  const double cpu_s = cpu_now() - cpu_before_s_;
  const rusage after = of_thread();
  Usage usage{.voluntary_switches = difference(after.ru_nvcsw, before_.ru_nvcsw),
              .involuntary_switches = difference(after.ru_nivcsw, before_.ru_nivcsw),
              .minor_faults = difference(after.ru_minflt, before_.ru_minflt),
              .major_faults = difference(after.ru_majflt, before_.ru_majflt),
              .counted_calls = calls_of_thread - calls_before_,
              .traced_calls = {}};
  share_out(cpu_s, before_, after, usage);
  std::uint64_t traced = 0;
  if (trace_ >= 0 && read(trace_, &traced, sizeof traced) == sizeof traced) {
    usage.traced_calls = traced - kOwnCalls;
  }
  return usage;
}

}  // namespace ringway
