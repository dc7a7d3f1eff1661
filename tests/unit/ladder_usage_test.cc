#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "core/errors.h"
#include "ladder/rung.h"
#include "ladder/threads_meter.h"
#include "ladder/usage.h"

namespace ringway {
namespace {

constexpr std::uint64_t kCalls = 1000;

void call(std::uint64_t times) {
  for (std::uint64_t done = 0; done < times; ++done) {
    counted(getppid);
  }
}

TEST(LadderUsage, CountsTheCallsBetweenStartAndStopExactly) {
  Meter meter;
  for (const std::uint64_t calls : {kCalls, std::uint64_t{0}, std::uint64_t{1}}) {
    call(3);
    meter.start();
    call(calls);
    const Usage usage = meter.stop();
    EXPECT_EQ(usage.counted_calls, calls);
    EXPECT_EQ(usage.system_calls(), calls);
    if (!usage.traced_calls) {
      std::cout << "the kernel's count is not to be had here; counted by the program alone\n";
    }
  }
}

TEST(LadderUsage, SeesACallThatTheProgramDoesNotCountWhereTheKernelCounts) {
  Meter meter;
  meter.start();
  call(2);
  getppid();
  const Usage usage = meter.stop();
  EXPECT_EQ(usage.counted_calls, 2U);
  if (!usage.traced_calls) {
    GTEST_SKIP() << "the kernel's count is not to be had here: it needs root and tracefs";
  }
  EXPECT_EQ(*usage.traced_calls, 3U);
}

TEST(LadderUsage, CountsAFaultForEachPageTouchedFirst) {
  constexpr std::size_t kPages = 64;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  auto* const memory = static_cast<volatile char*>(
      mmap(nullptr, kPages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  madvise(const_cast<char*>(memory), kPages * page, MADV_NOHUGEPAGE);
  Meter meter;
  meter.start();
  for (std::size_t at = 0; at < kPages * page; at += page) {
    memory[at] = 1;
  }
  const Usage usage = meter.stop();
  munmap(const_cast<char*>(memory), kPages * page);
  EXPECT_GE(usage.minor_faults, kPages);
  EXPECT_LE(usage.minor_faults, kPages + 8);  // the meter's own stack and code
}

std::filesystem::path own_thread() {
  return "/proc/" + std::to_string(getpid()) + "/task/" + std::to_string(gettid());
}

double work_for_a_while() {
  double sum = 0;
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
       std::chrono::steady_clock::now() < end;) {
    sum += 1;
  }
  return sum;
}

TEST(LadderUsage, SeesThreadsOfAProcessFromNowOrFromTheirStart) {
  work_for_a_while();
  ThreadsMeter now({own_thread()});
  ThreadsMeter ever({own_thread()}, ThreadsMeter::Since::kTheirStart);
  work_for_a_while();
  const Usage since_now = now.now();
  const Usage since_start = ever.now();
  EXPECT_GT(since_now.user_s + since_now.system_s, 0);
  EXPECT_GT(since_start.user_s + since_start.system_s, since_now.user_s + since_now.system_s);
}

TEST(LadderUsage, TellsOfThreadsThatItCannotSee) {
  EXPECT_THROW(ThreadsMeter(std::vector<std::filesystem::path>()), Error);
  EXPECT_THROW(ThreadsMeter({"/proc/self/task/0"}), CannotRun);
}

TEST(LadderUsage, AddsUpAndLosesTheKernelsCountWhereOneHasNone) {
  Usage sum{.user_s = 1, .minor_faults = 2, .counted_calls = 3, .traced_calls = 4};
  sum += Usage{.user_s = 2, .minor_faults = 3, .counted_calls = 4, .traced_calls = 5};
  EXPECT_EQ(sum.user_s, 3);
  EXPECT_EQ(sum.minor_faults, 5U);
  EXPECT_EQ(sum.system_calls(), 9U);
  sum += Usage{.counted_calls = 1, .traced_calls = {}};
  EXPECT_EQ(sum.system_calls(), 8U);
}

}  // namespace
}  // namespace ringway
