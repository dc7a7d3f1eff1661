#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "inventory_fixtures.h"
#include "plan/explain.h"

namespace ringway {
namespace {

/// Two NICs with what stands in `lcores` and `more`, on a machine of 64 lcores.
Planning pipeline(const std::string& lcores, const std::string& more = "", const std::string& port_keys = "") {
  return plan_text(two_nics(port_keys, "lcores: " + lcores + '\n' + more), two_nic_machine(64));
}

std::vector<std::string> ring_names(const Plan& plan) {
  std::vector<std::string> names;
  for (const RingPlan& ring : plan.rings) {
    names.push_back(ring.name);
  }
  return names;
}

using Names = std::vector<std::string>;

/// Every leg of every lcore: `1: east.0 -> rx.east.1-3 rx.east.1-4`.
Names legs(const Plan& plan) {
  const auto queue = [&](const PortQueue& q) { return plan.ports[q.port].name + "." + std::to_string(q.queue); };
  Names all;
  for (const LcorePlan& lcore : plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      std::string text = std::to_string(lcore.id) + ": ";
      text += leg.rx() != nullptr ? queue(*leg.rx()) : plan.rings[leg.from_ring()].name;
      text += " ->";
      if (leg.tx() != nullptr) {
        text += " " + queue(*leg.tx());
      } else {
        for (const std::size_t ring : leg.to_rings()) {
          text += " " + plan.rings[ring].name;
        }
      }
      all.push_back(text + (leg.swap_macs ? " swap" : "") + (leg.limit ? " limit" : ""));
    }
  }
  return all;
}

TEST(PlanLegs, AThreeLegPipeline) {
  const Planning planning = pipeline(
      "{1: {rx: [east.0]}, 2: {rx: [west.0]}, 3: {work: true}, 4: {work: true}, "
      "5: {tx: [east, west]}}");
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("");
  EXPECT_EQ(legs(planning.plan),
            (Names{"1: east.0 -> rx.east.1-3 rx.east.1-4", "2: west.0 -> rx.west.2-3 rx.west.2-4",
                   "3: rx.east.1-3 -> tx.west.3-5", "3: rx.west.2-3 -> tx.east.3-5", "4: rx.east.1-4 -> tx.west.4-5",
                   "4: rx.west.2-4 -> tx.east.4-5", "5: tx.east.3-5 -> east.0", "5: tx.east.4-5 -> east.0",
                   "5: tx.west.3-5 -> west.0", "5: tx.west.4-5 -> west.0"}));
  for (const RingPlan& ring : planning.plan.rings) {
    EXPECT_EQ(ring.kind, RingKind::kSpSc);
    EXPECT_EQ(ring.size, 1024U);
    EXPECT_EQ(ring.wait_ms, 0U);
  }
  EXPECT_EQ(planning.plan.ports[0].tx_queues, 1U);
}

TEST(PlanLegs, WorkersThatTransmitHaveATxQueueEach) {
  const Planning planning = pipeline("{1: {rx: [east.0, west.0]}, 2: {work: true}, 3: {work: true}}");
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("");
  EXPECT_EQ(legs(planning.plan), (Names{"1: east.0 -> rx.east.1-2 rx.east.1-3", "1: west.0 -> rx.west.1-2 rx.west.1-3",
                                        "2: rx.east.1-2 -> west.0", "2: rx.west.1-2 -> east.0",
                                        "3: rx.east.1-3 -> west.1", "3: rx.west.1-3 -> east.1"}));
}

TEST(PlanLegs, ALoneReceiverThatWorksNeedsNoRing) {
  EXPECT_EQ(legs(pipeline("{1: {rx: [east.0, west.0], work: true}}").plan),
            (Names{"1: east.0 -> west.0", "1: west.0 -> east.0"}));
  // Another receiver hands over to it.
  EXPECT_EQ(legs(pipeline("{1: {rx: [east.0], work: true}, 2: {rx: [west.0]}}").plan),
            (Names{"1: rx.west.2-1 -> east.0", "1: east.0 -> west.0", "2: west.0 -> rx.west.2-1"}));
}

TEST(PlanLegs, ReceiversWithoutWorkersHandOverToWhoTransmits) {
  EXPECT_EQ(legs(pipeline("{1: {rx: [east.0, west.0]}, 2: {tx: [west]}}").plan),
            (Names{"1: east.0 -> tx.west.1-2", "1: west.0 -> east.0", "2: tx.west.1-2 -> west.0"}));
}

TEST(PlanLegs, AWorkerThatTransmitsItselfNeedsNoRing) {
  const Planning planning = pipeline("{1: {rx: [east.0, west.0]}, 2: {work: true, tx: [west]}, 3: {work: true}}");
  EXPECT_EQ(legs(planning.plan),
            (Names{"1: east.0 -> rx.east.1-2 rx.east.1-3", "1: west.0 -> rx.west.1-2 rx.west.1-3",
                   "2: tx.west.3-2 -> west.0", "2: rx.east.1-2 -> west.0", "2: rx.west.1-2 -> east.0",
                   "3: rx.east.1-3 -> tx.west.3-2", "3: rx.west.1-3 -> east.1"}));
}

TEST(PlanLegs, TransmittersOfOnePortAreDealtOut) {
  const Planning planning =
      pipeline("{1: {rx: [east.0, west.0]}, 2: {work: true}, 3: {work: true}, 4: {tx: [west]}, 5: {tx: [west]}}");
  EXPECT_EQ(ring_names(planning.plan),
            (Names{"rx.east.1-2", "rx.east.1-3", "rx.west.1-2", "rx.west.1-3", "tx.west.2-4", "tx.west.3-5"}));
  EXPECT_EQ(planning.plan.ports[1].tx_queues, 2U);
}

TEST(PlanLegs, ANicIsAskedForItsHashesWhereFlowsAreSpread) {
  const std::string two = "{1: {rx: [east.0, west.0]}, 2: {work: true}, 3: {work: true}}";
  EXPECT_TRUE(pipeline(two).plan.ports[0].rss_hash);
  EXPECT_NE(pipeline(two).plan.ports[0].rss_types, 0U);
  EXPECT_FALSE(pipeline("{1: {rx: [east.0, west.0]}, 2: {work: true}}").plan.ports[0].rss_hash);
}

TEST(PlanLegs, ReflectSwapsWhereTheWorkIsDone) {
  const Planning planning = plan_text(
      "ports: {east: {device: \"0000:03:00.0\"}, west: {device: \"0000:03:00.1\"}}\n"
      "forwarding: {mode: reflect, ports: [east, west]}\n"
      "lcores: {1: {rx: [east.0, west.0]}, 2: {work: true}, 3: {tx: [east]}}\n",
      two_nic_machine());
  EXPECT_EQ(legs(planning.plan),
            (Names{"1: east.0 -> rx.east.1-2", "1: west.0 -> rx.west.1-2", "2: rx.east.1-2 -> tx.east.2-3 swap",
                   "2: rx.west.1-2 -> west.0 swap", "3: tx.east.2-3 -> east.0"}));
}

TEST(PlanLegs, FramesAreLimitedWhereTheyComeIn) {
  const Planning planning = plan_text(
      "ports: {left: {device: lab}, right: {device: lab}}\nforwarding: {mode: cross_connect, pairs: [{from: left, to: "
      "right}]}\nlcores: {1: {rx: [left.0]}, 2: {work: true}}\n",
      machine({}));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("");
  EXPECT_EQ(legs(planning.plan), (Names{"1: left.0 -> rx.left.1-2 limit", "2: rx.left.1-2 -> right.0"}));
}

TEST(PlanLegs, AMeshThatWouldGrowTooLargeIsSharedRings) {
  std::string lcores;
  for (unsigned id = 1; id <= 8; ++id) {
    lcores += std::to_string(id) + ": {rx: [east." + std::to_string(id - 1) + "]}, ";
  }
  for (unsigned id = 9; id <= 17; ++id) {
    lcores += std::to_string(id) + ": {work: true}, ";
  }
  const Planning planning = pipeline("{" + lcores + "18: {rx: [west.*], tx: [east, west]}}", "", ", rx_queues: 8");
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("");
  std::size_t shared = 0;
  for (const RingPlan& ring : planning.plan.rings) {
    if (ring.use == RingUse::kWork && ring.port == 0) {  // 8 x 9 = 72 pairs
      EXPECT_EQ(ring.kind, RingKind::kHts) << ring.name;
      EXPECT_EQ(ring.producers.size(), 8U);
      ++shared;
    } else {
      EXPECT_EQ(ring.kind, RingKind::kSpSc) << ring.name;
      EXPECT_EQ(ring.producers.size(), 1U);
    }
  }
  EXPECT_EQ(shared, 9U);
  EXPECT_EQ(planning.plan.rings.front().name, "rx.east.all-9");
}

TEST(PlanLegs, EachProducerReachesEveryWorkerAndEachRingHasOneConsumer) {
  const Planning planning =
      pipeline("{1: {rx: [east.0, west.0]}, 2: {rx: [east.1, west.1], work: true}, 3: {work: true, tx: [east]}}", "",
               ", rx_queues: 2");
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("");
  std::map<std::size_t, std::set<unsigned>> readers;
  for (const LcorePlan& lcore : planning.plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      if (leg.rx() == nullptr) {
        readers[leg.from_ring()].insert(lcore.id);
      } else if (leg.tx() == nullptr) {
        EXPECT_EQ(leg.to_rings().size(), 2U);
      }
    }
  }
  EXPECT_EQ(readers.size(), planning.plan.rings.size());
  for (const auto& [ring, ids] : readers) {
    EXPECT_EQ(ids, (std::set<unsigned>{planning.plan.rings[ring].consumer}));
  }
}

