#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "ladder/outcome_json.h"
#include "ladder/result.h"

namespace ringway {
namespace {

constexpr double kPatience = 60;

Outcome some_outcome() {
  return {.bytes = std::uint64_t{2} << 20U,
          .packets = 32,
          .batches = 4,
          .verified = true,
          .copies_per_byte = 1.5,
          .copies_shown_by = "looking",
          .fell_back = "to copying",
          .notes = {"one", "two"},
          .usage = {.user_s = 0.25,
                    .system_s = 0.5,
                    .voluntary_switches = 1,
                    .involuntary_switches = 2,
                    .minor_faults = 3,
                    .major_faults = 4,
                    .counted_calls = 64,
                    .traced_calls = 66},
          .seconds = 2,
          .latency_p50_us = 7,
          .latency_p99_us = 9,
          .waiting = {}};
}

Rung rung(std::function<Outcome(const Load&)> run) {
  return {
      .name = "one", .group = "file", .title = "a title", .use = "a use", .limit = "a limit", .run = std::move(run)};
}

TEST(LadderResult, OutcomesPassAsTheyAre) {
  for (const bool traced : {true, false}) {
    Outcome outcome = some_outcome();
    if (!traced) {
      outcome.usage.traced_calls.reset();
    }
    const nlohmann::ordered_json json = outcome_to_json(outcome);
    const Outcome again = outcome_from_json(json);
    EXPECT_EQ(outcome_to_json(again), json);
    EXPECT_EQ(again.usage.traced_calls, outcome.usage.traced_calls);
    EXPECT_EQ(again.notes, outcome.notes);
    EXPECT_EQ(again.usage.counted_calls, 64U);
  }
}

TEST(LadderResult, RatesAreOfWhatArrived) {
  const nlohmann::ordered_json json = outcome_to_json(some_outcome());
  EXPECT_EQ(json.at("syscalls_per_mib"), 33);
  EXPECT_EQ(json.at("syscalls_counted_by"), "kernel");
  EXPECT_EQ(json.at("throughput"), 1 << 20);
  EXPECT_DOUBLE_EQ(json.at("cpu_ns_per_packet"), 0.75e9 / 32);
  EXPECT_EQ(outcome_to_json(Outcome{}).at("syscalls_per_mib"), 0);
}

TEST(LadderResult, ARungRunsInAProcessOfItsOwn) {
  int here = 0;
  const Rung changing = rung([&here](const Load& load) {
    here = 1;
    Outcome outcome = some_outcome();
    outcome.packets = load.packets;
    return outcome;
  });
  Load load;
  load.packets = 5;
  const Result result = run_apart(changing, load, kPatience);
  EXPECT_EQ(here, 0);
  EXPECT_FALSE(result.failed);
  ASSERT_TRUE(result.outcome);
  EXPECT_EQ(result.outcome->packets, 5U);
}

TEST(LadderResult, ARungThatCannotRunSaysWhyAndHasNotFailed) {
  const Rung lacking = rung([](const Load&) -> Outcome { throw CannotRun("it needs more"); });
  const Result result = run_apart(lacking, {}, kPatience);
  EXPECT_FALSE(result.outcome);
  EXPECT_FALSE(result.failed);
  EXPECT_EQ(result.skipped_because, "it needs more");
  EXPECT_EQ(to_json({result}, {}, {})["rungs"][0]["skipped_because"], "it needs more");
}

TEST(LadderResult, WhatTheKernelDoesNotHaveOrAllowIsNoFailure) {
  for (const auto& [error, failed] : {std::pair{EPERM, false},
                                      {EACCES, false},
                                      {ENOSYS, false},
                                      {EOPNOTSUPP, false},
                                      {EAFNOSUPPORT, false},
                                      {ENOPROTOOPT, false},
                                      {EPROTONOSUPPORT, false},
                                      {EIO, true},
                                      {EINVAL, true},
                                      {ECONNRESET, true}}) {
    const Rung refused = rung([error = error](const Load&) -> Outcome {
      throw std::system_error(error, std::generic_category(), "some_call");
    });
    const Result result = run_apart(refused, {}, kPatience);
    const std::string text = "some_call: " + std::generic_category().message(error);
    EXPECT_EQ(result.failed, failed) << text;
    EXPECT_TRUE(result.skipped_because.starts_with(text)) << result.skipped_because;
  }
}

TEST(LadderResult, WhatIsNoOutcomeIsAFailure) {
  const Rung endless = rung([](const Load&) {
    Outcome outcome = some_outcome();
    outcome.seconds = std::numeric_limits<double>::infinity();
    return outcome;
  });
  const Result result = run_apart(endless, {}, kPatience);
  EXPECT_TRUE(result.failed);
  EXPECT_FALSE(result.outcome);
  EXPECT_TRUE(result.skipped_because.starts_with("what its process told is no outcome: ")) << result.skipped_because;
  const Rung garbled = rung([](const Load&) -> Outcome { throw std::runtime_error("\xFF broke"); });
  EXPECT_TRUE(run_apart(garbled, {}, kPatience).skipped_because.ends_with(" broke"));
}

TEST(LadderResult, ErrorsCrashesAndWrongBytesAreFailures) {
  const Rung wrong = rung([](const Load&) -> Outcome { throw std::runtime_error("it broke"); });
  EXPECT_TRUE(run_apart(wrong, {}, kPatience).failed);
  EXPECT_EQ(run_apart(wrong, {}, kPatience).skipped_because, "it broke");
  const Rung killed = rung([](const Load&) -> Outcome {
    std::raise(SIGKILL);
    return {};
  });
  const Result result = run_apart(killed, {}, kPatience);
  EXPECT_TRUE(result.failed);
  EXPECT_NE(result.skipped_because.find("Killed"), std::string::npos) << result.skipped_because;
  EXPECT_TRUE(run_apart(rung([](const Load&) { return Outcome{}; }), {}, kPatience).failed);
}

TEST(LadderResult, ALargeLoadHasMoreTime) {
  const Rung slow = rung([](const Load&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return some_outcome();
  });
  EXPECT_TRUE(run_apart(slow, {}, 0.03).failed);
  Load load;
  load.bytes = std::uint64_t{1000} << 30U;
  EXPECT_FALSE(run_apart(slow, load, 0.03).failed);
  load.bytes = 0;
  load.packets = 1'000'000'000;
  EXPECT_FALSE(run_apart(slow, load, 0.03).failed);
}

TEST(LadderResult, ARungThatDoesNotEndIsEnded) {
  const Rung endless = rung([](const Load&) -> Outcome {
    std::this_thread::sleep_for(std::chrono::hours(1));
    return {};
  });
  const auto begin = std::chrono::steady_clock::now();
  const Result result = run_apart(endless, {}, 0.05);
  EXPECT_TRUE(result.failed);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace ringway
