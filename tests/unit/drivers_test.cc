#include "plan/drivers.h"

#include <gtest/gtest.h>

#include "core/text.h"
#include "plan/eal_args.h"

namespace ringway {
namespace {

DeviceFacts with_driver(const char* driver) {
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
  for (const char* device :
       {"0000:03:00.0", "net_ring0", "net_null0", "net_null0,copy=0", "net_memif0,zero-copy=yes"}) {
    EXPECT_EQ(
        driver_copies(is_pci(device) ? "net_e1000_em" : device_name(device).substr(0, device_name(device).size() - 1),
                      device),
        0U)
        << device;
  }
  for (const char* device :
       {"net_null0,copy=1", "net_memif0", "net_memif0,zero-copy=no", "net_tap0", "net_tun0", "net_pcap0,rx_pcap=a",
        "net_af_packet0,iface=a", "net_af_xdp0,iface=a", "net_vhost0", "net_virtio_user0", "net_unheard_of0"}) {
    const std::string name = device_name(device);
    EXPECT_EQ(driver_copies(name.substr(0, name.size() - 1), device), 1U) << device;
  }
}

}  // namespace
}  // namespace ringway
