#include <gtest/gtest.h>

#include "config/device.h"
#include "config/replay.h"
#include "inventory_fixtures.h"
#include "plan/drivers.h"
#include "plan/explain.h"
#include "refusals.h"

namespace ringway {
namespace {

/// `in` replays a capture into `out`, a device of these facts.
std::string into(const std::string& device, const std::string& devargs = "", const std::string& more = "") {
  return "ports: {in: {device: \"replay,file=a.pcap" + devargs + "\"}, out: {device: \"" + device +
         "\"}}\nforwarding: {mode: cross_connect, pairs: [{from: in, to: out}]}\n" + more;
}

std::string reflecting(const std::string& devargs = "") {
  return "ports: {in: {device: \"replay,file=a.pcap" + devargs + "\"}}\nforwarding: {mode: reflect, ports: [in]}\n";
}

Inventory with(const DeviceFacts& out) {
  return machine({out});
}

TEST(ReplayDevice, ReadsItsDevargs) {
  EXPECT_EQ(replay_of("replay,file=a.pcap"), (Replay{.file = "a.pcap"}));
  EXPECT_EQ(replay_of("replay,file=/x/y.pcapng,speed=0.5,loop=3"), (Replay{"/x/y.pcapng", 0.5, 0, 3}));
  EXPECT_EQ(replay_of("replay,loop=forever,rate=max,file=a"), (Replay{"a", 0, 0, 0}));
  EXPECT_EQ(replay_of("replay,file=a,rate=1.5Mpps"), (Replay{"a", 0, 1.5e6, 1}));
}

TEST(ReplayDevice, TellsWhatIsWrong) {
  for (const auto& [devargs, fault] : std::vector<std::pair<std::string, std::string>>{
           {"", "names no capture; expected replay,file=PATH"},
           {",file=", "names no capture; expected replay,file=PATH"},
           {",speed=2", "names no capture; expected replay,file=PATH"},
           {",file=a,file=b", "has file twice; expected it once"},
           {",file=a,speed=0", "has speed=0; expected times the capture's own pace"},
           {",file=a,speed=fast", "has speed=fast; expected"},
           {",file=a,speed=1e3", "has speed=1e3; expected"},
           {",file=a,rate=10", "has rate=10; expected max, or packets a second such as 500kpps or 1.5Mpps"},
           {",file=a,rate=40%", "has rate=40%; expected max, or packets a second"},
           {",file=a,rate=0pps", "has rate=0pps; expected max, or packets a second"},
           {",file=a,loop=0", "has loop=0; expected how often it is played, 1 to 1000000000000, or forever"},
           {",file=a,loop=", "has loop=; expected how often"},
           {",file=a,loop=01", "has loop=01; expected how often"},
           {",file=a,speed=1,rate=max", "has both speed and rate; expected one of them"}}) {
    EXPECT_TRUE(replay_fault("replay" + devargs).starts_with(fault))
        << devargs << ": " << replay_fault("replay" + devargs);
  }
}

TEST(PlanReplay, HasMbufsWithoutRoomAndNothingToLimit) {
  const Planning planning = plan_text(into("net_pcap0,tx_pcap=x", ",speed=2"), with(vdev("net_pcap0", "net_pcap")));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  const PortPlan& in = planning.plan.ports[0];
  EXPECT_EQ(in.replay, (Replay{"a.pcap", 2, 0, 1}));
  EXPECT_TRUE(in.lab);
  EXPECT_EQ(planning.plan.pools.at(in.pool).data_room, 0U);
  EXPECT_EQ(planning.plan.pools.at(planning.plan.ports[1].pool).data_room, 2048U);
  const LegPlan& leg = planning.plan.lcores.at(0).legs.at(0);
  EXPECT_EQ(leg.limit, std::nullopt) << "what the port's MTU does not allow is left out at the source";
  EXPECT_EQ(leg.own_headers, std::nullopt) << "nobody writes";
  EXPECT_EQ(planning.plan.lcores.at(1).generate, (std::vector<std::size_t>{0}));
  EXPECT_EQ(planning.plan.traffic, std::nullopt);
}

TEST(PlanReplay, LongFramesAreOneSegment) {
  std::string text = into("net_pcap0,tx_pcap=x");
  text.replace(text.find("\"}"), 2, "\", mtu: 65513}");
  text.replace(text.find("=x\"}"), 4, "=x\", mtu: 65513}");
  const Planning planning = plan_text(text, with(vdev("net_pcap0", "net_pcap")));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_EQ(planning.plan.lcores.at(0).legs.at(0).limit, std::nullopt) << "net_pcap cuts chains only";
}

TEST(PlanReplay, WhoWritesOwnsTheHeaders) {
  const Planning planning = plan_text(reflecting(), machine({}));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  const LegPlan& leg = planning.plan.lcores.at(0).legs.at(0);
  ASSERT_TRUE(leg.own_headers);
  EXPECT_EQ(planning.plan.pools.at(*leg.own_headers).data_room, 2048U);
  EXPECT_NE(explain({}, planning)
                .find("in.0 -> drop frames outside 14 to 1522 bytes -> own headers where data is shared "
                      "-> swap MACs"),
            std::string::npos)
      << explain({}, planning);
  const Planning plain = plan_text("ports: {a: {device: lab}}\nforwarding: {mode: reflect, ports: [a]}\n", machine({}));
  EXPECT_EQ(plain.plan.lcores.at(0).legs.at(0).own_headers, std::nullopt) << "no cost where nobody shares";
}

TEST(PlanReplay, WorkersOwnTheHeadersBehindARing) {
  const Planning planning = plan_text(
      reflecting() + "lcores: {1: {rx: [in.0]}, 2: {work: true}, 3: {generate: [in], check: [in]}}\n", machine({}));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  EXPECT_EQ(planning.plan.lcores.at(0).legs.at(0).own_headers, std::nullopt);
  EXPECT_TRUE(planning.plan.lcores.at(1).legs.at(0).own_headers);
}

// net_ring gives back what is sent into it, so its packets are a replay's, too.
TEST(PlanReplay, SharedDataStaysSharedBehindNetRing) {
  const std::string text =
      "ports: {in: {device: \"replay,file=a\"}, ring: {device: net_ring0}, nic: {device: \"0000:03:00.0\"}}\n"
      "forwarding: {mode: cross_connect, pairs: [{from: in, to: ring}, {from: ring, to: nic}]}\n";
  const Planning planning = plan_text(text, machine({vdev("net_ring0", "net_ring"), nic("0000:03:00.0")}));
  EXPECT_NE(planning.problems.text("").find("ports.nic: cannot send what port 'ring' replays"), std::string::npos)
      << planning.problems.text("");
}

TEST(PlanReplay, KnowsWhichDriversOnlyRead) {
  const auto fault = [](const std::string& device) {
    DeviceFacts facts = vdev(device, std::string(vdev_driver(device)));
    return external_data_fault(device, facts);
  };
  for (const char* device :
       {"net_null0", "net_ring0", "net_pcap0,tx_pcap=x", "net_af_packet0,iface=x", "net_af_xdp0,iface=x", "net_tap0",
        "net_memif0", "net_memif0,role=server,zero-copy=yes", "net_vhost0,iface=x", "replay,file=x"}) {
    EXPECT_EQ(fault(device), "") << device;
  }
  for (const char* device :
       {"0000:03:00.0", "net_null0,copy=1", "net_memif0,zero-copy=yes", "net_virtio_user0,path=/x", "net_failsafe0"}) {
    EXPECT_NE(fault(device), "") << device;
  }
  EXPECT_EQ(external_data_fault("lab", lab_facts()), "");
}

DeviceFacts bonded(const char* second) {
  DeviceFacts bond = vdev("net_bonding0", "net_bonding");
  bond.members = {vdev("net_af_packet0,iface=x", "net_af_packet"), nic(second)};
  return bond;
}

TEST(PlanReplay, ABondOnlyReadsWhenAllMembersDo) {
  const DeviceFacts bond = bonded("0000:03:00.0");
  std::string said;
  for (const Part& part : parts_of("net_bonding0", bond)) {
    said += external_data_fault(part.device, part.facts);
  }
  EXPECT_NE(said, "");
}

TEST(PlanReplay, NoFastFreeForDataThatIsNoPools) {
  DeviceFacts fast = vdev("net_null0", "net_null");
  fast.fast_free = true;
  EXPECT_FALSE(plan_text(into("net_null0"), with(fast)).plan.ports.at(1).fast_free);
  const std::string plain = "ports: {a: {device: net_null0}}\nforwarding: {mode: reflect, ports: [a]}\n";
  EXPECT_TRUE(plan_text(plain, with(fast)).plan.ports.at(0).fast_free);
}

class PlanReplayRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(PlanReplayRefuses, InWords) {
  expect_refused(GetParam());
}

const Refusal kRefusals[] = {
    {"Nic", into("0000:03:00.0"), with(nic("0000:03:00.0")),
     "ports.out: cannot send what port 'in' replays, straight out of a mapped file: the NIC reads by DMA, and only "
     "memory "
     "that is mapped for that; expected another output, or net_pcap0,rx_pcap=PATH as the source",
     ExitStatus::kConfigInvalid},
    {"VirtioUser", into("net_virtio_user0,path=/x"), with(vdev("net_virtio_user0", "net_virtio_user")),
     "its peer sees DPDK's memory only", ExitStatus::kConfigInvalid},
    {"UnknownDevarg", into("net_null0", ",sped=2"), with(vdev("net_null0", "net_null")),
     "ports.in.device: replay takes no 'sped'; did you mean 'speed'?", ExitStatus::kConfigInvalid},
    {"Queues", "ports: {in: {device: \"replay,file=a\", rx_queues: 2}}\nforwarding: {mode: reflect, ports: [in]}\n",
     machine({}), "ports.in.rx_queues: is 2, and replay has 1 here", ExitStatus::kResourceMissing},
    {"OnlyAnOutput",
     "ports: {in: {device: net_null0}, out: {device: \"replay,file=a\"}}\n"
     "forwarding: {mode: cross_connect, pairs: [{from: in, to: out}]}\n",
     with(vdev("net_null0", "net_null")), "ports.out: replays nothing, since no way begins there",
     ExitStatus::kConfigInvalid},
    {"TrafficWithoutLab", into("net_null0", "", "traffic: {rate: max}\n"), with(vdev("net_null0", "net_null")),
     "traffic: no port is a lab port", ExitStatus::kConfigInvalid},
    {"Member",
     "ports: {a: {device: \"net_bonding0,mode=1\", members: [\"replay,file=a\"]}}\n"
     "forwarding: {mode: reflect, ports: [a]}\n",
     machine({}), "ports.a.members[0]: cannot be a member", ExitStatus::kConfigInvalid},
};

INSTANTIATE_TEST_SUITE_P(Config, PlanReplayRefuses, testing::ValuesIn(kRefusals),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace ringway
