#include "runtime/system_calls.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "config/device.h"

namespace ringway {
namespace {

using Names = std::vector<const char*>;

// Whatever the ports are: reports and logs; waiting; memory, never to be executed; signals; the end.
const Names kAlways = {"read",
                       "write",
                       "pread64",
                       "lseek",
                       "close",
                       "newfstatat",
                       "fsync",
                       "ftruncate",
                       "fallocate",
                       "renameat",
                       "renameat2",
                       "unlinkat",
                       "linkat",
                       "ppoll",
                       "epoll_wait",
                       "epoll_create",
                       "epoll_create1",
                       "epoll_pwait",
                       "epoll_ctl",
                       "clock_nanosleep",
                       "clock_gettime",
                       "futex",
                       "sched_yield",
                       "brk",
                       "munmap",
                       "mremap",
                       "madvise",
                       "rt_sigprocmask",
                       "rt_sigreturn",
                       "rt_sigaction",
                       "restart_syscall",
                       "tgkill",
                       "getpid",
                       "gettid",
                       "exit",
                       "exit_group"};
const Names kWithoutExec = {"mmap", "mprotect"};

const Names kKernelInterface = {"sendto", "poll", "recvfrom", "ioctl", "getsockopt"};
const Names kPeerOnSocket = {"unlink",          "poll",    "accept",        "accept4",     "sendmsg",  "recvmsg",
                             "recvfrom",        "connect", "socket",        "fcntl",       "eventfd2", "ioctl",
                             "timerfd_settime", "writev",  "get_mempolicy", "memfd_create"};

// A capture's writer, on files that are open. Its io_uring takes nothing but writes.
const Names kCapture = {"pwrite64", "io_uring_enter"};

// A NIC that was unplugged comes back: the bus is looked through, and its files are opened.
const Names kNic = {"openat",  "access",    "readlink", "readlinkat",       "getdents64",    "ioctl",        "fcntl",
                    "flock",   "pwrite64",  "eventfd2", "timerfd_settime",  "dup",           "dup2",         "dup3",
                    "mkdirat", "faccessat", "mbind",    "get_mempolicy",    "set_mempolicy", "memfd_create", "fstatfs",
                    "statfs",  "mkdir",     "socket",   "sched_getaffinity"};

/// As measured with strace on each kind, from forwarding to the end, with peers that go and come back.
const std::map<std::string_view, Names>& by_driver() {
  static const std::map<std::string_view, Names> kCalls = {
      {"lab", {}},
      {"replay", {}},
      {"net_e1000_em", kNic},
      {"net_virtio", kNic},
      {"net_bonding", {"timerfd_settime"}},  // and what its members need
      {"net_null", {}},
      {"net_ring", {}},
      {"net_pcap", {"sendto", "poll", "ioctl", "getsockname", "getsockopt", "setsockopt", "writev"}},
      {"net_af_packet", kKernelInterface},
      {"net_af_xdp", kKernelInterface},
      {"net_tap", {"readv", "writev", "ioctl", "recvmsg", "poll", "fcntl"}},
      {"net_memif", kPeerOnSocket},
      {"net_vhost", kPeerOnSocket},
      {"net_virtio_user", kPeerOnSocket},
  };
  return kCalls;
}

}  // namespace

std::optional<std::vector<AllowedCall>> calls_after_start(const Plan& plan) {
  Names names = kAlways;
  bool known = true;
  const auto add = [&](std::string_view driver) {
    const auto more = by_driver().find(driver);
    known = known && more != by_driver().end();
    if (known) {
      names.insert(names.end(), more->second.begin(), more->second.end());
    }
  };
  for (const PortPlan& port : plan.ports) {
    add(port.driver);
    for (const std::string& member : port.members) {
      add(vdev_driver(member));
    }
  }
  if (!known) {
    return {};
  }
  if (!plan.captures.empty()) {
    names.insert(names.end(), kCapture.begin(), kCapture.end());
  }
  const auto before = [](std::string_view a, std::string_view b) { return a < b; };
  std::sort(names.begin(), names.end(), before);
  names.erase(std::unique(names.begin(), names.end(), [](std::string_view a, std::string_view b) { return a == b; }),
              names.end());
  std::vector<AllowedCall> calls;
  for (const char* name : names) {
    calls.push_back({.name = name});
  }
  for (const char* name : kWithoutExec) {
    calls.push_back({.name = name, .forbidden_bits = PROT_EXEC});
  }
  const bool opens = std::any_of(names.begin(), names.end(), [](std::string_view name) { return name == "openat"; });
  const bool rotates = std::any_of(plan.captures.begin(), plan.captures.end(),
                                   [](const CapturePlan& capture) { return capture.rotates(); });
  if (rotates && !opens) {  // only files that are not there yet
    calls.push_back({.name = "openat", .required_bits = O_CREAT | O_EXCL});
  }
  return calls;
}

}  // namespace ringway
