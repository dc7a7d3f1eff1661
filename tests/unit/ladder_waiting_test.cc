#include <gtest/gtest.h>

#include <string>

#include "ladder/waiting_compare.h"

namespace ringway {
namespace {

Rung named(const std::string& name) {
  Rung rung;
  rung.name = name;
  rung.group = "waiting";
  return rung;
}

Result waited(const Rung& rung, const WaitingLoad& low, const WaitingLoad& high) {
  Outcome outcome;
  outcome.waiting = {low, high};
  Result result;
  result.rung = &rung;
  result.outcome = outcome;
  return result;
}

WaitingLoad at(const std::string& load, double per_second, double p50, double share, double cpu_us) {
  return {.load = load,
          .per_second = per_second,
          .latency_p50_us = p50,
          .latency_p99_us = 2 * p50,
          .cpu_share = share,
          .cpu_us_per_message = cpu_us};
}

TEST(LadderWaiting, TellsWhereEachWins) {
  const Rung sleeper = named("sleeper");
  const Rung spinner = named("spinner");
  const std::vector<Result> results = {waited(sleeper, at("low", 1000, 20, 0.02, 20), at("high", 50000, 300, 0.9, 18)),
                                       waited(spinner, at("low", 1000, 5, 1, 1000), at("high", 200000, 70, 1, 5))};
  const std::vector<std::string> sentences = where_each_wins(results);
  ASSERT_EQ(sentences.size(), 2U);
  EXPECT_NE(sentences[0].find("spinner answers soonest (p50 5.0 us, 100.0 % of a CPU)"), std::string::npos);
  EXPECT_NE(sentences[0].find("sleeper takes the least CPU (2.0 %, p50 20.0 us)"), std::string::npos);
  EXPECT_NE(sentences[1].find("spinner passes the most messages (200000 a second"), std::string::npos);
  EXPECT_NE(sentences[1].find("spinner takes the least CPU a message (5.0 us"), std::string::npos);
  const std::string table = waiting_table(results);
  EXPECT_NE(table.find("sleeper"), std::string::npos);
  EXPECT_NE(table.find("200000"), std::string::npos);
}

TEST(LadderWaiting, LeavesOutWhatFailed) {
  const Rung sleeper = named("sleeper");
  const Rung spinner = named("spinner");
  const Rung liar = named("liar");
  std::vector<Result> results = {waited(sleeper, at("low", 1000, 20, 0.02, 20), at("high", 50000, 300, 0.9, 18)),
                                 waited(spinner, at("low", 1000, 5, 1, 1000), at("high", 200000, 70, 1, 5)),
                                 waited(liar, at("low", 1000, 1, 0, 0), at("high", 900000, 1, 0, 0))};
  EXPECT_NE(where_each_wins(results).front().find("liar"), std::string::npos);
  results.back().failed = true;
  for (const std::string& sentence : where_each_wins(results)) {
    EXPECT_EQ(sentence.find("liar"), std::string::npos);
  }
  EXPECT_EQ(waiting_table(results).find("liar"), std::string::npos);
}

TEST(LadderWaiting, ComparesNoneWithItself) {
  const Rung sleeper = named("sleeper");
  EXPECT_TRUE(where_each_wins({waited(sleeper, at("low", 1, 1, 1, 1), at("high", 1, 1, 1, 1))}).empty());
  Result skipped;
  skipped.rung = &sleeper;
  EXPECT_TRUE(where_each_wins({skipped, skipped}).empty());
  EXPECT_TRUE(waiting_table({skipped}).empty());
}

}  // namespace
}  // namespace ringway
