#include "plan/draw.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "drawing_readers.h"
#include "inventory_fixtures.h"
#include "plan/picture.h"

namespace ringway {
namespace {

constexpr const char* kPipeline = R"(
ports: {left: {device: lab}, right: {device: lab}}
forwarding: {mode: cross_connect, pairs: [[left, right]]}
lcores:
  1: {rx: [left.0, right.0]}
  2: {work: true}
  3: {work: true}
  4: {tx: [left, right]}
  5: {generate: [left, right], check: [left, right]}
)";

/// An lcore that receives and works, one that works and sends for itself what others hand over, queues nobody uses,
/// and names so long that arrows bear numbers.
constexpr const char* kMixed = R"(
ports:
  uplink: {device: "0000:03:00.0", rx_queues: 2, tx_queues: 5, when_full: wait}
  downlink: {device: "0000:03:00.1", rx_queues: 2}
forwarding: {mode: cross_connect, pairs: [[uplink, downlink]]}
lcores:
  1: {rx: [uplink.0, downlink.0]}
  2: {rx: [uplink.1, downlink.1], work: true}
  3: {work: true}
  4: {work: true}
  5: {tx: [uplink]}
rings: {override: {rx.uplink.1-3: {when_full: wait, wait_ms: 20, size: 256}}}
)";

/// One queue and one ring that two parts of an lcore share.
constexpr const char* kLoneWorker = R"(
ports: {a: {device: "0000:03:00.0", rx_queues: 2}, b: {device: "0000:03:00.1"}, c: {device: net_ring0}}
forwarding: {mode: cross_connect, pairs: [{from: a, to: c}, {from: b, to: a}]}
lcores: {1: {rx: [a.0], work: true}, 2: {rx: [a.1, b.0]}, 3: {tx: [a]}}
)";

constexpr const char* kFourPorts = R"(
ports:
  a: {device: "0000:03:00.0", rx_queues: 2}
  b: {device: "0000:03:00.1", rx_queues: 2}
  c: {device: "0000:03:00.2", rx_queues: 2}
  d: {device: "0000:03:00.3", rx_queues: 2}
forwarding: {mode: cross_connect, pairs: [[a, d], [b, c]]}
)";

std::string every_lcore_polls_every_port() {
  return std::string(kFourPorts) + "lcores: {1: {rx: [a.0, b.1, c.0, d.1]}, 2: {rx: [a.1, b.0, c.1, d.0]}}\n";
}

std::string four_ports_six_lcores() {
  return std::string(kFourPorts) +
         "lcores: {1: {rx: [a.0, b.0, c.0, d.0]}, 2: {rx: [a.1, b.1, c.1, d.1]}, 3: {work: true}, 4: {work: true}, "
         "5: {tx: [a, b]}, 6: {tx: [c, d]}}\n";
}

/// 13 receivers and 5 workers: more pairs than a mesh may have, so that producers share rings.
std::string fan_in() {
  std::string text =
      "ports: {a: {device: lab, rx_queues: 13}, b: {device: lab, rx_queues: 13}}\n"
      "forwarding: {mode: cross_connect, pairs: [[a, b]]}\nrings: {when_full: wait}\nlcores:\n";
  for (int i = 0; i < 13; ++i) {
    const std::string queue = std::to_string(i);
    text += "  " + std::to_string(i + 1) + ": {rx: [a." + queue + ", b." + queue + "]}\n";
  }
  for (int i = 14; i < 19; ++i) {
    text += "  " + std::to_string(i) + ": {work: true}\n";
  }
  return text + "  19: {generate: [a, b], check: [a, b]}\n";
}

/// As many ports as can be paired, and 61 lcores.
std::string largest() {
  std::string ports;
  std::string pairs;
  std::string lcores;
  for (int i = 0; i < 30; ++i) {
    const std::string name = "p" + std::to_string(i);
    ports += (i > 0 ? ", " : "") + name + ": {device: net_ring" + std::to_string(i) + "}";
    pairs += i % 2 == 0 ? (i > 0 ? ", [" : "[") + name : ", " + name + "]";
    lcores += "  " + std::to_string(i + 1) + ": {rx: [" + name + ".0]}\n";
  }
  for (int i = 31; i < 61; ++i) {
    lcores += "  " + std::to_string(i) + ": {work: true}\n";
  }
  lcores += "  61: {tx: [p0";
  for (int i = 1; i < 30; ++i) {
    lcores += ", p" + std::to_string(i);
  }
  return "ports: {" + ports + "}\nforwarding: {mode: cross_connect, pairs: [" + pairs + "]}\nlcores:\n" + lcores +
         "]}\n";
}

