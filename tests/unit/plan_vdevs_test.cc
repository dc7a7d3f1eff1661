#include <gtest/gtest.h>

#include "inventory_fixtures.h"
#include "plan/make_plan.h"
#include "refusals.h"

namespace ringway {
namespace {

Inventory vdevs(std::initializer_list<DeviceFacts> devices) {
  return machine(devices);
}

Inventory bond_machine(unsigned second_mtu) {
  DeviceFacts one = vdev("net_af_packet0", "net_af_packet");
  DeviceFacts two = vdev("net_af_packet1", "net_af_packet");
  one.interface = "veth0";
  two.interface = "veth1";
  two.mtu = second_mtu;
  return vdevs({vdev("net_bonding0", "net_bonding"), one, two});
}

std::string one_port(const std::string& device, const std::string& keys = "") {
  return "ports: {a: {device: \"" + device + "\"" + keys + "}}\nforwarding: {mode: reflect, ports: [a]}\n";
}

std::string one_bond(const std::string& members) {
  return one_port("net_bonding0,mode=1", ", members: [" + members + "]");
}

TEST(PlanVdevs, BondAnswersForItsMembers) {
  const Planning planning =
      plan_text(one_bond("\"net_af_packet0,iface=veth0\", \"net_af_packet1,iface=veth1\""), bond_machine(1500));
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f");
  const PortPlan& port = planning.plan.ports.at(0);
  EXPECT_EQ(port.members.size(), 2U);
  EXPECT_EQ(port.mtu_owner, MtuOwner::kDriver);  // it hands its MTU on to them
  EXPECT_EQ(planning.plan.lcores.at(0).legs.at(0).limit, (FrameRange{14, 1518}));
  // Two members of 512 and 512 descriptors each, 2 lcores x 384 of cache, a burst of 32: 2848.
  EXPECT_EQ(planning.plan.pools.at(0).size, 4095U);
}

class PlanVdevsRefuse : public testing::TestWithParam<Refusal> {};

TEST_P(PlanVdevsRefuse, InWords) {
  expect_refused(GetParam());
}

const Refusal kRefusals[] = {
    {"UnknownDevarg", one_port("net_tap0,ifcae=x"), vdevs({vdev("net_tap0", "net_tap")}),
     "ports.a.device: net_tap takes no 'ifcae'; did you mean 'iface'?", ExitStatus::kConfigInvalid},
    {"BondByDevargs", one_port("net_bonding0,mode=1,slave=net_tap0"), bond_machine(1500),
     "ports.a.device: names members by slave; expected members: [DEVICE, ...] beside device",
     ExitStatus::kConfigInvalid},
    {"BondWithoutMembers", one_port("net_bonding0,mode=1"), bond_machine(1500),
     "ports.a: joins no devices; expected members: [DEVICE, ...] beside device", ExitStatus::kConfigInvalid},
    {"MembersOfNoBond", one_port("net_tap0", ", members: [net_tap1]"), vdevs({vdev("net_tap0", "net_tap")}),
     "ports.a.members: belongs to a net_bonding device", ExitStatus::kConfigInvalid},
    {"BondOfBonds", one_bond("net_bonding1"), bond_machine(1500),
     "ports.a.members[0]: cannot be a member; expected a PCI address or a vdev that is no bond",
     ExitStatus::kConfigInvalid},
    {"MemberTwice", one_bond("\"net_af_packet0,iface=veth0\", \"net_af_packet0,iface=veth0\""), bond_machine(1500),
     "ports.a.members[1]: is the same device as port 'a' on line 1", ExitStatus::kConfigInvalid},
    {"MemberThatCannotTakeTheMac", one_bond("\"net_vhost0,iface=/s\""),
     vdevs({vdev("net_bonding0", "net_bonding"), vdev("net_vhost0", "net_vhost")}),
     "ports.a.members[0]: net_vhost cannot take the bond's MAC address (22.11)", ExitStatus::kResourceMissing},
    {"MemberNotThere", one_bond("net_tap7"), bond_machine(1500),
     "ports.a.members[0]: 'net_tap7' is not in the inventory", ExitStatus::kResourceMissing},
    {"MembersOfTwoMtus", one_bond("\"net_af_packet0,iface=veth0\", \"net_af_packet1,iface=veth1\""), bond_machine(1400),
     "ports.a.mtu: is 1500, but interface veth1 has 1400; expected the same: ip link set veth1 mtu 1500",
     ExitStatus::kResourceMissing},
    {"MtuBeyondMemifBuffer", one_port("net_memif0,role=server", ", mtu: 9000"),
     vdevs({vdev("net_memif0", "net_memif")}),
     "ports.a.mtu: of 9000 makes frames of 9022 bytes, and net_memif mixes up those of more than 2048 (22.11); "
     "expected the device with bsize=9022, and its client, whose buffers they are, likewise",
     ExitStatus::kConfigInvalid},
    {"FewerQueuesThanTheKernelFills", one_port("net_af_packet0,iface=veth0,qpairs=2"),
     [] {
       DeviceFacts port = vdev("net_af_packet0", "net_af_packet");
       port.max_rx_queues = port.max_tx_queues = 2;
       return vdevs({port});
     }(),
     "ports.a.rx_queues: is 1, and the kernel spreads what comes in over 2 (qpairs), polled or not; expected as many",
     ExitStatus::kConfigInvalid},
    {"MoreQueuesThanTheDevargGives", one_port("net_vhost0,iface=/s", ", rx_queues: 2"),
     vdevs({vdev("net_vhost0", "net_vhost")}),
     "ports.a.rx_queues: is 2, and net_vhost has 1 here; expected no more than that, or the device with queues=2",
     ExitStatus::kResourceMissing},
    {"TapQueuesNotInPairs", one_port("net_tap0", ", rx_queues: 2, tx_queues: 1"),
     [] {
       DeviceFacts port = vdev("net_tap0", "net_tap");
       port.max_rx_queues = port.max_tx_queues = 16;
       return vdevs({port});
     }(),
     "ports.a.tx_queues: is 1, and net_tap takes as many as RX queues only; expected 2", ExitStatus::kResourceMissing},
};

INSTANTIATE_TEST_SUITE_P(PlanVdevs, PlanVdevsRefuse, testing::ValuesIn(kRefusals),
                         [](const testing::TestParamInfo<Refusal>& param) { return param.param.name; });

}  // namespace
}  // namespace ringway
