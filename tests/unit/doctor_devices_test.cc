#include <gtest/gtest.h>

#include "doctor/diagnose.h"
#include "doctor_fixtures.h"

namespace ringway {
namespace {

TEST(DoctorDevices, NicThatIsNotThere) {
  MachineFacts machine = good_machine();
  machine.pci[1] = nic_on("0000:03:00.4", "ixgbe", "13");
  machine.pci.push_back(nic_on("0000:81:00.0", "", "14"));
  machine.pci.push_back(nic_on("0000:82:00.0", "", "15"));
  machine.pci.push_back(device_on("0000:03:00.2", 0x0100, "nvme", ""));
  expect_only(examined(machine, on_device("0000:03:00.3")), "nic_absent", kMissing, {"NIC 0000:03:00.3"},
              "ports.a.device: 0000:03:00.4 (ixgbe), 0000:03:00.0 (vfio-pci) or 0000:81:00.0 (no driver)");
  machine.pci.clear();
  expect_only(examined(machine, on_device("0000:03:00.3")), "nic_absent", kMissing, {"no PCI device"}, "no PCI NIC");
}

TEST(DoctorDevices, IommuIsOff) {
  MachineFacts machine = good_machine();
  machine.iommu = false;
  for (PciFacts& nic : machine.pci) {
    nic.iommu_group.clear();
  }
  expect_only(examined(machine, two_nics()), "iommu", kMissing, {"off"}, "intel_iommu=on");
  EXPECT_EQ(ids(examined(machine, kNulls)), "");
  machine.amd = true;
  expect_only(examined(machine, two_nics()), "iommu", kMissing, {"off"}, "amd_iommu=on");
  machine.vfio_without_iommu = true;
  EXPECT_EQ(ids(examined(machine, two_nics())), "iommu?");
  machine.pci[0].driver = machine.pci[1].driver = "igb_uio";
  EXPECT_EQ(ids(examined(machine, two_nics())), "");
}

TEST(DoctorDevices, NicOnItsKernelDriver) {
  MachineFacts machine = good_machine();
  machine.pci[0] = nic_on("0000:03:00.0", "ixgbe", "12");
  machine.pci[0].interfaces = {"enp3s0"};
  machine.interfaces.push_back({.name = "enp3s0", .mtu = 1500, .up = true, .routed = false, .default_route = false});
  expect_only(examined(machine, two_nics()), "nic_driver", kMissing, {"NIC 0000:03:00.0", "ixgbe", "interface enp3s0"},
              "dpdk-devbind.py --bind=vfio-pci 0000:03:00.0");
  EXPECT_EQ(to_text(examined(machine, two_nics())).find("WARNING"), std::string::npos);
  machine.interfaces.back().routed = machine.interfaces.back().default_route = true;
  expect_only(examined(machine, two_nics()), "nic_driver", kMissing,
              {"WARNING: enp3s0 has the default route", "cuts off"},
              "dpdk-devbind.py --bind=vfio-pci 0000:03:00.0   # refuses while enp3s0 has a route");
  machine.pci[0].driver = "mlx5_core";  // works beside the kernel
  EXPECT_EQ(ids(examined(machine, two_nics())), "");
}

TEST(DoctorDevices, VfioModuleIsNotLoaded) {
  MachineFacts machine = good_machine();
  machine.vfio_pci = false;
  machine.pci[0].driver = machine.pci[1].driver = "";
  const std::vector<Finding> findings = examined(machine, two_nics());
  ASSERT_EQ(ids(findings), "vfio_module nic_driver nic_driver");
  EXPECT_EQ(findings[0].fix, "modprobe vfio-pci");
  expect_words(findings[1].cause, {"no driver has it"});
}

TEST(DoctorDevices, IommuGroupIsShared) {
  MachineFacts machine = good_machine();
  machine.pci.push_back(device_on("0000:03:00.2", 0x0c03, "xhci_hcd", "12"));
  machine.pci.push_back(device_on("0000:03:00.3", 0x0604, "pcieport", "12"));
  machine.pci.push_back(device_on("0000:03:00.4", 0x0200, "", "12"));
  machine.pci.push_back(device_on("0000:04:00.0", 0x0200, "ixgbe", "14"));
  expect_only(examined(machine, two_nics()), "iommu_group", kMissing,
              {"NIC 0000:03:00.0", "group 12", "with 0000:03:00.2 (xhci_hcd),"},
              "dpdk-devbind.py --bind=vfio-pci 0000:03:00.2");
}

TEST(DoctorDevices, VfioFilesAreNotForThisUser) {
  MachineFacts machine = good_machine();
  machine.process.uid = 1000;
  machine.pci[1].vfio = Access::kDenied;
  expect_only(examined(machine, two_nics()), "vfio_access", kDenied, {"user 1000", "/dev/vfio/13"},
              "chown 1000 /dev/vfio/13");
  machine.pci[1].vfio = Access::kMissing;
  machine.process.container = true;
  expect_only(examined(machine, two_nics()), "vfio_access", kMissing, {"not visible"},
              "--device /dev/vfio/vfio --device /dev/vfio/13");
}

TEST(DoctorDevices, InterfaceIsMissingOrDown) {
  expect_only(examined(good_machine(), on_device("net_af_packet0,iface=vth0")), "interface", kMissing,
              {"ports.a.device", "'vth0'", "did you mean 'veth0'?", "there are lo and veth0"}, "ip link add vth0 ");
  EXPECT_EQ(ids(examined(good_machine(), on_device("net_pcap0,rx_iface_in=none,tx_iface=none"))), "interface");
  MachineFacts machine = good_machine();
  machine.interfaces[1].up = false;
  expect_only(examined(machine, on_device("net_af_packet0,iface=veth0")), "interface_down?", ExitStatus::kClean,
              {"veth0 is down"}, "ip link set veth0 up");
}

TEST(DoctorDevices, Capabilities) {
  MachineFacts machine = good_machine();
  machine.process.capabilities = 0;
  machine.process.uid = 1000;
  EXPECT_EQ(ids(examined(machine, kNulls)), "");
  expect_only(examined(machine, on_device("net_af_packet0,iface=veth0")), "capabilities", kDenied,
              {"user 1000 lacks cap_net_admin and cap_net_raw"},
              "setcap cap_net_admin,cap_net_raw=ep /usr/bin/ringway");
  expect_only(examined(machine, on_device("net_af_xdp0,iface=veth0")), "capabilities", kDenied,
              {"cap_net_admin, cap_net_raw, cap_ipc_lock and cap_sys_admin"}, "setcap ");
  expect_only(examined(machine, on_device("net_tap0")), "capabilities", kDenied, {"lacks cap_net_admin,"},
              "setcap cap_net_admin=ep");
  EXPECT_EQ(ids(examined(machine, on_device("net_pcap0,rx_pcap=f,tx_pcap=g"))), "");
  machine.process.capabilities = 1U << 12U | 1U << 13U;
  EXPECT_EQ(ids(examined(machine, on_device("net_af_packet0,iface=veth0"))), "");
}

TEST(DoctorDevices, TunDevice) {
  MachineFacts machine = good_machine();
  machine.tun = Access::kMissing;
  expect_only(examined(machine, on_device("net_tap0")), "tun", kMissing, {"/dev/net/tun"}, "modprobe tun");
  EXPECT_EQ(ids(examined(machine, kNulls)), "");
  machine.tun = Access::kDenied;
  expect_only(examined(machine, on_device("net_tap0")), "tun", kDenied, {"may not"}, "chmod 666 /dev/net/tun");
}

TEST(DoctorDevices, LockedMemory) {
  MachineFacts machine = good_machine();
  machine.process.memlock_bytes = 8 << 20;
  EXPECT_EQ(ids(examined(machine, two_nics())), "") << "CAP_IPC_LOCK knows no limit";
  machine.process.capabilities = 0;
  machine.process.uid = 1000;
  expect_only(examined(machine, two_nics()), "memlock", kDenied, {"user 1000", "8 MiB", "ulimit -l"},
              "prlimit --pid $$ --memlock=unlimited");
  EXPECT_EQ(ids(examined(machine, kNulls)), "");
  machine.process.memlock_bytes = kNoLimit;
  EXPECT_EQ(ids(examined(machine, two_nics())), "");
}

}  // namespace
}  // namespace ringway
