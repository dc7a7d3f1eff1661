#include "runtime/captures.h"

#include <gtest/gtest.h>

#include <map>

#include "inventory_fixtures.h"
#include "plan/draw.h"
#include "plan/explain.h"
#include "plan/pool_size.h"
#include "plan/resolve.h"
#include "plan/topology.h"

namespace ringway {
namespace {

/// What is told about `capture: {...}` on line 3 of a file, each line without the file's name.
std::string told(const std::string& captures, const char* forwarding = "{mode: reflect, ports: [a, b]}") {
  const std::string text = std::string("ports: {a: {device: net_null0}, b: {device: net_null1}}\nforwarding: ") +
                           forwarding + "\ncapture: " + captures + "\n";
  Diagnostics problems;
  const Config config = parse_config(text, problems);
  check_filters(config, problems);
  resolve(config, problems);
  return problems.text("");
}

TEST(Captures, TakeWhatIsRight) {
  for (const char* captures :
       {"{web: {file: a, ports: [a, b], direction: both, filter: \"tcp port 80\", snap: 128, buffer: 64, "
        "rotate: {size: 100MiB, seconds: 60, files: 10}}}",
        "{x: {file: \"b c.pcapng\", ports: all}, lost: {file: /x/y, drops: [tx_full, runt]}}",
        "{x: {file: a, drops: all, rotate: {seconds: 1}}}",
        "{x: {file: a, stage: swap_macs, rotate: {size: 64KiB}}}"}) {
    EXPECT_EQ(told(captures), "") << captures;
  }
}

TEST(Captures, TellEveryMistakeWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", ":3:10: capture: is an empty mapping; expected a mapping of 1 to 8 captures\n"},
      {"[]", ":3:10: capture: is an empty list; expected a mapping of 1 to 8 captures\n"},
      {"{1x: {file: a, ports: all}}",
       ":3:11: capture.1x: is not a capture's name; expected a letter, then up to 31 letters, digits, '-' or '_'\n"},
      {"{x: {ports: all}}", ":3:11: capture.x.file: is missing; expected the name of a file\n"},
      {"{x: {file: a}}",
       ":3:11: capture.x.ports: is missing; expected ports, stage or drops: where packets are taken\n"},
      {"{x: {file: a, ports: all, drops: all}}",
       ":3:36: capture.x.drops: is a second place beside ports; expected one of ports, stage and drops\n"},
      {"{x: {file: a, drops: all, direction: rx}}",
       ":3:36: capture.x.direction: belongs to ports; expected it there, or to be left out\n"},
      {"{x: {file: a, ports: [a], direction: in}}", ":3:47: capture.x.direction: is 'in'; expected both, rx or tx\n"},
      {"{x: {file: a, ports: [aa]}}", ":3:32: capture.x.ports[0]: no port is named 'aa'; expected a or b\n"},
      {"{x: {file: a, ports: [a, a]}}", ":3:35: capture.x.ports[1]: names 'a' again; expected it once\n"},
      {"{x: {file: a, ports: some}}", ":3:31: capture.x.ports: is 'some'; expected a list, or all\n"},
      {"{x: {file: a, drops: [tx_ful]}}",
       ":3:32: capture.x.drops[0]: is 'tx_ful'; expected tx_full, ring_full, frame_too_short, frame_too_long, "
       "port_lost, "
       "runt, no_mbuf or shutdown; did you mean 'tx_full'?\n"},
      {"{x: {file: a, drops: [runt, runt]}}", ":3:38: capture.x.drops[1]: names 'runt' again; expected it once\n"},
      {"{x: {file: a, stage: swap}}", ":3:31: capture.x.stage: is 'swap'; expected limit_frames or swap_macs\n"},
      {"{x: {file: a/, ports: all}}", ":3:21: capture.x.file: is 'a/'; expected the name of a file\n"},
      {"{x: {file: a, ports: all}, y: {file: a, ports: all}}",
       ":3:47: capture.y.file: is the file of capture 'x' on line 3, too; expected another file\n"},
      {"{x: {file: a, ports: all, snap: 13}}",
       ":3:42: capture.x.snap: is '13'; expected a whole number from 14 to 262144\n"},
      {"{x: {file: a, ports: all, buffer: 100}}", ":3:44: capture.x.buffer: is 100; expected a power of two\n"},
      {"{x: {file: a, ports: all, rotate: {files: 2}}}",
       ":3:36: capture.x.rotate.size: is missing; expected size or seconds: when the next file begins\n"},
      {"{x: {file: a, ports: all, rotate: {size: 100}}}",
       ":3:51: capture.x.rotate.size: is '100'; expected KiB, MiB or GiB from 64KiB to 1024GiB\n"},
      {"{x: {file: a, ports: all, rotate: {size: 63KiB}}}",
       ":3:51: capture.x.rotate.size: is '63KiB'; expected KiB, MiB or GiB from 64KiB to 1024GiB\n"},
      {"{x: {file: a, ports: all, filter: \"tcp prot 80\"}}",
       ":3:44: capture.x.filter: is 'tcp prot 80': can't parse filter expression: syntax error; expected a filter as "
       "tcpdump takes it, such as \"tcp port 80\"\n"},
      {"{x: {file: a, ports: all, filter: inbound}}",
       ":3:44: capture.x.filter: is 'inbound': it asks for the direction, which no filter sees here: give the capture "
       "direction: rx or direction: tx; expected a filter as tcpdump takes it, such as \"tcp port 80\"\n"},
      {"{x: {flie: a, ports: all}}",
       ":3:11: capture.x.file: is missing; expected the name of a file\n"
       ":3:15: capture.x.flie: is an unknown key; did you mean 'file'?\n"},
  };
  for (const auto& [captures, lines] : cases) {
    EXPECT_EQ(told(captures), lines) << captures;
  }
}

TEST(Captures, AreTakenWherePacketsPass) {
  const char* const one_way = "{mode: cross_connect, pairs: [{from: a, to: b}]}";
  EXPECT_EQ(told("{x: {file: a, ports: [a], direction: tx}}", one_way),
            ":3:32: capture.x.ports[0]: nothing is sent out of 'a'; expected direction: rx, or another port\n");
  EXPECT_EQ(told("{x: {file: a, ports: [b], direction: rx}}", one_way),
            ":3:32: capture.x.ports[0]: nothing is received from 'b'; expected direction: tx, or another port\n");
  EXPECT_EQ(
      told("{x: {file: a, stage: swap_macs}}", one_way),
      ":3:31: capture.x.stage: swap_macs has nothing to do in mode cross_connect; expected stage: limit_frames, or "
      "ports\n");
  EXPECT_EQ(told("{x: {file: a, ports: all, direction: tx}}", one_way), "");
}

TEST(Captures, AtMostEight) {
  std::string captures;
  for (char name = 'a'; name <= 'i'; ++name) {
    captures += std::string(captures.empty() ? "{" : ", ") + name + ": {file: " + name + ", ports: all}";
  }
  EXPECT_EQ(told(captures + "}"), ":3:10: capture: has 9 captures; expected at most 8\n");
}

/// The taps of each leg, by its name: `rx 0 1; tx 1` and so on.
std::map<std::string, std::string> taps(const Plan& plan) {
  const char* const points[] = {"rx", "limit", "swap", "tx", "drop"};
  std::map<std::string, std::string> all;
  for (const LcorePlan& lcore : plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      std::string& text = all[leg_name(plan, leg)];
      for (const TapPlan& tap : leg.taps) {
        text += (text.empty() ? "" : "; ") + std::string(points[static_cast<std::size_t>(tap.point)]);
        for (const std::size_t capture : tap.captures) {
          text += ' ' + plan.captures[capture].name;
        }
      }
      text += leg.own_headers ? "; own headers" : "";
    }
  }
  return all;
}