TEST(PlanLegs, RingsAreConfiguredTogetherAndOneByOne) {
  const std::string lcores = "{1: {rx: [east.0, west.0]}, 2: {work: true}, 3: {work: true}}";
  const Planning planning = pipeline(lcores,
                                     "rings: {size: 256, when_full: wait, wait_ms: 50, override: {rx.east.1-3: {size: "
                                     "64, when_full: drop}, rx.west.1-2: {wait_ms: 7}}}\n",
                                     ", when_full: wait");
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("");
  const std::vector<RingPlan>& rings = planning.plan.rings;
  EXPECT_EQ(rings.at(0).size, 256U);
  EXPECT_EQ(rings.at(0).wait_ms, 50U);
  EXPECT_EQ(rings.at(1).size, 64U);
  EXPECT_EQ(rings.at(1).wait_ms, 0U);
  EXPECT_EQ(rings.at(2).wait_ms, 7U);
  EXPECT_EQ(planning.plan.ports[0].wait_ms, 50U);
}

TEST(PlanLegs, RingsCountForThePool) {
  const std::string lcores = "{1: {rx: [east.0, west.0]}, 2: {work: true}}";
  const Planning planning = pipeline(lcores, "rings: {size: 2048}\npool: {size: 5000, cache: 0}\n");
  // 2 x (512 RX + 512 TX) + 2 x 2047 in rings + 2 bursts of 32
  EXPECT_NE(planning.problems.text("").find("1 x 2047 (ring rx.east.1-2) + 1 x 2047 (ring rx.west.1-2)"),
            std::string::npos)
      << planning.problems.text("");
  EXPECT_NE(planning.problems.text("").find("= 6206"), std::string::npos) << planning.problems.text("");
  EXPECT_FALSE(pipeline(lcores, "rings: {size: 2048}\npool: {size: 6206, cache: 0}\n").problems.failed());
}

