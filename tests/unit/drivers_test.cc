#include "plan/drivers.h"

#include <gtest/gtest.h>

#include "config/device.h"

namespace ringway {
namespace {

DeviceFacts with_driver(const std::string& driver) {
  DeviceFacts facts;
  facts.driver = driver;
  return facts;
}

TEST(Drivers, ReadsDevargs) {
  EXPECT_EQ(devarg("net_pcap0,rx_pcap=/a/b.pcap,infinite_rx=1", "rx_pcap"), "/a/b.pcap");
  EXPECT_EQ(devarg("net_pcap0,rx_pcap=/a/b.pcap,infinite_rx=1", "infinite_rx"), "1");
  EXPECT_EQ(devarg("net_pcap0,rx_pcap=/a/b.pcap", "pcap"), "");
  EXPECT_EQ(devarg("net_pcap0", "x"), "");
}

TEST(Drivers, FramesOfEachKind) {
  EXPECT_EQ(received_frames("net_null0,size=128", with_driver("net_null"), 1500), (FrameRange{128, 128}));
  EXPECT_EQ(received_frames("0000:03:00.0", with_driver("net_ixgbe"), 1500), (FrameRange{60, 1522}));
  EXPECT_EQ(accepted_frames("0000:03:00.0", with_driver("net_ixgbe"), 1500, 2048), (FrameRange{17, 1522}));
  EXPECT_EQ(accepted_frames("net_pcap0,tx_pcap=x", with_driver("net_pcap"), 9000, 2048), (FrameRange{0, 9022}));
  EXPECT_EQ(accepted_frames("net_pcap0,tx_pcap=x", with_driver("net_pcap"), 65513, 2048), (FrameRange{0, 16128}));
  EXPECT_EQ(accepted_frames("net_pcap0,tx_pcap=x", with_driver("net_pcap"), 65513, 65407), (FrameRange{0, 65407}));
  EXPECT_EQ(accepted_frames("net_pcap0,iface=x", with_driver("net_pcap"), 1500, 2048), (FrameRange{14, 1518}));
  EXPECT_EQ(accepted_frames("net_tap0", with_driver("net_tap"), 1500, 2048), (FrameRange{14, 1518}));
}

TEST(Drivers, AfPacketSlots) {
  EXPECT_EQ(af_packet_frame_bytes("net_af_packet0,iface=x"), 1982U);
  EXPECT_EQ(af_packet_frame_bytes("net_af_packet0,iface=x,framesz=16384"), 16318U);
  EXPECT_EQ(af_packet_devargs(1983), "framesz=4096,blocksz=4096");
  EXPECT_EQ(af_packet_devargs(9018), "framesz=16384,blocksz=16384");
}

TEST(Drivers, CountAsCopyingUnlessKnownNotTo) {
  for (const char* device : {"0000:03:00.0", "net_ring0", "net_null0", "net_null0,copy=0", "net_memif0,zero-copy=yes",
                             "net_virtio_user0,path=/run/vhost.sock"}) {
    EXPECT_EQ(driver_copies(vdev_driver(device), device), 0U) << device;
  }
  for (const char* device :
       {"net_null0,copy=1", "net_memif0", "net_memif0,zero-copy=no", "net_memif0,role=server,zero-copy=yes", "net_tap0",
        "net_tun0", "net_pcap0,rx_pcap=a", "net_af_packet0,iface=a", "net_af_xdp0,iface=a", "net_vhost0",
        "net_virtio_user0,path=/dev/vhost-net", "net_unheard_of0"}) {
    EXPECT_EQ(driver_copies(vdev_driver(device), device), 1U) << device;
  }
}

DeviceFacts member(const char* device, unsigned mtu, unsigned rx_queues) {
  DeviceFacts facts = with_driver(std::string(vdev_driver(device)));
  facts.device = device;
  facts.mtu = mtu;
  facts.max_rx_queues = rx_queues;
  return facts;
}

TEST(Drivers, BondIsWhatItsMembersHaveInCommon) {
  const DeviceFacts bond = bond_of(with_driver("net_bonding"),
                                   {member("net_tap0,iface=x", 1500, 16), member("net_af_packet0,iface=y", 1500, 1)});
  EXPECT_EQ(bond.max_rx_queues, 1U);
  EXPECT_EQ(bond.mtu, 1500U);
  EXPECT_TRUE(traits_of(bond).pairs_queues);
  EXPECT_EQ(accepted_frames("net_bonding0", bond, 1500, 2048), (FrameRange{14, 1518}));
  EXPECT_EQ(received_frames("net_bonding0", bond, 1500), (FrameRange{0, 65535}));

  PortPlan port;
  port.members = {"net_virtio_user0,path=/x", "net_virtio_user1,path=/y"};
  EXPECT_EQ(driver_copies(port), 0U);
  port.members.emplace_back("net_tap0");
  EXPECT_EQ(driver_copies(port), 1U);
}

TEST(Drivers, MemifRingsAndBuffers) {
  EXPECT_EQ(fixed_descriptors("net_memif0,role=server"), 1024U);
  EXPECT_EQ(fixed_descriptors("net_memif0,rsize=8"), 256U);
  EXPECT_EQ(fixed_descriptors("net_tap0"), 0U);
  EXPECT_EQ(memif_buffer_bytes("net_memif0"), 2048U);
  EXPECT_EQ(memif_buffer_bytes("net_memif0,bsize=9022"), 9022U);
  EXPECT_EQ(memif_buffer_bytes("net_memif0,zero-copy=yes"), 0U);
  EXPECT_EQ(memif_buffer_bytes("net_memif0,role=server,zero-copy=yes"), 2048U);  // the server has no say in it
}

TEST(Drivers, MbufsThatNeverComeBack) {
  const auto lost = [](const char* device) {
    PortPlan port;
    port.device = device;
    port.rx_queues = 2;
    port.tx_queues = 1;
    const LostMbufs mbufs = mbufs_lost_at_close(port);
    return std::pair(mbufs.least, mbufs.most);
  };
  EXPECT_EQ(lost("net_af_xdp0,iface=x"), std::pair(std::uint64_t{4096}, std::uint64_t{4096}));
  EXPECT_EQ(lost("net_memif0,zero-copy=yes"), std::pair(std::uint64_t{0}, std::uint64_t{3072}));
  EXPECT_EQ(lost("net_memif0"), std::pair(std::uint64_t{0}, std::uint64_t{0}));
  EXPECT_EQ(lost("0000:03:00.0"), std::pair(std::uint64_t{0}, std::uint64_t{0}));
}

}  // namespace
}  // namespace ringway
