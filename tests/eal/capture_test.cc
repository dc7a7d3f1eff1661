#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "eal_environment.h"
#include "leg_rig.h"
#include "pcapng_reader.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

/// A folder for a test's files.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "ringway-capture-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  PcapngReader read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(file(name)).rdbuf();
    return PcapngReader(text.str());
  }

 private:
  fs::path path_;
};

TapPlan tap(TapPoint point, std::vector<std::size_t> captures, unsigned size = 256) {
  return {.point = point, .captures = std::move(captures), .size = size, .socket = 0};
}

CapturePlan capture(const std::string& name, const std::string& filter = "", DropReasons drops = {}) {
  CapturePlan plan;
  plan.name = name;
  plan.filter = filter;
  plan.drops = drops;
  plan.snap = 262144;
  return plan;
}

/// With captures. Nobody writes before stop(), so that what taps have taken stays where it is.
struct Rig : LegRig {
  Rig(const std::string& name, LegPlan leg_plan, std::vector<CapturePlan> captures, unsigned clones = 1023,
      unsigned ring_size = 256)
      : LegRig(name, ring_size) {
    Plan plan = small_plan(2, "net_ring", name);
    plan.lcores[0].legs = {std::move(leg_plan)};
    for (CapturePlan& one : captures) {
      one.file = folder.file(one.name);
    }
    plan.captures = std::move(captures);
    plan.clone_pools = {{.name = name + "_clones", .socket = 0, .size = clones, .cache = 0, .data_room = 0}};
    make(plan);
  }

  /// Ends the run and looks at all that must hold at every end.
  Report stop() {
    Report report = runtime->stop();
    EXPECT_TRUE(report.balanced()) << to_text(report);
    expect_full();
    return report;
  }

  Folder folder;
};

LegPlan tapped(std::vector<TapPlan> taps) {
  LegPlan plan = leg(0, 1);
  plan.taps = std::move(taps);
  return plan;
}

/// What waits in a tap's ring.
std::vector<rte_mbuf*> waiting(unsigned tap_number = 0) {
  rte_ring* const ring = rte_ring_lookup(("ringway_tap" + std::to_string(tap_number)).c_str());
  return {slots_of(ring), slots_of(ring) + rte_ring_count(ring)};
}

std::string text_of(const rte_mbuf* mbuf) {
  const auto bytes = bytes_of(mbuf);
  return {bytes.begin(), bytes.end()};
}

void free_all(std::vector<rte_mbuf*> mbufs) {
  rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(mbufs.size()));
}

void expect_counts(const Report& report, std::size_t i, std::uint64_t matched, std::uint64_t written,
                   std::uint64_t missed) {
  const CaptureTotals& totals = report.totals.captures.at(i);
  EXPECT_EQ(totals.matched, matched);
  EXPECT_EQ(totals.written, written);
  EXPECT_EQ(totals.missed, missed);
}

TEST(Capture, SharesPacketsByReference) {
  Rig rig("shared", tapped({tap(TapPoint::kRx, {0})}), {capture("x")});
  const std::vector<rte_mbuf*> in = rig.frames(40);
  rig.put(in);
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_EQ(out, in);
  const std::vector<rte_mbuf*> clones = waiting();
  ASSERT_EQ(clones.size(), 40U);
  std::vector<std::string> frames;
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_TRUE(RTE_MBUF_CLONED(clones[i]));
    EXPECT_EQ(clones[i]->buf_addr, in[i]->buf_addr) << "nothing was copied";
    EXPECT_EQ(rte_pktmbuf_mtod(clones[i], void*), rte_pktmbuf_mtod(in[i], void*));
    EXPECT_EQ(rte_mbuf_refcnt_read(in[i]), 2);
    frames.push_back(text_of(in[i]));
  }
  // What becomes of the packet's own mbuf afterwards does not show.
  rte_pktmbuf_adj(out[0], 20);
  free_all(out);
  const Report report = rig.stop();
  expect_counts(report, 0, 40, 40, 0);
  EXPECT_EQ(report.totals.cloned, 0U) << "a clone is no packet of the balance";
  EXPECT_EQ(report.totals.copied_packets[static_cast<std::size_t>(CopyReason::kSharedHeader)], 0U);
  EXPECT_EQ(report.totals.copied_packets[static_cast<std::size_t>(CopyReason::kCapture)], 40U) << "the writer's";
  const auto packets = rig.folder.read("x").packets();
  ASSERT_EQ(packets.size(), 40U);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(packet_bytes(packets[i]), frames[i]);
    EXPECT_EQ(packet_options_of(packets[i]).at(2), std::string("\1\0\0\0", 4)) << "inbound";
  }
}

