#include "plan/make_plan.h"

#include <gtest/gtest.h>

#include "inventory_fixtures.h"
#include "refusals.h"

namespace ringway {
namespace {

TEST(MakePlan, FillsInEverythingForTwoNics) {
  const Planning planning = plan_text(two_nics(), two_nic_machine(2));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  const Plan& plan = planning.plan;
  EXPECT_EQ(plan.burst, 32U);
  ASSERT_EQ(plan.ports.size(), 2U);
  EXPECT_EQ(plan.ports[0].rx_queues, 1U);
  EXPECT_EQ(plan.ports[0].tx_queues, 1U);
  EXPECT_EQ(plan.ports[0].rx_descriptors, 512U);
  EXPECT_EQ(plan.ports[0].mtu, 1500U);
  EXPECT_TRUE(plan.ports[0].promiscuous);
  EXPECT_TRUE(plan.ports[0].fast_free);  // one pool, no chains
  ASSERT_EQ(plan.lcores.size(), 1U);
  EXPECT_EQ(plan.lcores[0].id, 1U);  // the main lcore forwards nothing
  ASSERT_EQ(plan.lcores[0].legs.size(), 2U);
  EXPECT_EQ(*plan.lcores[0].legs[0].rx(), (PortQueue{0, 0}));
  EXPECT_EQ(*plan.lcores[0].legs[0].tx(), (PortQueue{1, 0}));
  EXPECT_FALSE(plan.lcores[0].legs[0].swap_macs);
  EXPECT_FALSE(plan.lcores[0].legs[0].limit);  // a NIC brings nothing that an equal NIC cannot send
  // 4 x 512 descriptors, 2 lcores x 384 of cache, a burst of 32: 2848.
  EXPECT_EQ(plan.pools.at(0).size, 4095U);
}

TEST(MakePlan, ReflectSendsBackOutOfTheSamePort) {
  const Planning planning = plan_text(
      "ports: {east: {device: \"0000:03:00.0\"}}\nforwarding: {mode: reflect, ports: [east]}\n", two_nic_machine());
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  const LegPlan& leg = planning.plan.lcores.at(0).legs.at(0);
  EXPECT_EQ(*leg.rx(), *leg.tx());
  EXPECT_TRUE(leg.swap_macs);
}

TEST(MakePlan, SpreadsQueuesOverLcores) {
  const Planning planning = plan_text(two_nics(", rx_queues: 2"), two_nic_machine(3));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  ASSERT_EQ(planning.plan.lcores.size(), 2U);
  EXPECT_EQ(planning.plan.lcores[0].legs.size(), 2U);
  EXPECT_EQ(planning.plan.lcores[1].legs.size(), 2U);
  EXPECT_EQ(planning.plan.ports[0].tx_queues, 2U);  // one for each lcore that sends out of it
  EXPECT_NE(planning.plan.ports[0].rss_types, 0U);
}

TEST(MakePlan, PlacesQueuesOnTheirOwnSocketFirst) {
  const Planning planning = plan_text(two_nics(), two_nic_machine(4, 2));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  ASSERT_EQ(planning.plan.lcores.size(), 2U);
  EXPECT_EQ(planning.plan.lcores[0].socket, 0U);
  EXPECT_EQ(planning.plan.ports.at(planning.plan.lcores[0].legs.at(0).rx()->port).name, "east");
  EXPECT_EQ(planning.plan.lcores[1].socket, 1U);
  EXPECT_EQ(planning.plan.pools.size(), 2U);  // one a socket
  EXPECT_NE(planning.problems.text("f").find("every packet crosses sockets"), std::string::npos);
}

TEST(MakePlan, AnOutputWithOneTxQueueKeepsItsLegsOnOneLcore) {
  Inventory inventory = two_nic_machine(4);
  inventory.devices[1].max_tx_queues = 1;
  const Planning planning = plan_text(two_nics(", rx_queues: 3"), inventory);
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_EQ(planning.plan.ports[1].tx_queues, 1U);
  unsigned senders = 0;
  for (const LcorePlan& lcore : planning.plan.lcores) {
    bool sends = false;
    for (const LegPlan& leg : lcore.legs) {
      sends = sends || leg.tx()->port == 1;
    }
    senders += sends ? 1 : 0;
  }
  EXPECT_EQ(senders, 1U);
}

TEST(MakePlan, SaysWhatADeviceForces) {
  const Planning planning = plan_text(two_nics(", rx_descriptors: 1001"), two_nic_machine());
  ASSERT_FALSE(planning.problems.failed());
  EXPECT_EQ(planning.plan.ports[0].rx_descriptors, 1008U);
  ASSERT_FALSE(planning.notices.empty());
  EXPECT_NE(planning.notices[0].find("ports.east.rx_descriptors: net_e1000_igb takes 32 to 4096 in multiples of 8: "
                                     "1008 instead of 1001"),
            std::string::npos)
      << planning.notices[0];
}

TEST(MakePlan, FitsDescriptorsThatADriverDoesNotTellOf) {
  const Planning planning = plan_text(
      "ports: {a: {device: \"net_af_xdp0,iface=x\", rx_descriptors: 600}}\nforwarding: {mode: reflect, ports: [a]}\n",
      machine({vdev("net_af_xdp0", "net_af_xdp")}));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_EQ(planning.plan.ports[0].rx_descriptors, 1024U);
  EXPECT_NE(planning.notices.at(0).find("in powers of two: 1024 instead of 600"), std::string::npos);
}

TEST(MakePlan, JumboFramesAreChainedWhereTheDeviceCan) {
  const Planning planning = plan_text(two_nics(", mtu: 9000"), two_nic_machine());
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_TRUE(planning.plan.ports[0].scatter);
  EXPECT_TRUE(planning.plan.ports[0].multi_segs);
  EXPECT_FALSE(planning.plan.ports[0].fast_free);  // excluded by chains
  const Planning linear = plan_text(two_nics(", mtu: 9000", "pool: {data_room: 9216}\n"), two_nic_machine());
  EXPECT_FALSE(linear.plan.ports[0].scatter);
  EXPECT_FALSE(linear.plan.ports[0].multi_segs);
}

TEST(MakePlan, LimitsFramesOnlyWhereTheSourceCanBringOthers) {
  const std::string text =
      "ports: {a: {device: \"net_pcap0,rx_pcap=x\"}, b: {device: net_ring0}, c: {device: \"net_af_packet0,iface=c\"}}\n"
      "forwarding: {mode: cross_connect, pairs: [{from: a, to: b}, {from: b, to: c}, {from: c, to: a}]}\n";
  DeviceFacts af_packet = vdev("net_af_packet0", "net_af_packet");
  af_packet.multi_segs = true;
  const Planning planning =
      plan_text(text, machine({vdev("net_pcap0", "net_pcap"), vdev("net_ring0", "net_ring"), af_packet}));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  std::map<std::string, std::optional<FrameRange>> limits;
  for (const LcorePlan& lcore : planning.plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      limits[planning.plan.ports[leg.tx()->port].name] = leg.limit;
    }
  }
  EXPECT_FALSE(limits["b"]);                                     // net_ring passes any mbuf
  EXPECT_EQ(limits["c"], (FrameRange{.min = 14, .max = 1518}));  // the kernel's limits
  EXPECT_EQ(limits["a"], (FrameRange{.min = 0, .max = 1522}));   // af_packet may bring 1982
}

TEST(MakePlan, CountsWhatDriversHold) {
  DeviceFacts looped = vdev("net_pcap0", "net_pcap");
  looped.held_mbufs = 5000;
  const Planning planning = plan_text(
      "ports: {a: {device: \"net_pcap0,rx_pcap=x,infinite_rx=1\"}, b: {device: net_null0}}\n"
      "forwarding: {mode: cross_connect, pairs: [{from: a, to: b}]}\n",
      machine({looped, vdev("net_null0", "net_null")}));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_EQ(planning.plan.pools.at(0).size, 8191U);
}

class Refusals : public testing::TestWithParam<Refusal> {};

TEST_P(Refusals, AreToldInWords) {
  expect_refused(GetParam());
}

Inventory no_hugepages() {
  Inventory inventory = two_nic_machine();
  inventory.hugepages[0].free = inventory.hugepages[0].total = 3;
  return inventory;
}

Inventory hugepages_in_use() {
  Inventory inventory = two_nic_machine();
  inventory.hugepages[0].free = 0;
  return inventory;
}

Inventory no_tx_queues() {
  Inventory inventory = two_nic_machine();
  inventory.devices[0].max_tx_queues = 0;
  return inventory;
}

DeviceFacts ring_of_sixteen() {
  DeviceFacts ring = vdev("net_ring0", "net_ring");
  ring.max_rx_queues = ring.max_tx_queues = 16;
  return ring;
}

Inventory no_scatter() {
  Inventory inventory = two_nic_machine();
  inventory.devices[0].scatter = false;
  return inventory;
}

Inventory no_chains() {
  Inventory inventory = two_nic_machine();
  inventory.devices[1].multi_segs = false;
  return inventory;
}

Inventory af_packet_machine(unsigned mtu) {
  DeviceFacts port = vdev("net_af_packet0", "net_af_packet");
  port.interface = "veth0";
  port.mtu = mtu;
  port.multi_segs = true;
  return machine({port});
}

std::string one_af_packet(const std::string& keys, const std::string& devargs = "") {
  return "ports: {a: {device: \"net_af_packet0,iface=veth0" + devargs + "\"" + keys +
         "}}\nforwarding: {mode: reflect, ports: [a]}\n";
}

const Refusal kRefusals[] = {
    {"QueueOnTwoLcores", two_nics("", "lcores: {1: {rx: [east.0, west.0]}, 2: {rx: [east.0]}}\n"), two_nic_machine(),
     "f:5:46: lcores.2.rx[0]: queue east.0 is already polled by lcore 1 on line 5; expected one lcore a queue",
     ExitStatus::kConfigInvalid},
    {"QueueOnNoLcore", two_nics("", "lcores: {1: {rx: [east.0]}}\n"), two_nic_machine(),
     "lcores: nobody polls queue west.0; expected it under one lcore's rx", ExitStatus::kConfigInvalid},
    {"QueueNotThere", two_nics("", "lcores: {1: {rx: [east.0, west.1]}}\n"), two_nic_machine(),
     "queue 1 of 'west' is not there; expected 0 to 0, or more ports.west.rx_queues", ExitStatus::kConfigInvalid},
    {"LcoreNotThere", two_nics("", "lcores: {9: {rx: [east.0, west.0]}}\n"), two_nic_machine(),
     "lcores.9: is not an lcore of this process; expected one of 0, 1, 2 or 3", ExitStatus::kResourceMissing},
    {"MainLcore", two_nics("", "lcores: {0: {rx: [east.0, west.0]}}\n"), two_nic_machine(),
     "lcores.0: is the main lcore, which forwards nothing", ExitStatus::kResourceMissing},
    {"NoLcoreButMain", two_nics(), two_nic_machine(1), "there is no lcore to forward on", ExitStatus::kResourceMissing},
    {"PoolTooSmall", two_nics("", "pool: {size: 1000}\n"), two_nic_machine(),
     "f:5:14: pool.size: is 1000 and cannot fill the descriptors of socket0; expected at least 1 x 512",
     ExitStatus::kConfigInvalid},
    {"CacheTooLarge", two_nics(", rx_descriptors: 32, tx_descriptors: 32", "pool: {size: 700, cache: 512}\n"),
     two_nic_machine(), "pool.cache: is 512, and 1.5 times that is more than the pool's 700 mbufs",
     ExitStatus::kConfigInvalid},
    {"TooManyQueues", two_nics(", rx_queues: 9"), two_nic_machine(),
     "ports.east.rx_queues: is 9, and net_e1000_igb has 8 here", ExitStatus::kResourceMissing},
    {"TooManyTxQueues", two_nics(", tx_queues: 9"), two_nic_machine(),
     "ports.east.tx_queues: is 9; net_e1000_igb has 8 here", ExitStatus::kResourceMissing},
    {"TooFewTxQueues",
     two_nics(", rx_queues: 2, tx_queues: 1", "lcores: {1: {rx: [east.*]}, 2: {rx: [west.0]}, 3: {rx: [west.1]}}\n"),
     two_nic_machine(), "ports.east.tx_queues: is 1, but 2 lcores send out of this port", ExitStatus::kConfigInvalid},
    {"MtuBeyondDevice", two_nics(", mtu: 9300"), two_nic_machine(),
     "ports.east.mtu: is 9300; net_e1000_igb takes 68 to 9216", ExitStatus::kResourceMissing},
    {"MtuBeyondMbuf", two_nics(", mtu: 9000"), no_scatter(),
     "makes frames of 9022 bytes, an mbuf holds 2048 and net_e1000_igb cannot chain; expected pool: {data_room: 9022}",
     ExitStatus::kConfigInvalid},
    {"ChainsBeyondOutput", two_nics(", mtu: 9000"), no_chains(),
     "ports.west: frames of several mbufs leave by this port and net_e1000_igb cannot send them",
     ExitStatus::kConfigInvalid},
    {"MtuBeyondAfPacketSlot", one_af_packet(""), af_packet_machine(9000),
     "af_packet would cut each after 1982; expected the device with framesz=16384,blocksz=16384",
     ExitStatus::kConfigInvalid},
    {"AfPacketSlotBeyondMbuf", one_af_packet("", ",framesz=16384,blocksz=16384"), af_packet_machine(9000),
     "pool.data_room: is 2048, but af_packet's ring frame on port 'a' needs 16352", ExitStatus::kConfigInvalid},
    {"MtuNotTheInterfaces", one_af_packet(", mtu: 1400"), af_packet_machine(1500),
     "is 1400, but interface veth0 has 1500; expected the same: ip link set veth0 mtu 1400",
     ExitStatus::kResourceMissing},
    {"NoSuchPort", two_nics("", "").replace(two_nics("", "").find("west]]"), 4, "wset"), two_nic_machine(),
     "no port is named 'wset'; did you mean 'west'?", ExitStatus::kConfigInvalid},
    {"SameDeviceTwice",
     "ports: {a: {device: \"0000:03:00.0\"}, b: {device: \"03:00.0\"}}\nforwarding: {mode: cross_connect, pairs: [[a, "
     "b]]}\n",
     two_nic_machine(), "ports.b.device: is the same device as port 'a' on line 1", ExitStatus::kConfigInvalid},
    {"PortToItself", "ports: {a: {device: \"0000:03:00.0\"}}\nforwarding: {mode: cross_connect, pairs: [[a, a]]}\n",
     two_nic_machine(), "joins 'a' to itself; expected two ports, or mode: reflect", ExitStatus::kConfigInvalid},
    {"TwoWaysFromOnePort",
     "ports: {a: {device: net_null0}, b: {device: net_null1}, c: {device: net_null2}}\n"
     "forwarding: {mode: cross_connect, pairs: [[a, b], {from: a, to: c}]}\n",
     machine({vdev("net_null0", "net_null"), vdev("net_null1", "net_null"), vdev("net_null2", "net_null")}),
     "packets from 'a' already go to 'b'", ExitStatus::kConfigInvalid},
    {"UnusedPort",
     "ports: {a: {device: net_null0}, b: {device: net_null1}, c: {device: net_null2}}\n"
     "forwarding: {mode: cross_connect, pairs: [[a, b]]}\n",
     machine({}), "ports.c: is not used by forwarding", ExitStatus::kConfigInvalid},
    {"PollsASender",
     "ports: {a: {device: net_null0}, b: {device: net_null1}}\n"
     "forwarding: {mode: cross_connect, pairs: [{from: a, to: b}]}\nlcores: {1: {rx: [a.0, b.0]}}\n",
     machine({}), "polls 'b', which only sends", ExitStatus::kConfigInvalid},
    {"DeviceNotThere", two_nics(), machine({nic("0000:03:00.0")}),
     "f:3:18: ports.west.device: '0000:03:00.1' is not in the inventory", ExitStatus::kResourceMissing},
    {"DeviceWithoutQueues", two_nics(), no_tx_queues(), "'0000:03:00.0' has no queues", ExitStatus::kResourceMissing},
    {"NetRingHasNoReaderForMoreTxQueues",
     "ports: {a: {device: \"0000:03:00.0\", rx_queues: 2}, b: {device: net_ring0}}\n"
     "forwarding: {mode: cross_connect, pairs: [{from: a, to: b}]}\nlcores: {1: {rx: [a.0]}, 2: {rx: [a.1]}}\n",
     machine({nic("0000:03:00.0"), ring_of_sixteen()}), "ports.b.tx_queues: is 2; net_ring has 1 here",
     ExitStatus::kResourceMissing},
    {"NetNullFramesBeyondMbuf",
     "ports: {a: {device: \"net_null0,size=9000\"}}\nforwarding: {mode: reflect, ports: [a]}\n",
     machine({vdev("net_null0", "net_null")}), "net_null's frames on port 'a' have 9000 bytes",
     ExitStatus::kConfigInvalid},
    {"LoopedCaptureWithoutFrames",
     "ports: {a: {device: \"net_pcap0,rx_pcap=x,infinite_rx=1\"}}\nforwarding: {mode: reflect, ports: [a]}\n",
     machine({vdev("net_pcap0", "net_pcap")}), "loops a capture without frames", ExitStatus::kResourceMissing},
    {"NoSuchSocket", two_nics(", socket: 3"), two_nic_machine(),
     "ports.east.socket: is 3, and this machine has no such", ExitStatus::kResourceMissing},
    {"HugepagesInUseStayReserved", two_nics(), hugepages_in_use(),
     "echo 1046 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
     ExitStatus::kResourceMissing},
    {"TooFewHugepages", two_nics(), no_hugepages(),
     "expected: echo 22 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
     ExitStatus::kResourceMissing},
};

INSTANTIATE_TEST_SUITE_P(MakePlan, Refusals, testing::ValuesIn(kRefusals),
                         [](const testing::TestParamInfo<Refusal>& param) { return param.param.name; });

TEST(MakePlan, PlacesSendersOfNetRingWhereTheyAreRead) {
  const Planning planning = plan_text(
      "ports: {a: {device: \"0000:03:00.0\", rx_queues: 3}, b: {device: net_ring0}}\n"
      "forwarding: {mode: cross_connect, pairs: [{from: a, to: b}]}\n",
      machine({nic("0000:03:00.0"), ring_of_sixteen()}));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_EQ(planning.plan.ports[1].tx_queues, 1U);
  EXPECT_EQ(planning.plan.lcores.size(), 1U);
}

TEST(MakePlan, SumsOrdinaryMemoryOverSockets) {
  Inventory inventory = two_nic_machine(4, 2);
  inventory.no_huge = true;
  inventory.memory_mib = 50;  // enough for either socket's pool, not for both
  EXPECT_NE(plan_text(two_nics(), inventory).problems.text("f").find("eal.memory: is 50 MiB"), std::string::npos);
}

TEST(MakePlan, WarnsOfIdleLcores) {
  const Planning planning = plan_text(two_nics(), two_nic_machine(6));
  EXPECT_FALSE(planning.problems.failed());
  EXPECT_NE(planning.problems.text("f").find("warning: ports.east.rx_queues: is 1, so one lcore takes all its packets "
                                             "while lcores 3, 4 and 5 have nothing to do; the device has up to 8"),
            std::string::npos)
      << planning.problems.text("f");
}

TEST(MakePlan, WarnsOfSiblingsAndSharedCpus) {
  const std::string text = two_nics("", "lcores: {1: {rx: [east.0]}, 2: {rx: [west.0]}}\n");
  Inventory siblings = two_nic_machine();
  siblings.lcores[2].core = siblings.lcores[1].core;
  EXPECT_NE(plan_text(text, siblings).problems.text("f").find("lcores 1 and 2 are hyper-thread siblings"),
            std::string::npos);
  Inventory shared = two_nic_machine();
  shared.lcores[2].cpus = shared.lcores[1].cpus;
  EXPECT_NE(plan_text(text, shared).problems.text("f").find("lcores 1 and 2 share CPU 1"), std::string::npos);
  EXPECT_EQ(plan_text(text, two_nic_machine()).problems.text("f"), "");
}

TEST(MakePlan, WarnsOfMissingRss) {
  Inventory inventory = two_nic_machine(3);
  inventory.devices[0].rss_types = 0;
  EXPECT_NE(plan_text(two_nics(", rx_queues: 2"), inventory).problems.text("f").find("has no RSS"), std::string::npos);
}

TEST(MakePlan, OneMistakeOverManyQueuesIsOneProblem) {
  std::string lcores = "lcores:\n";
  for (unsigned id = 1; id < 100; ++id) {
    lcores += "  " + std::to_string(id) + ": {rx: [east.*, west.*]}\n";
  }
  const Planning planning = plan_text(two_nics(", rx_queues: 1024", lcores), two_nic_machine());
  EXPECT_LT(planning.problems.problems().size(), 400U);  // not one for each of 200,000 queues
  const std::string text = planning.problems.text("f");
  EXPECT_NE(text.find("more\n"), std::string::npos);
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 101);
}

TEST(MakePlan, TellsAllProblemsAtOnce) {
  const Planning planning =
      plan_text(two_nics(", rx_queues: 9, mtu: 9300", "lcores: {9: {rx: [east.*, west.*]}}\n"), two_nic_machine());
  EXPECT_EQ(planning.problems.problems().size(), 5U) << planning.problems.text("f");
}

}  // namespace
}  // namespace ringway