Inventory lab_machine() {
  Inventory inventory = machine({nic("0000:03:00.0"), nic("0000:03:00.1"), nic("0000:03:00.2"), nic("0000:03:00.3"),
                                 vdev("net_null0", "net_null"), vdev("net_null1", "net_null"),
                                 vdev("net_pcap0", "net_pcap"), vdev("net_pcap1", "net_pcap")},
                                64);
  for (int i = 0; i < 30; ++i) {
    inventory.devices.push_back(vdev("net_ring" + std::to_string(i), "net_ring"));
  }
  inventory.hugepages[0].free = 100000;
  return inventory;
}

Planning planned(const std::string& text) {
  Planning planning = plan_text(text, lab_machine());
  EXPECT_FALSE(planning.problems.failed()) << planning.problems.text("plan");
  return planning;
}

/// What must be drawn, taken from the plan without a look at the topology.
Links links_of(const Plan& plan) {
  Links links;
  const auto port = [&](std::size_t index) { return plan.ports[index].name; };
  const auto lcore = [](unsigned id) { return "lcore " + std::to_string(id); };
  for (const LcorePlan& its : plan.lcores) {
    for (const std::size_t fed : its.generate) {
      links.insert({lcore(its.id), "generate " + port(fed), port(fed)});
    }
    for (const std::size_t emptied : its.check) {
      links.insert({port(emptied), "check " + port(emptied), lcore(its.id)});
    }
    for (const LegPlan& leg : its.legs) {
      if (const PortQueue* rx = leg.rx()) {
        links.insert({port(rx->port), "RX " + port(rx->port) + "." + std::to_string(rx->queue), lcore(its.id)});
      }
      if (const PortQueue* tx = leg.tx()) {
        links.insert({lcore(its.id), "TX " + port(tx->port) + "." + std::to_string(tx->queue), port(tx->port)});
      }
    }
  }
  for (const RingPlan& ring : plan.rings) {
    for (const unsigned producer : ring.producers) {
      links.insert({lcore(producer), ring.name, lcore(ring.consumer)});
    }
  }
  return links;
}

struct Case {
  const char* name;
  std::string text;
  bool drawn;  ///< small enough for a picture
};

class Drawings : public testing::TestWithParam<Case> {};

TEST_P(Drawings, ShowEveryQueueRingPortAndLcoreInItsPlace) {
  const Plan plan = planned(GetParam().text).plan;
  const Links expected = links_of(plan);
  const Topology topology = topology_of(plan);
  EXPECT_EQ(read_dot(to_dot(topology)), expected) << to_dot(topology);
  EXPECT_EQ(read_mermaid(to_mermaid(topology)), expected) << to_mermaid(topology);
  EXPECT_EQ(read_list(to_ascii(topology)), expected) << to_ascii(topology);
  for (const std::string& text : {to_dot(topology), to_mermaid(topology), to_ascii(topology)}) {
    for (const PortPlan& port : plan.ports) {
      EXPECT_NE(text.find(port.name), std::string::npos) << port.name;
    }
    for (const LcorePlan& lcore : plan.lcores) {
      EXPECT_NE(text.find("lcore " + std::to_string(lcore.id)), std::string::npos) << lcore.id;
    }
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  }
}

TEST_P(Drawings, HaveArrowsThatLeadWhereThePlanSays) {
  const Plan plan = planned(GetParam().text).plan;
  const Topology topology = topology_of(plan);
  Links expected;
  Links expected_labels;
  for (const auto& [from, name, to] : links_of(plan)) {
    if (!name.starts_with("generate ") && !name.starts_with("check ")) {  // those are compartments of ports
      const bool queue = name.starts_with("RX ") || name.starts_with("TX ");
      expected.insert({from, name, to});
      expected_labels.insert({from, queue ? name.substr(0, 3) + name.substr(name.rfind('.') + 1) : name, to});
    }
  }
  const std::string numbered = picture_of(topology, ArrowLabel::kNumber);
  ASSERT_EQ(!numbered.empty(), GetParam().drawn) << numbered;
  if (GetParam().drawn) {
    Links named;
    for (const auto& [from, number, to] : PictureReader(numbered).links()) {
      named.insert({from, topology.edges.at(std::stoul(number.substr(1)) - 1).name, to});
    }
    EXPECT_EQ(named, expected) << numbered;
  }
  if (const std::string picture = picture_of(topology, ArrowLabel::kName); !picture.empty()) {
    EXPECT_EQ(PictureReader(picture).links(), expected_labels) << picture;
  }
}