TEST(Capture, ChainsAreWhole) {
  Rig rig("chained", tapped({tap(TapPoint::kTx, {0})}), {capture("x")});
  rig.put(rig.frames(10, 16));
  const std::vector<rte_mbuf*> out = rig.forward();
  std::vector<std::string> frames;
  for (const rte_mbuf* mbuf : out) {
    frames.push_back(text_of(mbuf));
  }
  free_all(out);
  expect_counts(rig.stop(), 0, 10, 10, 0);
  const auto packets = rig.folder.read("x").packets();
  ASSERT_EQ(packets.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(packet_bytes(packets[i]), frames[i]);
    EXPECT_EQ(packet_options_of(packets[i]).at(2), std::string("\2\0\0\0", 4)) << "outbound";
  }
}

TEST(Capture, AFullRingIsCountedAndHoldsNothingUp) {
  Rig rig("behind", tapped({tap(TapPoint::kRx, {0}, 64)}), {capture("x")});
  rig.put(rig.frames(100));
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_EQ(out.size(), 100U);
  EXPECT_EQ(rte_mbuf_refcnt_read(out[62]), 2);
  EXPECT_EQ(rte_mbuf_refcnt_read(out[63]), 1);
  free_all(out);
  expect_counts(rig.stop(), 0, 100, 63, 37);
  EXPECT_EQ(rig.folder.read("x").packets().size(), 63U);
}

TEST(Capture, WithoutAClonePacketsAreMissed) {
  Rig rig("poor", tapped({tap(TapPoint::kRx, {0})}), {capture("x")}, 63);
  rig.put(rig.frames(40));
  rig.put(rig.frames(40, 16));  // of 4 segments and more
  free_all(rig.forward());
  const Report report = rig.stop();
  const CaptureTotals& totals = report.totals.captures.at(0);
  EXPECT_EQ(totals.matched, 80U);
  EXPECT_GE(totals.written, 32U);
  EXPECT_GE(totals.missed, 40U);
  EXPECT_EQ(totals.written, rig.folder.read("x").packets().size());
}

TEST(Capture, EachFilterTakesItsOwnByOneClone) {
  Rig rig("filters", tapped({tap(TapPoint::kRx, {0, 1, 2})}),
          {capture("long", "greater 80"), capture("all"), capture("none", "ip6")});
  rig.put(rig.frames(40));  // of 60 to 99 bytes
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_EQ(waiting().size(), 40U);
  EXPECT_EQ(rte_mbuf_refcnt_read(out[39]), 2);
  free_all(out);
  const Report report = rig.stop();
  expect_counts(report, 0, 20, 20, 0);
  expect_counts(report, 1, 40, 40, 0);
  expect_counts(report, 2, 0, 0, 0);
  EXPECT_EQ(packet_length(rig.folder.read("long").packets().at(0)), 80U);
}

TEST(Capture, ReflectShowsHeadersBeforeAndAfter) {
  LegPlan swap = tapped({tap(TapPoint::kRx, {0}), tap(TapPoint::kSwapMacs, {1}), tap(TapPoint::kTx, {0})});
  swap.swap_macs = true;
  swap.own_headers = 0;
  Rig rig("copyonwrite", swap, {capture("x"), capture("y")});
  rig.put(rig.frames(1));
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_EQ(out.at(0)->nb_segs, 2) << "a header of its own";
  const std::string sent = text_of(out[0]);
  EXPECT_EQ(sent.substr(0, 2), "\6\7");
  free_all(out);
  const Report report = rig.stop();
  EXPECT_EQ(report.totals.copied_packets[static_cast<std::size_t>(CopyReason::kSharedHeader)], 1U);
  const auto packets = rig.folder.read("x").packets();
  ASSERT_EQ(packets.size(), 2U);
  const std::string received = packet_bytes(packets[0]);
  EXPECT_EQ(received.substr(0, 2), std::string("\0\1", 2))
      << "as it came in, although it was edited before it was written";
  EXPECT_EQ(received.substr(12), sent.substr(12));
  EXPECT_EQ(packet_bytes(packets[1]), sent);
  EXPECT_EQ(packet_bytes(rig.folder.read("y").packets().at(0)), sent);
}

DropReasons all_reasons() {
  return DropReasons{}.set();
}

