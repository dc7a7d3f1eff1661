#include "core/diagnostics.h"

#include <gtest/gtest.h>

namespace ringway {
namespace {

TEST(Diagnostics, StartsClean) {
  const Diagnostics problems;
  EXPECT_FALSE(problems.failed());
  EXPECT_EQ(problems.exit_status(), ExitStatus::kClean);
  EXPECT_TRUE(problems.problems().empty());
  EXPECT_EQ(problems.text("f.yaml"), "");
}

TEST(Diagnostics, AWarningIsNoFailure) {
  Diagnostics problems;
  problems.warn({1, 2}, "burst", "is small");
  EXPECT_FALSE(problems.failed());
  EXPECT_EQ(problems.exit_status(), ExitStatus::kClean);
  EXPECT_EQ(problems.text("f.yaml"), "f.yaml:1:2: warning: burst: is small\n");
}

TEST(Diagnostics, WrongTextOutranksAMissingResource) {
  Diagnostics problems;
  problems.missing({}, "", "no hugepages");
  EXPECT_TRUE(problems.failed());
  EXPECT_EQ(problems.exit_status(), ExitStatus::kResourceMissing);
  problems.invalid({}, "", "no ports");
  EXPECT_EQ(problems.exit_status(), ExitStatus::kConfigInvalid);
  problems.missing({}, "", "no lcores");
  EXPECT_EQ(problems.exit_status(), ExitStatus::kConfigInvalid);
}

TEST(Diagnostics, TellsInTheOrderOfTheFile) {
  Diagnostics problems;
  problems.invalid({3, 1}, "c", "third");
  problems.missing({1, 9}, "b", "second");
  problems.warn({1, 2}, "a", "first");
  problems.invalid({3, 1}, "c", "fourth, told after the third");
  problems.invalid({}, "", "of no place");
  EXPECT_EQ(problems.text("f"),
            "f: of no place\n"
            "f:1:2: warning: a: first\n"
            "f:1:9: b: second\n"
            "f:3:1: c: third\n"
            "f:3:1: c: fourth, told after the third\n");
}

TEST(Diagnostics, KeepsTheOrderOfTelling) {
  Diagnostics problems;
  problems.invalid({2, 1}, "b", "x");
  problems.invalid({1, 1}, "a", "y");
  ASSERT_EQ(problems.problems().size(), 2U);
  EXPECT_EQ(problems.problems()[0].path, "b");
  EXPECT_EQ(problems.problems()[1].severity, Severity::kInvalid);
  EXPECT_EQ(problems.problems()[1].at, (Location{1, 1}));
}

}  // namespace
}  // namespace ringway