TEST_P(Drawings, AreCommentsThatFitATerminalAndLeaveThePlanAsItIs) {
  const Planning planning = planned(GetParam().text);
  const std::string comments = as_comments(to_ascii(topology_of(planning.plan)));
  EXPECT_LT(comments.size(), 20000U);
  for (const std::string& line : lines_of(comments)) {
    EXPECT_LE(line.size(), 120U) << line;
    EXPECT_NE(line.back(), ' ') << line;
  }
  EXPECT_EQ(comments.find("+--") != std::string::npos, GetParam().drawn) << comments;
  EXPECT_EQ(planned(comments + GetParam().text).plan, planning.plan);
}

INSTANTIATE_TEST_SUITE_P(Plans, Drawings,
                         testing::Values(Case{"TwoPorts", two_nics(), true}, Case{"Pipeline", kPipeline, true},
                                         Case{"Mixed", kMixed, true}, Case{"LoneWorker", kLoneWorker, true},
                                         Case{"EveryLcorePollsEveryPort", every_lcore_polls_every_port(), true},
                                         Case{"FourPortsSixLcores", four_ports_six_lcores(), true},
                                         Case{"FanIn", fan_in(), false}, Case{"Largest", largest(), false}),
                         [](const auto& param) { return param.param.name; });

TEST(Draw, TwoPorts) {
  EXPECT_EQ("\n" + picture_of(topology_of(planned(two_nics()).plan), ArrowLabel::kName), R"(
  ports              receive             ports
+--------+         +---------+         +--------+
| east   |- RX 0 ->| lcore 1 |- TX 0 ->| west   |
| NUMA 0 |         | NUMA 0  |         | NUMA 0 |
+--------+         +---------+         +--------+
+--------+         +---------+         +--------+
| west   |- RX 0 ->| lcore 2 |- TX 0 ->| east   |
| NUMA 0 |         | NUMA 0  |         | NUMA 0 |
+--------+         +---------+         +--------+
)");
}

// clang-format off
TEST(Draw, Pipeline) {
  EXPECT_EQ("\n" + picture_of(topology_of(planned(kPipeline).plan), ArrowLabel::kName), R"(
  ports                  receive                       work                          transmit               ports
+----------+
| lcore 5  |
| generate |
+-----v----+           +---------+                   +---------+                   +----------+           +---------+
| left     |- RX 0 -+->| lcore 1 |- rx.left.1-2 --+->| lcore 2 |- tx.left.2-4 --+->| lcore 4  |- TX 0 --->| left    |
| NUMA 0   |        |  | NUMA 0  |- rx.right.1-2 -+  | NUMA 0  |- tx.right.2-4 -+  | NUMA 0   |           | NUMA 0  |
+----------+        |  |         |                   +---------+                |  |          |- TX 0 -+  +----v----+
+----------+        |  |         |- rx.left.1-3 --+  +---------+                |  +----------+        |  | lcore 5 |
| lcore 5  |        |  |         |- rx.right.1-3 -+->| lcore 3 |- tx.left.3-4 --+                      |  | check   |
| generate |        |  +---------+                   | NUMA 0  |- tx.right.3-4 -+                      |  +---------+
+-----v----+        |                                +---------+                                       |  +---------+
| right    |- RX 0 -+                                                                                  +->| right   |
| NUMA 0   |                                                                                              | NUMA 0  |
+----------+                                                                                              +----v----+
                                                                                                          | lcore 5 |
                                                                                                          | check   |
                                                                                                          +---------+
)");
}
// clang-format on

