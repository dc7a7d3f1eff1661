#include "runtime/privileges.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

#include "core/errors.h"
#include "runtime/proc_file.h"
#include "runtime/system_calls.h"

namespace ringway {
namespace {

Plan plan_of(const char* driver, const char* device = "net_x0") {
  Plan plan;
  plan.ports.resize(1);
  plan.ports[0].driver = driver;
  plan.ports[0].device = device;
  return plan;
}

// The leak check of a build with sanitizers needs calls that the filter refuses, so there is none.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kFilters = false;
#else
constexpr bool kFilters = true;
#endif

bool refused(long result) {
  return result < 0 && errno == EPERM;
}

/// What a call of each kind comes to, from inside; empty when all is as it should be.
std::string look_inside(const ProcFile& status) {
  std::string wrong;
  const std::string text = status.text();
  for (const char* line : {"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
                           "CapAmb:\t0000000000000000", "NoNewPrivs:\t1"}) {
    wrong += text.find(line) == std::string::npos ? std::string(line) + " is not there\n" : "";
  }
  if (!kFilters) {
    return wrong;
  }
  char program[] = "/bin/true";
  char* const arguments[] = {program, nullptr};
  const std::pair<const char*, std::function<bool()>> calls[] = {
      {"open", [] { return refused(open("/dev/null", O_RDONLY)); }},
      {"execve", [&] { return refused(execv(program, arguments)); }},
      {"ptrace", [] { return refused(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
      {"socket", [] { return refused(socket(AF_INET, SOCK_DGRAM, 0)); }},
      {"fork", [] { return refused(fork()); }},
      {"mmap with PROT_EXEC",
       [] { return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED; }},
  };
  for (const auto& [name, is_refused] : calls) {
    wrong += is_refused() ? "" : std::string(name) + " was not refused\n";
  }
  wrong += mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? "" : "mmap is refused\n";
  return wrong;
}

ProcFile own_status() {
  return ProcFile("/proc/self/task/" + std::to_string(gettid()) + "/status");
}

/// In a process of its own, since nothing comes back. Another thread is there before, as lcores are.
[[noreturn]] void drop_and_look() {
  std::atomic<bool> ready = false;
  std::atomic<bool> dropped = false;
  std::string seen_by_other;
  std::thread other([&] {
    const ProcFile status = own_status();
    ready = true;
    while (!dropped) {
      std::this_thread::yield();
    }
    seen_by_other = look_inside(status);
  });
  while (!ready) {
    std::this_thread::yield();
  }
  const ProcFile status = own_status();
  drop_privileges(plan_of("net_null"), "");
  dropped = true;
  other.join();
  const std::string seen = look_inside(status);
  std::cerr << seen << seen_by_other;
  std::_Exit(seen.empty() && seen_by_other.empty() ? 0 : 1);
}

TEST(Privileges, AreGoneInEveryThread) {
  EXPECT_EXIT(drop_and_look(), testing::ExitedWithCode(0), "^$");
}

TEST(SystemCalls, OfUnknownDriversAreNotGuessed) {
  EXPECT_FALSE(calls_after_start(plan_of("net_something")).has_value());
  EXPECT_FALSE(calls_after_start(plan_of("net_something", "0000:03:00.0")).has_value());
  EXPECT_TRUE(calls_after_start(plan_of("net_virtio", "0000:03:00.0")).has_value());
}

TEST(SystemCalls, GrowWithTheKindsOfPorts) {
  Plan both = plan_of("net_null");
  both.ports.push_back(plan_of("net_af_packet").ports[0]);
  const auto null = calls_after_start(plan_of("net_null"));
  const auto more = calls_after_start(both);
  EXPECT_LT(null->size(), more->size());
  for (const char* never : {"execve", "ptrace", "openat", "clone", "socket"}) {
    for (const AllowedCall& call : *more) {
      EXPECT_STRNE(call.name, never);
    }
  }
}

TEST(SystemCalls, OfCapturesAreThereWithThemOnly) {
  const auto with = [](const Plan& plan, const std::string& name) {
    const auto calls = *calls_after_start(plan);
    const auto call = std::find_if(calls.begin(), calls.end(), [&](const auto& one) { return one.name == name; });
    return call == calls.end() ? std::nullopt : std::optional(*call);
  };
  Plan plan = plan_of("net_null");
  EXPECT_FALSE(with(plan, "pwrite64") || with(plan, "io_uring_enter") || with(plan, "openat"));
  plan.captures.resize(1);
  EXPECT_TRUE(with(plan, "pwrite64") && with(plan, "io_uring_enter"));
  EXPECT_FALSE(with(plan, "openat") || with(plan, "io_uring_setup") || with(plan, "io_uring_register"));
  plan.captures[0].rotate_seconds = 1;
  ASSERT_TRUE(with(plan, "openat"));
  EXPECT_EQ(with(plan, "openat")->required_bits, unsigned{O_CREAT | O_EXCL}) << "no file that is there";
}

}  // namespace
}  // namespace ringway