TEST(Capture, DroppedPacketsChangeHands) {
  Rig rig("dropped", tapped({tap(TapPoint::kDrop, {0})}), {capture("lost", "", all_reasons())}, 63, 64);
  rig.put(rig.frames(63));
  while (rig.runtime->legs().at(0)->poll() > 0) {
  }
  const std::vector<rte_mbuf*> refused = rig.frames(50);  // b is full
  rig.put(refused);
  free_all(rig.forward());
  EXPECT_EQ(waiting(), refused) << "the packets themselves";
  rig.put(rig.frames(5));  // left in the driver at stop
  const Report report = rig.stop();
  EXPECT_EQ(report.totals.dropped[static_cast<std::size_t>(DropReason::kTxFull)], 50U);
  EXPECT_EQ(report.totals.dropped[static_cast<std::size_t>(DropReason::kShutdown)], 5U);
  expect_counts(report, 0, 55, 55, 0);
  const PcapngReader file = rig.folder.read("lost");
  const auto packets = file.packets();
  ASSERT_EQ(packets.size(), 55U);
  const auto names = file.of_type(1);
  ASSERT_EQ(names.size(), 2U);
  for (std::size_t i = 0; i < 55; ++i) {
    const auto options = packet_options_of(packets[i]);
    const std::string port = options_of(names.at(word_at(packets[i].body, 0)), 8).at(2);
    EXPECT_EQ(options.at(1), i < 50 ? "dropped: tx_full" : "dropped: shutdown");
    EXPECT_EQ(port, i < 50 ? "b" : "a") << "where it was to leave, or came in";
    EXPECT_EQ(options.at(2)[0], i < 50 ? 2 : 1);
  }
}

TEST(Capture, OnlyReasonsThatAreAskedFor) {
  DropReasons runts;
  runts[static_cast<std::size_t>(DropReason::kRunt)] = true;
  Rig rig("reasons", tapped({tap(TapPoint::kDrop, {0, 1})}),
          {capture("runts", "", runts), capture("long", "greater 100", all_reasons())}, 63, 64);
  rig.put(rig.frames(63));
  while (rig.runtime->legs().at(0)->poll() > 0) {
  }
  rig.put(rig.frames(50));  // of 60 to 109 bytes
  free_all(rig.forward());
  const Report report = rig.stop();
  expect_counts(report, 0, 0, 0, 0);
  expect_counts(report, 1, 10, 10, 0);
}

TEST(Capture, DropsWithoutRoomAreFreedAndCounted) {
  Rig rig("flooded", tapped({tap(TapPoint::kDrop, {0}, 16)}), {capture("lost", "", all_reasons())}, 63, 64);
  rig.put(rig.frames(63));
  while (rig.runtime->legs().at(0)->poll() > 0) {
  }
  rig.put(rig.frames(50));
  free_all(rig.forward());
  expect_counts(rig.stop(), 0, 50, 15, 35);
}

TEST(Capture, IsWrittenWhilePacketsFlow) {
  Rig rig("running", tapped({tap(TapPoint::kRx, {0})}), {capture("x")});
  rig.runtime->start();
  for (unsigned round = 0; round < 100; ++round) {
    rig.put(rig.frames(20));
    std::size_t out = 0;
    while (out < 20) {
      for (void* object = nullptr; rte_ring_dequeue(rig.b.out(), &object) == 0; ++out) {
        rte_pktmbuf_free(static_cast<rte_mbuf*>(object));
      }
    }
  }
  const Report report = rig.stop();
  const CaptureTotals& totals = report.totals.captures.at(0);
  EXPECT_EQ(totals.matched, 2000U);
  EXPECT_EQ(totals.written, rig.folder.read("x").packets().size());
  EXPECT_GT(totals.written, 0U);
}

TEST(Capture, StatisticsEndTheFile) {
  Rig rig("statistics", tapped({tap(TapPoint::kRx, {0}, 64), tap(TapPoint::kTx, {0})}), {capture("x")});
  rig.put(rig.frames(100));
  free_all(rig.forward());
  rig.stop();
  const PcapngReader file = rig.folder.read("x");
  const auto statistics = file.of_type(5);
  ASSERT_EQ(statistics.size(), 2U);
  EXPECT_EQ(file.all().back().type, 5U);
  const auto in = options_of(statistics[0], 12);
  const auto out = options_of(statistics[1], 12);
  EXPECT_EQ(word_at(in.at(4), 0), 100U);
  EXPECT_EQ(word_at(in.at(5), 0), 37U);
  EXPECT_EQ(word_at(out.at(4), 0), 100U);
  EXPECT_EQ(word_at(out.at(5), 0), 0U);
}

}  // namespace
}  // namespace ringway