TEST(PlanLegs, TheExplainedPlanIsTheSamePlan) {
  for (const std::string& lcores :
       {std::string("{1: {rx: [east.0]}, 2: {rx: [west.0]}, 3: {work: true}, 4: {work: true}, 5: {tx: [east, west]}}"),
        std::string("{1: {rx: [east.0, west.0]}, 2: {work: true, tx: [west]}, 3: {work: true}}"),
        std::string("{1: {rx: [east.0, west.0]}, 2: {tx: [west]}}")}) {
    const std::string text =
        two_nics(", when_full: wait", "lcores: " + lcores +
                                          "\nrings: {size: 512, when_full: wait, wait_ms: 20, override: {tx.west.2-5: "
                                          "{size: 64}}}\n");
    Diagnostics problems;
    Config config = parse_config(text, problems);
    ASSERT_EQ(problems.text(""), "");
    config.rings.overrides.clear();
    config.forwarding.symmetric = {true, {}};
    const Planning planning = make_plan(config, two_nic_machine(8));
    ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("");
    const Planning again = plan_text(explain(config, planning), two_nic_machine(8));
    EXPECT_EQ(again.plan, planning.plan) << explain(config, planning);
  }
}

struct Refusal {
  const char* what;
  std::string lcores;
  std::string more;
  std::string text;
};

