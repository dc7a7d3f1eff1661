#include "runtime/replay_report.h"

#include <gtest/gtest.h>

namespace ringway {
namespace {

/// With a number of its own for all that can be told.
Report with_replay() {
  Report report;
  ReplayTotals replay;
  replay.port = "in";
  replay.file = "a.pcap";
  replay.sent = 1001;
  replay.bytes = 60060;
  replay.passes = 3;
  replay.skipped = {11, 12, 13, 14, 15};
  replay.missed = 21;
  replay.discarded = 22;
  replay.no_mbuf = 23;
  replay.unread = 24;
  replay.late_ms = 2.5;
  report.totals.replays = {replay};
  return report;
}

TEST(ReplayReport, JsonHasEachNumber) {
  const auto json = nlohmann::json::parse(to_json(with_replay()));
  EXPECT_EQ(json["replays"]["in"], nlohmann::json::parse(R"({"file": "a.pcap", "sent": 1001, "bytes": 60060,
      "passes": 3, "skipped": {"empty": 11, "cut_short": 12, "too_long": 13, "over_mtu": 14, "not_ethernet": 15},
      "missed": 21, "discarded": 22, "no_mbuf": 23, "unread": 24, "late_ms": 2.5, "fault": ""})"));
  EXPECT_FALSE(nlohmann::json::parse(to_json(Report())).contains("replays"));
}

TEST(ReplayReport, TextHasEachNumber) {
  const std::string text = to_text(with_replay());
  for (const char* words : {"in                   1001           60060        3       2.500   a.pcap",
                            "left out, empty                    11", "left out, not_ethernet             15",
                            "missed by its full RX queue 21, sent out of it and discarded 22",
                            "times that it waited for mbufs 23, for the disk 24"}) {
    EXPECT_NE(text.find(words), std::string::npos) << words << " in" << text;
  }
  EXPECT_EQ(to_text(Report()).find("replays"), std::string::npos);
}

TEST(ReplayReport, AFaultIsAFailure) {
  Report report = with_replay();
  EXPECT_EQ(report.exit_status(), ExitStatus::kClean);
  report.totals.replays[0].fault = "was cut";
  EXPECT_EQ(report.exit_status(), ExitStatus::kFailed);
  report.totals.received = 1;
  EXPECT_EQ(report.exit_status(), ExitStatus::kUnbalanced) << "which is worse";
}

}  // namespace
}  // namespace ringway
