#include "runtime/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace ringway {
namespace {

Report balanced() {
  Report report;
  report.totals.seconds = 2;
  report.totals.received = 100;
  report.totals.transmitted = 90;
  report.totals.dropped[static_cast<std::size_t>(DropReason::kTxFull)] = 10;
  report.totals.ports = {{.name = "a", .link = "up", .rx_packets = 100, .rx_bytes = 6000}};
  report.totals.lcores = {{.id = 1, .packets = 100, .bursts = 10, .busy_cycles = 75, .idle_cycles = 25}};
  report.pools = {{.name = "socket0", .size = 63, .free = 63}};
  return report;
}

TEST(Report, BalanceCloses) {
  EXPECT_EQ(balanced().unaccounted(), 0);
  EXPECT_TRUE(balanced().balanced());
  EXPECT_EQ(balanced().exit_status(), ExitStatus::kClean);
}

TEST(Report, EachWayOfLosingCountIsSeen) {
  Report lost = balanced();
  lost.totals.transmitted -= 1;
  EXPECT_EQ(lost.unaccounted(), 1);
  EXPECT_EQ(lost.exit_status(), ExitStatus::kUnbalanced);
  Report invented = balanced();
  invented.totals.transmitted += 1;
  EXPECT_EQ(invented.unaccounted(), -1);
  EXPECT_EQ(invented.exit_status(), ExitStatus::kUnbalanced);
  Report missing = balanced();
  missing.pools[0].missing = 1;
  EXPECT_EQ(missing.exit_status(), ExitStatus::kUnbalanced);
  Report twice = balanced();
  twice.pools[0].freed_twice = 1;
  EXPECT_EQ(twice.exit_status(), ExitStatus::kUnbalanced);
}

TEST(Report, JsonHasItsKeys) {
  const auto json = nlohmann::json::parse(to_json(balanced()));
  EXPECT_EQ(json["balance"]["unaccounted"], 0);
  EXPECT_EQ(json["drops"]["tx_full"], 10);
  EXPECT_EQ(json["copies"]["packets"], 0);
  EXPECT_EQ(json["ports"]["a"]["rx_packets"], 100);
  EXPECT_EQ(json["lcores"]["1"]["busy_cycles"], 75);
  EXPECT_EQ(json["pools"]["socket0"]["missing"], 0);
  EXPECT_EQ(json["exit"], 0);
}

TEST(Report, CopiesAreTold) {
  Report report = balanced();
  report.totals.copied_packets[0] = 3;
  report.totals.copied_bytes[0] = 42;
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["copies"]["packets"], 3);
  EXPECT_EQ(json["copies"]["by_reason"]["shared_header"]["bytes"], 42);
}

TEST(Report, RatesAreOnTheWire) {
  const Totals before = balanced().totals;
  Totals now = before;
  now.seconds = 4;
  now.ports[0].rx_packets += 1000;
  now.ports[0].rx_bytes += 60000;
  now.lcores[0].busy_cycles += 30;
  now.lcores[0].idle_cycles += 10;
  const auto json = nlohmann::json::parse(rates_to_json(before, now));
  EXPECT_DOUBLE_EQ(json["ports"]["a"]["rx_packets_per_s"], 500);
  EXPECT_DOUBLE_EQ(json["ports"]["a"]["rx_bits_per_s"], (60000 + 24 * 1000) * 8 / 2);
  EXPECT_DOUBLE_EQ(json["lcores"]["1"]["busy"], 0.75);
  EXPECT_TRUE(json["ports"]["a"]["tx_bits_per_s"].is_number());
  EXPECT_EQ(rates_to_json(before, now).find('\n'), rates_to_json(before, now).size() - 1);
}

TEST(Report, BitsAreUnknownWhereADriverCountsNoBytes) {
  const Totals before = balanced().totals;
  Totals now = before;
  now.seconds = 4;
  now.ports[0].rx_packets += 1000;
  const auto json = nlohmann::json::parse(rates_to_json(before, now));
  EXPECT_TRUE(json["ports"]["a"]["rx_bits_per_s"].is_null());
  EXPECT_NE(rates_to_text(before, now).find("0.001           -"), std::string::npos) << rates_to_text(before, now);
}

/// A report with one number of its own for all that can be told about a ring, a copy and traffic.
Report eventful() {
  Report report = balanced();
  report.totals.rings = {{.name = "work.a.1-2",
                          .kind = "HTS",
                          .size = 512,
                          .fill = 11,
                          .high_water = 222,
                          .enqueued = 3'000'000,
                          .dequeued = 2'500'000,
                          .refused = 4444}};
  report.totals.copied_packets[0] = 3;
  report.totals.copied_bytes[0] = 42;
  TrafficTotals traffic;
  traffic.sent = 1000;
  traffic.unchecked = 11;
  traffic.expected_drops = 9;
  traffic.missed = 31;
  traffic.forgone = 57;
  traffic.received = 960;
  traffic.unique = 940;
  traffic.duplicated = 2;
  traffic.reordered = 3;
  traffic.altered = 4;
  traffic.stale = 5;
  traffic.unknown = 6;
  traffic.not_dropped = 7;
  report.totals.traffic = traffic;
  return report;
}