TEST(Draw, SharedRingsAreOneLineEach) {
  const Plan plan = planned(fan_in()).plan;
  ASSERT_EQ(plan.rings.front().kind, RingKind::kHts);
  const std::string text = to_ascii(topology_of(plan));
  EXPECT_NE(text.find("  rx.a.all-14  lcores 1-13  -> lcore 14  HTS ring of 1024, NUMA socket 0, waits up to 1000 ms"),
            std::string::npos)
      << text;
}

TEST(Draw, TellsWaitingAndDropping) {
  const Topology topology = topology_of(planned(kMixed).plan);
  for (const std::string& text : {to_ascii(topology), to_mermaid(topology), to_dot(topology)}) {
    for (const char* fact : {"SP/SC ring of 256", "waits up to 20 ms when full", "SP/SC ring of 1024",
                             "drops when full", "512 descriptors", "waits up to 1000 ms when full"}) {
      EXPECT_NE(text.find(fact), std::string::npos) << fact << '\n' << text;
    }
    EXPECT_NE(text.find("not in use: TX uplink.1-4"), std::string::npos) << text;
  }
}

TEST(Draw, TellsWhatLcoresDo) {
  const std::string text = to_ascii(topology_of(planned(kPipeline).plan));
  for (const char* line :
       {"  lcore 1  NUMA socket 0  receive, drop frames outside 14 to 1522 bytes\n", "  lcore 2  NUMA socket 0  work\n",
        "  lcore 4  NUMA socket 0  transmit\n", "  lcore 5  NUMA socket 0  generate, check\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  const std::string reflected = to_ascii(
      topology_of(planned("ports: {a: {device: \"0000:03:00.0\"}}\nforwarding: {mode: reflect, ports: [a]}\n").plan));
  EXPECT_NE(reflected.find("receive, work, swap MACs, transmit\n"), std::string::npos) << reflected;
}

TEST(Draw, NamesTheQueuesWhoseFramesAreLimited) {
  const std::string text = to_ascii(topology_of(
      planned("ports: {a: {device: net_pcap0}, b: {device: net_pcap1, mtu: 9000}, c: {device: \"0000:03:00.0\"}, d: "
              "{device: \"0000:03:00.1\"}}\nforwarding: {mode: cross_connect, pairs: [[a, b], [c, d]]}\n"
              "lcores: {1: {rx: [a.0, b.0, c.0, d.0]}}\n")
          .plan));
  EXPECT_NE(text.find("receive, drop frames of RX b.0 outside 0 to 1522 bytes, drop frames of RX a.0 outside 0 to "
                      "9022 bytes, work, transmit\n"),
            std::string::npos)
      << text;
}

std::string notes_between(const std::string& in, const std::string& out) {
  return topology_of(planned("ports: {in: {device: \"" + in + "\"}, out: {device: \"" + out +
                             "\"}}\nforwarding: {mode: cross_connect, pairs: [{from: in, to: out}]}\n")
                         .plan)
      .notes.back();
}

TEST(Draw, ClosesWithWhoCopies) {
  EXPECT_EQ(notes_between("net_pcap0", "net_pcap1"),
            "zero copy here: the forwarder copies nothing; drivers copy: in.rx 1, out.tx 1");
  EXPECT_EQ(notes_between("net_null0,copy=1", "0000:03:00.0"),
            "zero copy here: the forwarder copies nothing; drivers copy: in.rx 1");
  EXPECT_EQ(notes_between("net_null0,copy=0", "net_ring1"), "zero copy here: nobody copies");
}

TEST(Draw, EscapesWhatDriversAreCalled) {
  Plan plan = planned(two_nics()).plan;
  plan.ports[0].driver = "a\"b\\c\n<d>|#&]`\xc3\xa9";
  const Topology topology = topology_of(plan);
  EXPECT_NE(to_dot(topology).find(R"(\na\"b\\c\\x0A<d>|#&amp;]`\\xC3\\xA9\n)"), std::string::npos) << to_dot(topology);
  EXPECT_NE(to_mermaid(topology).find("<br/>a#34;b#92;c#92;x0A#60;d#62;#124;#35;#38;#93;#96;#92;xC3#92;xA9<br/>"),
            std::string::npos)
      << to_mermaid(topology);
  EXPECT_EQ(read_dot(to_dot(topology)), links_of(plan));
  EXPECT_EQ(read_mermaid(to_mermaid(topology)), links_of(plan));
}

}  // namespace
}  // namespace ringway