using Taps = std::map<std::string, std::string>;

TEST(PlanTaps, AtBothEndsOfAWay) {
  const Planning planning = plan_text(
      two_nics("",
               "capture: {e: {file: e, ports: [east]}, in: {file: i, ports: all, direction: rx, buffer: 8192}, "
               "lost: {file: l, drops: [tx_full]}}\n"),
      two_nic_machine());
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_EQ(taps(planning.plan),
            (Taps{{"east.0 to west.0", "rx e in; drop lost"}, {"west.0 to east.0", "rx in; tx e; drop lost"}}));
  const LegPlan& leg = planning.plan.lcores.at(0).legs.at(0);
  EXPECT_EQ(leg.taps.at(0).size, 8192U) << "the larger one";
  EXPECT_EQ(leg.taps.at(1).size, 4096U);
  EXPECT_FALSE(planning.plan.ports[0].fast_free || planning.plan.ports[1].fast_free);
}

TEST(PlanTaps, OnlyLegsThatHaveThePorts) {
  const Planning planning =
      plan_text(two_nics("",
                         "lcores: {1: {rx: [east.0, west.0]}, 2: {work: true}, 3: {tx: [east, west]}}\n"
                         "capture: {x: {file: e, ports: [west]}, d: {file: d, drops: all}}\n"),
                two_nic_machine());
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_EQ(taps(planning.plan), (Taps{{"east.0 to ring rx.east.1-2", "drop d"},
                                       {"west.0 to ring rx.west.1-2", "rx x; drop d"},
                                       {"ring rx.east.1-2 to ring tx.west.2-3", "drop d"},
                                       {"ring rx.west.1-2 to ring tx.east.2-3", "drop d"},
                                       {"ring tx.east.2-3 to east.0", "drop d"},
                                       {"ring tx.west.2-3 to west.0", "tx x; drop d"}}));
}