/// Whether a text has a line with these words, and no others, in this order.
testing::AssertionResult has_line(const std::string& text, const std::string& words) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string found;
    for (std::string word; in >> word;) {
      found += (found.empty() ? "" : " ") + word;
    }
    if (found == words) {
      return testing::AssertionSuccess();
    }
  }
  return testing::AssertionFailure() << "no line '" << words << "' in\n" << text;
}

TEST(Report, LiveTableHasEachRing) {
  const Totals before = balanced().totals;
  Totals first = eventful().totals;
  first.rings[0].enqueued = first.rings[0].dequeued = first.rings[0].refused = 0;
  Totals now = eventful().totals;
  now.seconds = first.seconds + 2;
  const std::string text = rates_to_text(first, now);
  EXPECT_TRUE(has_line(text, "ring fill size high water in Mpps out Mpps refused/s"));
  EXPECT_TRUE(has_line(text, "work.a.1-2 11 512 222 1.500 1.250 2222"));
  EXPECT_EQ(rates_to_text(before, before).find("high water"), std::string::npos) << "a table of no rings";
  const auto json = nlohmann::json::parse(rates_to_json(first, now));
  EXPECT_EQ(json["rings"]["work.a.1-2"]["dequeued"], 2'500'000);
}

TEST(Report, ClosingTextAndJsonHaveEachRing) {
  EXPECT_TRUE(has_line(to_text(eventful()), "work.a.1-2 HTS 512 11 222 3000000 2500000 4444"));
  const nlohmann::json ring = nlohmann::json::parse(to_json(eventful()))["rings"]["work.a.1-2"];
  EXPECT_EQ(ring, (nlohmann::json{{"kind", "HTS"},
                                  {"size", 512},
                                  {"fill", 11},
                                  {"high_water", 222},
                                  {"enqueued", 3'000'000},
                                  {"dequeued", 2'500'000},
                                  {"refused", 4444}}));
}

TEST(Report, CopiesAreToldByReasonEverywhere) {
  Totals now = eventful().totals;
  now.seconds += 2;
  for (const std::string& text : {to_text(eventful()), rates_to_text(eventful().totals, now)}) {
    EXPECT_TRUE(has_line(text, "copied by the forwarder 3 packets, 42 bytes"));
    EXPECT_TRUE(has_line(text, "shared_header 3 packets, 42 bytes"));
  }
  EXPECT_EQ(to_text(balanced()).find("shared_header"), std::string::npos) << "a reason without copies";
  for (const std::string& text : {to_json(eventful()), rates_to_json(eventful().totals, now)}) {
    EXPECT_EQ(nlohmann::json::parse(text)["copies"]["by_reason"]["shared_header"],
              (nlohmann::json{{"packets", 3}, {"bytes", 42}}));
  }
}

TEST(Report, TrafficIsToldInText) {
  const std::string text = to_text(eventful());
  EXPECT_TRUE(has_line(text, "1000 960 40 9")) << "sent, received, lost, expected drops";
  EXPECT_TRUE(has_line(text, "altered 4, reordered 3, stale 5, duplicated 2, not made here 6, not dropped 7"));
  EXPECT_TRUE(has_line(text, "missed by full RX queues 31, unchecked 11, forgone for want of time 57"));
  Report in_time = eventful();
  in_time.totals.traffic->forgone = 0;
  EXPECT_TRUE(has_line(to_text(in_time), "missed by full RX queues 31, unchecked 11"));
}

TEST(Report, TrafficIsToldInJson) {
  nlohmann::json traffic = nlohmann::json::parse(to_json(eventful()))["traffic"];
  EXPECT_EQ(traffic["latency_ns"].size(), kLatencyPercents.size() + 2) << "the greatest and the histogram, too";
  traffic.erase("latency_ns");
  EXPECT_EQ(traffic, (nlohmann::json{{"sent", 1000},
                                     {"received", 960},
                                     {"lost", 40},
                                     {"missed", 31},
                                     {"unchecked", 11},
                                     {"expected_drops", 9},
                                     {"duplicated", 2},
                                     {"reordered", 3},
                                     {"altered", 4},
                                     {"stale", 5},
                                     {"unknown", 6},
                                     {"not_dropped", 7},
                                     {"forgone", 57}}));
}

TEST(Report, EachUnsoundFrameFailsTheRun) {
  for (const auto count : {&TrafficTotals::duplicated, &TrafficTotals::reordered, &TrafficTotals::altered,
                           &TrafficTotals::stale, &TrafficTotals::unknown, &TrafficTotals::not_dropped}) {
    Report report = balanced();
    report.totals.traffic = TrafficTotals{};
    EXPECT_EQ(report.exit_status(), ExitStatus::kClean);
    (*report.totals.traffic).*count = 1;
    EXPECT_EQ(report.exit_status(), ExitStatus::kFailed);
    EXPECT_EQ(nlohmann::json::parse(to_json(report))["exit"], 1);
    report.totals.transmitted -= 1;
    EXPECT_EQ(report.exit_status(), ExitStatus::kUnbalanced) << "a lost count comes first";
  }
}

TEST(Report, FramesLostByTheWayAreNotUnsound) {
  Report report = balanced();
  TrafficTotals& traffic = report.totals.traffic.emplace();
  traffic.sent = 10;
  traffic.missed = 3;
  traffic.forgone = 4;
  traffic.received = traffic.unique = 7;
  EXPECT_EQ(traffic.lost(), 3);
  EXPECT_EQ(report.exit_status(), ExitStatus::kClean);
}

}  // namespace
}  // namespace ringway