class PlanLegsRefuse : public testing::TestWithParam<Refusal> {};

TEST_P(PlanLegsRefuse, InWords) {
  const Planning planning = pipeline(GetParam().lcores, GetParam().more);
  EXPECT_NE(planning.problems.text("").find(GetParam().text), std::string::npos) << planning.problems.text("");
}

const std::string kPipeline = "{1: {rx: [east.0, west.0]}, 2: {work: true}}";

INSTANTIATE_TEST_SUITE_P(
    Config, PlanLegsRefuse,
    testing::Values(
        Refusal{"OddRing", kPipeline, "rings: {size: 1000}\n", "rings.size: is 1000; expected a power of two"},
        Refusal{"OddOverride", kPipeline, "rings: {override: {rx.east.1-2: {size: 3}}}\n",
                "rings.override.rx.east.1-2.size: is 3; expected a power of two"},
        Refusal{"UnknownRing", kPipeline, "rings: {override: {rx.east.1-3: {size: 64}}}\n",
                "rings.override.rx.east.1-3: is no ring of this plan; did you mean 'rx.east.1-2'?"},
        Refusal{"NoRings", "{1: {rx: [east.0, west.0]}}", "rings: {override: {rx.east.1-3: {size: 64}}}\n",
                "the lcores here need no rings"},
        Refusal{"UnknownPort", "{1: {rx: [east.0, west.0]}, 2: {tx: [wset]}}", "",
                "lcores.2.tx[0]: no port is named 'wset'; did you mean 'west'?"},
        Refusal{"RoleTwice", "{1: {rx: [east.0, west.0]}, 2: {tx: [west, west]}}", "",
                "lcores.2.tx[1]: port 'west' has this role already"},
        Refusal{"NoLabPort", "{1: {rx: [east.0, west.0]}, 2: {generate: [west]}}", "",
                "lcores.2.generate[0]: port 'west' is no lab port and no replay port; expected one with device: lab, "
                "or replay"},
        Refusal{"NobodyReceives", "{1: {rx: [east.0]}, 2: {work: true}}", "", "nobody polls queue west.0"},
        Refusal{"TrafficWithoutLab", kPipeline, "traffic: {rate: max}\n", "traffic: no port is a lab port"}),
    [](const auto& param) { return param.param.what; });

TEST(PlanTraffic, FindsAnLcoreForGeneratorsAndCheckers) {
  const std::string text =
      "ports: {left: {device: lab}, right: {device: lab}}\nforwarding: {mode: cross_connect, pairs: [[left, right]]}\n";
  const Planning planning = plan_text(text, machine({}, 3));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("");
  EXPECT_EQ(legs(planning.plan), (Names{"1: left.0 -> right.0 limit", "1: right.0 -> left.0 limit"}));
  ASSERT_EQ(planning.plan.lcores.size(), 2U);
  EXPECT_EQ(planning.plan.lcores[1].generate, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(planning.plan.lcores[1].check, (std::vector<std::size_t>{0, 1}));
  const Planning refused = plan_text(text, machine({}, 2));
  EXPECT_NE(refused.problems.text("").find("no lcore is left for the generators and checkers of lab and replay ports"),
            std::string::npos);
}

TEST(PlanTraffic, TurnsSharesIntoRatesAndChecksSizes) {
  const std::string text =
      "ports: {left: {device: lab}, right: {device: lab}}\nforwarding: {mode: cross_connect, pairs: [[left, right]]}\n"
      "traffic: ";
  const Planning planning = plan_text(text + "{size: 64, rate: 10%}\n", machine({}, 3));
  // 10 Gbit/s carries 14.88 million frames of 64 bytes: 84 bytes each with preamble and gap.
  EXPECT_NEAR(planning.plan.traffic->packets_per_s, 1'488'095, 1);
  const Planning long_frames = plan_text(text + "{size: 9000}\n", machine({}, 3));
  EXPECT_NE(long_frames.problems.text("").find("port 'left' carries 1522"), std::string::npos)
      << long_frames.problems.text("");
}

}  // namespace
}  // namespace ringway