std::string reflect(const std::string& captures) {
  return "ports: {east: {device: \"0000:03:00.0\"}}\nforwarding: {mode: reflect, ports: [east]}\ncapture: " + captures +
         "\n";
}

TEST(PlanTaps, HeadersAreOwnWhereACaptureSharesThemBefore) {
  const std::pair<const char*, const char*> cases[] = {
      {"{x: {file: e, ports: all}}", "rx x; tx x; own headers"},
      {"{x: {file: e, ports: all, direction: rx}}", "rx x; own headers"},
      {"{x: {file: e, ports: all, direction: tx}}", "tx x"},
      {"{x: {file: e, stage: swap_macs}}", "swap x"},
      {"{x: {file: e, drops: all}}", "drop x"},
  };
  for (const auto& [captures, expected] : cases) {
    const Planning planning = plan_text(reflect(captures), two_nic_machine());
    ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
    EXPECT_EQ(taps(planning.plan).at("east.0 to east.0"), expected) << captures;
    const bool shares = std::string(expected).find("own") != std::string::npos;
    EXPECT_EQ(planning.plan.ports[0].multi_segs, shares) << "a header of its own is an mbuf in front: " << captures;
  }
}

TEST(PlanTaps, HeadersAreOwnWherePacketsComeBack) {
  const auto own_headers = [](const std::string& capture) {
    const Planning planning =
        plan_text("ports: {a: {device: net_ring0}}\nforwarding: {mode: reflect, ports: [a]}\ncapture: {x: {file: e, " +
                      capture + "}}\n",
                  machine({vdev("net_ring0", "net_ring")}));
    EXPECT_FALSE(planning.problems.failed()) << planning.problems.text("f");
    return taps(planning.plan).at("a.0 to a.0").ends_with("own headers");
  };
  EXPECT_TRUE(own_headers("ports: [a], direction: tx")) << "what was shared comes in again";
  EXPECT_TRUE(own_headers("stage: swap_macs"));
  EXPECT_FALSE(own_headers("drops: all"));
}

TEST(PlanTaps, FastFreeStaysWhereNothingIsShared) {
  const Planning dropped = plan_text(two_nics("", "capture: {lost: {file: l, drops: all}}\n"), two_nic_machine());
  EXPECT_TRUE(dropped.plan.ports[0].fast_free) << "dropped packets change hands, and are not cloned";
  EXPECT_TRUE(dropped.plan.clone_pools.empty());
  const Planning east =
      plan_text(two_nics("", "capture: {x: {file: l, ports: [east], direction: rx}}\n"), two_nic_machine());
  EXPECT_FALSE(east.plan.ports[1].fast_free) << "what comes in there is shared and goes out here";
  EXPECT_TRUE(east.plan.ports[0].fast_free);
}

