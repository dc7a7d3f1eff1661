#include "runtime/privileges.h"

#include <cap-ng.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

#include "core/errors.h"
#include "core/text.h"
#include "runtime/system_calls.h"
#include "runtime/thread_call.h"

namespace ringway {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLeakCheck = true;
#else
constexpr bool kLeakCheck = false;
#endif

[[noreturn]] void fail(const std::string& text, int error) {
  throw Error(ExitStatus::kFailed, "cannot drop privileges: " + text + (error != 0 ? ": " : "") +
                                       (error != 0 ? std::strerror(error) : "") +
                                       "; --keep-privileges does without that");
}

/// Runs as a signal handler, since a thread's capabilities are its own to drop; so by system calls alone. The bounding
/// set needs CAP_SETPCAP, and matters only to who has it.
void drop_own_capabilities() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability) {
    prctl(PR_CAPBSET_DROP, capability);
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  syscall(SYS_capset, &header, none);
}

/// Also of threads that are made meanwhile. Returns how many there are.
std::size_t drop_capabilities() {
  std::set<int> done;
  for (bool more = true; more;) {
    more = false;
    for (const int thread : thread_ids()) {
      if (done.insert(thread).second) {
        more = true;
        call_in_thread(thread, drop_own_capabilities, std::chrono::seconds(1));
      }
    }
  }
  for (const int thread : thread_ids()) {
    capng_setpid(thread);
    errno = 0;
    const bool told = capng_get_caps_process() == 0;
    if (!told && errno == ESRCH) {
      continue;  // it has ended meanwhile
    }
    if (!told || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE) {
      fail("thread " + std::to_string(thread) + " keeps capabilities", 0);
    }
  }
  return done.size();
}

/// The files that follow are made without privileges, unlike the first.
void check_folders(const Plan& plan) {
  for (const CapturePlan& capture : plan.captures) {
    const std::string folder = folder_of(capture.file);
    if (capture.rotates() && faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
      throw Error(ExitStatus::kPermission, "capture '" + capture.name + "': cannot make files in " + folder +
                                               " once privileges are dropped: " + std::strerror(errno) +
                                               "; expected a folder of this user's own, or --keep-privileges");
    }
  }
}

/// Returns how many calls are left.
std::size_t filter_calls(const std::vector<AllowedCall>& calls) {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release);
  if (!filter) {
    fail("seccomp_init", ENOMEM);
  }
  for (const AllowedCall& call : calls) {
    const int number = seccomp_syscall_resolve_name(call.name);
    const unsigned looked_at = call.forbidden_bits | call.required_bits;
    const scmp_arg_cmp bits = SCMP_A2(SCMP_CMP_MASKED_EQ, looked_at, call.required_bits);
    const int result = seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, number, looked_at != 0 ? 1 : 0, &bits);
    // Not every architecture has every call: aarch64 has no epoll_wait.
    if (result != 0 && number >= 0) {
      fail(std::string("seccomp_rule_add: ") + call.name, -result);
    }
  }
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree: lcores sleep through it
  if (const int result = seccomp_load(filter.get()); result != 0) {
    fail("seccomp_load", -result);
  }
  return calls.size();
}

}  // namespace

std::string drop_privileges(const Plan& plan, const std::string& others_served) {
  const rlimit all{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &all);  // a NIC that comes back has all memory mapped anew; where it may not, as it was
  const std::size_t threads = drop_capabilities();
  check_folders(plan);
  std::string line = "privileges dropped in " + std::to_string(threads) + " threads: no capability is left";
  if (kLeakCheck) {
    return line + "; system calls are not filtered, since the leak check at the end needs some of them";
  }
  if (!others_served.empty()) {
    return line + "; system calls are not filtered, since " + others_served;
  }
  const auto calls = calls_after_start(plan);
  return calls ? line + ", and " + std::to_string(filter_calls(*calls)) + " system calls are"
               : line + "; system calls are not filtered, since it is not known which a driver here needs";
}

}  // namespace ringway
