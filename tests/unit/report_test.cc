#include "runtime/report.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/errors.h"

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
  EXPECT_DOUBLE_EQ(json["ports"]["a"]["rx_bits_per_s"], (60000 + 20 * 1000) * 8 / 2);
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

TEST(Report, WritesAtomicallyOrSaysWhyNot) {
  const auto folder = std::filesystem::temp_directory_path() / ("ringway_report_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  write_atomically((folder / "r.json").string(), "one");
  write_atomically((folder / "r.json").string(), "two");
  std::string content;
  std::ifstream(folder / "r.json") >> content;
  EXPECT_EQ(content, "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::create_symlink("r.json", folder / "link");
  write_atomically((folder / "link").string(), "three");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  std::ifstream(folder / "r.json") >> content;
  EXPECT_EQ(content, "three");
  EXPECT_THROW(write_atomically((folder / "no" / "r.json").string(), "x"), Error);
  std::filesystem::remove_all(folder);
}

TEST(Report, IsWrittenToADeviceAsItIs) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  write_atomically(ptsname(terminal), "x");
  char got = 0;
  EXPECT_EQ(read(terminal, &got, 1), 1);
  EXPECT_EQ(got, 'x');
  close(terminal);
}

}  // namespace
}  // namespace ringway
