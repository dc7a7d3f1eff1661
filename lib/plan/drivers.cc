#include "plan/drivers.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "plan/eal_args.h"

namespace ringway {
namespace {

constexpr unsigned kAnyLength = 0xffffffff;
constexpr unsigned kEthernetHeader = 14;

// net_pcap writes a chain through a buffer of this size and cuts the rest (22.11: RTE_ETH_PCAP_SNAPLEN).
constexpr unsigned kPcapLongestChain = 16128;

// Shortest frame that Intel's drivers hand to the NIC (i40e, ice: TX_MIN_PKT_LEN); shorter ones can stop the queue.
constexpr unsigned kNicShortestFrame = 17;

// af_packet: default slot size, and what TPACKET_V2 puts in front of the frame: 66 bytes when the kernel fills a slot
// (80-byte aligned network offset less the Ethernet header), 32 bytes when the driver counts.
constexpr unsigned kAfPacketFrameSize = 2048;
constexpr unsigned kAfPacketRxOverhead = 66;
constexpr unsigned kAfPacketDriverOverhead = 32;

// Sizes that drivers use whatever descriptors are asked for: net_ring's rings, af_xdp's fill ring.
constexpr unsigned kNetRingSize = 1024;
constexpr unsigned kAfXdpFillRing = 2048;

// As drivers read numbers: any base.
unsigned number(const std::string& text, unsigned otherwise) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text.c_str(), &end, 0);
  return !text.empty() && *end == '\0' ? static_cast<unsigned>(value) : otherwise;
}

bool on_kernel_interface(std::string_view driver) {
  return driver == "net_af_packet" || driver == "net_af_xdp";
}

bool pcap_on_interface(const std::string& device) {
  return !devarg(device, "iface").empty() || !devarg(device, "tx_iface").empty();
}

}  // namespace

std::string devarg(std::string_view device, std::string_view key) {
  std::size_t at = device.find(',');
  while (at != std::string_view::npos) {
    const std::size_t end = device.find(',', at + 1);
    const std::string_view pair = device.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
    if (pair.size() > key.size() && pair.substr(0, key.size()) == key && pair[key.size()] == '=') {
      return std::string(pair.substr(key.size() + 1));
    }
    at = end;
  }
  return {};
}

bool loops_capture(std::string_view device) {
  return number(devarg(device, "infinite_rx"), 0) != 0;
}

DriverTraits traits_of(std::string_view driver) {
  DriverTraits traits;
  if (driver == "net_null" || driver == "net_ring") {
    traits.mtu_owner = MtuOwner::kRingway;
    traits.passes_pointers = true;
    traits.sends_chains = true;
    traits.drain_at_stop = driver == "net_ring";
  } else if (driver == kLabDriver) {
    traits.mtu_owner = MtuOwner::kRingway;
    traits.sends_chains = true;
    traits.makes_chains = true;
    traits.powers_of_two = true;
    traits.drain_at_stop = true;
  } else if (driver == "net_pcap") {
    traits.mtu_owner = MtuOwner::kRingway;
    traits.sends_chains = true;
    traits.makes_chains = true;
  } else if (on_kernel_interface(driver)) {
    traits.mtu_owner = MtuOwner::kKernel;
    traits.powers_of_two = driver == "net_af_xdp";
  } else if (driver == "net_memif") {
    traits.mtu_owner = MtuOwner::kRingway;
    traits.makes_chains = true;
  }
  return traits;
}

unsigned driver_copies(std::string_view driver, const std::string& device) {
  if (driver == "net_null") {
    return number(devarg(device, "copy"), 0) != 0 ? 1 : 0;
  }
  if (driver == "net_memif") {
    return devarg(device, "zero-copy") == "yes" ? 0 : 1;
  }
  const bool passes_on = is_pci(device) || driver == "net_ring" || driver == kLabDriver || driver == "net_bonding";
  return passes_on ? 0 : 1;
}

const DeviceFacts& lab_facts() {
  static const DeviceFacts kFacts = [] {
    DeviceFacts facts;
    facts.device = std::string(kLabDevice);
    facts.driver = std::string(kLabDriver);
    facts.max_rx_queues = facts.max_tx_queues = 16;  // net_ring's most (RTE_PMD_RING_MAX_RX_RINGS)
    facts.min_rx_descriptors = facts.min_tx_descriptors = 2;
    facts.max_rx_descriptors = facts.max_tx_descriptors = 32768;
    facts.max_mtu = 9600;
    return facts;
  }();
  return kFacts;
}

FrameRange received_frames(const std::string& device, const DeviceFacts& facts, unsigned mtu) {
  const std::string& driver = facts.driver;
  if (driver == "net_null") {
    const unsigned size = number(devarg(device, "size"), 64);
    return {size, size};
  }
  if (driver == "net_ring" || driver == kLabDriver) {
    return {0, kAnyLength};
  }
  if (driver == "net_af_packet") {
    return {kEthernetHeader, af_packet_frame_bytes(device)};
  }
  if (driver == "net_pcap" || driver == "net_memif" || driver == "net_vhost" || driver == "net_tap" ||
      driver.starts_with("net_virtio") || driver == "net_af_xdp") {
    return {0, 65535};
  }
  return {60, longest_frame(mtu)};  // a NIC drops runts and what is longer than it was set to
}

FrameRange accepted_frames(const std::string& device, const DeviceFacts& facts, unsigned mtu, unsigned data_room) {
  const std::string& driver = facts.driver;
  if (traits_of(driver).passes_pointers) {
    return {0, kAnyLength};
  }
  if (driver == "net_pcap" && !pcap_on_interface(device)) {
    // A frame that an mbuf holds comes in one, so only longer ones are chains.
    return {0, std::min(longest_frame(mtu), std::max(data_room, kPcapLongestChain))};
  }
  if (driver == kLabDriver) {
    return {kEthernetHeader, longest_frame(mtu)};
  }
  if (driver == "net_pcap" || driver == "net_tap" || on_kernel_interface(driver)) {
    return {kEthernetHeader, kernel_longest_frame(mtu)};
  }
  if (driver == "net_memif" || driver == "net_vhost" || driver.starts_with("net_virtio")) {
    return {kEthernetHeader, longest_frame(mtu)};
  }
  return {kNicShortestFrame, longest_frame(mtu)};
}

unsigned usable_tx_queues(const DeviceFacts& facts, unsigned rx_queues) {
  return facts.driver == "net_ring" ? std::min(facts.max_tx_queues, rx_queues) : facts.max_tx_queues;
}

unsigned extra_mbufs_per_queue(std::string_view driver) {
  if (driver == "net_ring") {
    return kNetRingSize;
  }
  return mbufs_lost_at_close(driver);
}

unsigned mbufs_lost_at_close(std::string_view driver) {
  return driver == "net_af_xdp" ? kAfXdpFillRing : 0;
}

unsigned af_packet_frame_bytes(std::string_view device) {
  return number(devarg(device, "framesz"), kAfPacketFrameSize) - kAfPacketRxOverhead;
}

std::string af_packet_devargs(unsigned frame_bytes) {
  // The kernel wants a slot to divide a block, and a block to be whole pages.
  const unsigned slot = std::bit_ceil(frame_bytes + kAfPacketRxOverhead);
  const unsigned block = std::max(slot, 4096U);
  return "framesz=" + std::to_string(slot) + ",blocksz=" + std::to_string(block);
}

unsigned af_packet_data_room(std::string_view device) {
  return number(devarg(device, "framesz"), kAfPacketFrameSize) - kAfPacketDriverOverhead;
}

}  // namespace ringway