TEST(PlanTaps, PoolsHoldWhatWaitsForTheWriter) {
  const Planning without = plan_text(two_nics(), two_nic_machine());
  const Planning with =
      plan_text(two_nics("", "capture: {x: {file: l, ports: all, buffer: 65536}}\n"), two_nic_machine());
  ASSERT_FALSE(with.problems.failed()) << with.problems.text("f");
  EXPECT_GE(with.plan.pools.at(0).size, without.plan.pools.at(0).size + 4 * 65535);
  ASSERT_EQ(with.plan.clone_pools.size(), 1U);
  EXPECT_GE(with.plan.clone_pools[0].size, 4U * 65535U);
  EXPECT_EQ(with.plan.clone_pools[0].data_room, 0U);
  Plan without_taps = with.plan;
  for (LcorePlan& lcore : without_taps.lcores) {
    for (LegPlan& leg : lcore.legs) {
      leg.taps.clear();
    }
  }
  EXPECT_EQ(memory_mib(with.plan, 0, false), memory_mib(without_taps, 0, false) + 2) << "four rings of 512 KiB";
}

TEST(PlanTaps, RefusesAnOutputThatCannotSendChains) {
  const Planning planning = plan_text(
      "ports: {a: {device: net_x0}}\nforwarding: {mode: reflect, ports: [a]}\ncapture: {x: {file: e, ports: all}}\n",
      machine({vdev("net_x0", "net_x")}));
  EXPECT_NE(
      planning.problems.text("f").find("expected captures to take packets behind swap_macs, or with direction: tx"),
      std::string::npos)
      << planning.problems.text("f");
}

TEST(PlanTaps, RefusesAnOutputThatWritesToWhatItSends) {
  const auto planned = [](const std::string& mode, const std::string& capture) {
    Inventory inventory = machine({vdev("net_bonding0", "net_bonding"), nic("0000:03:00.0"), nic("0000:03:00.1")});
    return plan_text("ports: {a: {device: \"net_bonding0,mode=" + mode +
                         "\", members: [\"0000:03:00.0\"]}, b: {device: \"0000:03:00.1\"}}\nforwarding: {mode: "
                         "cross_connect, pairs: [[a, b]]}\ncapture: {x: {file: e, " +
                         capture + "}}\n",
                     inventory)
        .problems.text("f");
  };
  const std::string said = "is a bond that writes its MAC addresses into what it sends, which captures share";
  EXPECT_NE(planned("5", "ports: [b], direction: rx").find(said), std::string::npos);
  EXPECT_NE(planned("6", "ports: [a], direction: tx").find(said), std::string::npos);
  EXPECT_EQ(planned("4", "ports: all").find(said), std::string::npos);
  EXPECT_EQ(planned("5", "drops: all").find(said), std::string::npos);
  EXPECT_EQ(planned("5", "ports: [a], direction: rx").find(said), std::string::npos);
}

TEST(PlanTaps, WarnsOfACaptureThatStaysEmpty) {
  const Planning planning =
      plan_text(two_nics("", "capture: {x: {file: e, stage: limit_frames}}\n"), two_nic_machine());
  EXPECT_FALSE(planning.problems.failed());
  EXPECT_NE(planning.problems.text("f").find("f:5:11: warning: capture.x: takes no packets"), std::string::npos)
      << planning.problems.text("f");
}

TEST(PlanTaps, AreExplainedAndComeBackTheSame) {
  const std::string text = two_nics(
      "",
      "capture: {web: {file: \"a \\\"b\\\".pcapng\", ports: [west, east], direction: rx, filter: \"tcp[13] & 2 != 0\", "
      "snap: 96, buffer: 128, rotate: {size: 1536KiB, seconds: 5, files: 3}}, lost: {file: l, drops: [runt, tx_full], "
      "rotate: {size: 2GiB}}, all: {file: c, ports: all}, cut: {file: d, stage: limit_frames}}\n");
  const Planning planning = plan_text(text, two_nic_machine());
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  const std::string explained = explain({}, planning);
  for (const char* line : {"size: 1536KiB, seconds: 5, files: 3", "drops: [tx_full, runt]", "rotate: {size: 2048MiB}",
                           "# east.0 -> capture web -> capture all -> capture all -> TX queue west.0"}) {
    EXPECT_NE(explained.find(line), std::string::npos) << line << '\n' << explained;
  }
  const Planning again = plan_text(explained, two_nic_machine());
  ASSERT_FALSE(again.problems.failed()) << again.problems.text("f");
  EXPECT_EQ(again.plan, planning.plan);
  EXPECT_NE(to_ascii(topology_of(planning.plan)).find("capture all, lost and web"), std::string::npos);
}

}  // namespace
}  // namespace ringway
