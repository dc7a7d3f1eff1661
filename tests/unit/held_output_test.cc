#include "dpdk/held_output.h"

#include <gtest/gtest.h>
#include <rte_log.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

namespace ringway {
namespace {

void log(const std::string& text) {
  rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "%s\n", text.c_str());
}

/// Bytes of memory that the held text takes.
long memory_taken() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    struct stat facts {};
    std::error_code gone;  // the folder's own descriptor
    if (std::filesystem::read_symlink(entry, gone).string().find("ringway-log") != std::string::npos &&
        stat(entry.path().c_str(), &facts) == 0) {
      return facts.st_blocks * 512;
    }
  }
  return -1;
}

TEST(HeldOutput, KeepsTheLastLinesThatTellOfAFailure) {
  HeldOutput output;
  output.take_log();
  for (const char* line : {"EAL: Detected CPU lcores: 2", "EAL: Selected IOVA mode 'PA'", "EAL: one", "EAL: two",
                           "EAL: FATAL: Cannot init memory", "EAL: Cannot init memory"}) {
    log(line);
  }
  output.keep_last(2);
  EXPECT_EQ(output.held(), "EAL: two\nEAL: Cannot init memory\n");
  output.keep_last(9);
  EXPECT_EQ(output.held(), "EAL: one\nEAL: two\nEAL: Cannot init memory\n");
}

TEST(HeldOutput, KeepsTheLogUntilItIsForgotten) {
  HeldOutput output;
  EXPECT_EQ(output.held(), "");
  output.take_log();
  log("one");
  log("");
  log("two");
  EXPECT_EQ(output.held(), "one\ntwo\n");
  EXPECT_EQ(output.held(), "one\ntwo\n") << "asking is not forgetting";
  output.forget();
  EXPECT_EQ(output.held(), "");
  log("three");
  EXPECT_EQ(output.held(), "three\n");
}

TEST(HeldOutput, KeepsStreamsAndLogInOrder) {
  HeldOutput output;
  output.take_log();
  output.hold_streams();
  std::fputs("first\n", stdout);
  std::fflush(stdout);
  log("second");
  std::fputs("third\n", stderr);
  output.release_streams();
  EXPECT_EQ(output.held(), "first\nsecond\nthird\n");
}

TEST(HeldOutput, ForgettingGivesMemoryBack) {
  HeldOutput output;
  output.take_log();
  log(std::string(20000, 'x'));
  EXPECT_GE(memory_taken(), 20000);
  output.forget();
  EXPECT_EQ(memory_taken(), 0);
}

TEST(HeldOutput, OfALongRunTheLastLinesAreKept) {
  HeldOutput output;
  output.take_log();
  for (int i = 0; i < 5000; ++i) {
    log("PMD: line " + std::to_string(i) + " of very many that say the same");
  }
  EXPECT_GT(memory_taken(), 0);
  EXPECT_LE(memory_taken(), 2 * HeldOutput::kMostHeld + 2 * getpagesize());
  const std::string held = output.held();
  EXPECT_LE(held.size(), static_cast<std::size_t>(HeldOutput::kMostHeld));
  EXPECT_GT(held.size(), static_cast<std::size_t>(HeldOutput::kMostHeld) - 100);
  EXPECT_TRUE(held.starts_with("PMD: line ")) << held.substr(0, 40);
  EXPECT_TRUE(held.ends_with("PMD: line 4999 of very many that say the same\n"));
}

TEST(HeldOutput, HoldsNothingBackWhenAllIsShown) {
  HeldOutput output;
  output.show_all();
  testing::internal::CaptureStderr();
  rte_openlog_stream(stderr);
  output.take_log();
  log("shown");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "shown\n");
  EXPECT_EQ(output.held(), "");
}

}  // namespace
}  // namespace ringway
