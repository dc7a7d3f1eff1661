#include "plan/drivers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <utility>

#include "config/device.h"
#include "config/replay.h"
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

// memif: bytes of a buffer, and the binary logarithm of a ring's size.
constexpr unsigned kMemifBuffer = 2048;
constexpr unsigned kMemifRingLog2 = 10;

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

/// As the driver reads it: a server has no say in it.
bool memif_zero_copy(const std::string& device) {
  const std::string role = devarg(device, "role");
  const bool server = role.find("server") != std::string::npos || role.find("master") != std::string::npos;
  return !server && devarg(device, "zero-copy").find("yes") != std::string::npos;
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

bool rewrites_packets(std::string_view device) {
  const std::string mode = devarg(device, "mode");
  return vdev_driver(device) == kBondDriver && (mode == "5" || mode == "6");
}

bool takes_bonds_mac(std::string_view driver) {
  return driver != "net_af_xdp" && driver != "net_memif" && driver != "net_pcap" && driver != "net_vhost" &&
         driver != "net_virtio_user";
}

bool tells_link_loss(std::string_view driver) {
  return driver != "net_af_packet" && driver != "net_tap";
}

bool loops_capture(std::string_view device) {
  return number(devarg(device, "infinite_rx"), 0) != 0;
}

DriverTraits traits_of(const DeviceFacts& facts) {
  const std::string& driver = facts.driver;
  DriverTraits traits;
  if (driver == "net_null" || driver == "net_ring") {
    traits.mtu_owner = MtuOwner::kRingway;
    traits.passes_pointers = true;
    traits.sends_chains = true;
    traits.drain_at_stop = driver == "net_ring";
  } else if (driver == kLabDriver || driver == kReplayDriver) {
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
  } else if (driver == "net_memif" || driver == "net_vhost") {
    traits.mtu_owner = MtuOwner::kRingway;
    traits.makes_chains = true;
  } else if (driver == "net_tap") {
    traits.pairs_queues = true;
  } else if (!facts.members.empty()) {
    traits = traits_of(facts.members.front());
    for (const DeviceFacts& member : facts.members) {
      const DriverTraits one = traits_of(member);
      traits.passes_pointers = traits.passes_pointers && one.passes_pointers;
      traits.sends_chains = traits.sends_chains && one.sends_chains;
      traits.makes_chains = traits.makes_chains && one.makes_chains;
      traits.powers_of_two = traits.powers_of_two || one.powers_of_two;
      traits.drain_at_stop = traits.drain_at_stop || one.drain_at_stop;
      traits.pairs_queues = traits.pairs_queues || one.pairs_queues;
    }
    traits.mtu_owner = MtuOwner::kDriver;  // a bond hands its MTU on to its members
  }
  return traits;
}

DeviceFacts bond_of(DeviceFacts bond, std::vector<DeviceFacts> members) {
  const auto numbers = [&](unsigned DeviceFacts::*number) {
    std::vector<unsigned> of_members;
    for (const DeviceFacts& member : members) {
      of_members.push_back(member.*number);
    }
    std::sort(of_members.begin(), of_members.end());
    return of_members;
  };
  const auto least = [&](unsigned DeviceFacts::*number) { return numbers(number).front(); };
  const auto most = [&](unsigned DeviceFacts::*number) { return numbers(number).back(); };
  const auto all = [&](bool DeviceFacts::*flag) {
    return std::all_of(members.begin(), members.end(), [&](const auto& member) { return member.*flag; });
  };
  bond.max_rx_queues = least(&DeviceFacts::max_rx_queues);
  bond.max_tx_queues = least(&DeviceFacts::max_tx_queues);
  bond.min_rx_descriptors = most(&DeviceFacts::min_rx_descriptors);
  bond.max_rx_descriptors = least(&DeviceFacts::max_rx_descriptors);  // 0, where one does not say, holds for all
  bond.rx_descriptor_align = most(&DeviceFacts::rx_descriptor_align);
  bond.min_tx_descriptors = most(&DeviceFacts::min_tx_descriptors);
  bond.max_tx_descriptors = least(&DeviceFacts::max_tx_descriptors);
  bond.tx_descriptor_align = most(&DeviceFacts::tx_descriptor_align);
  bond.mtu = members.front().mtu;
  bond.min_mtu = most(&DeviceFacts::min_mtu);
  bond.max_mtu = least(&DeviceFacts::max_mtu);
  bond.scatter = all(&DeviceFacts::scatter);
  bond.multi_segs = all(&DeviceFacts::multi_segs);
  bond.fast_free = all(&DeviceFacts::fast_free);
  bond.rss_hash = all(&DeviceFacts::rss_hash);
  bond.rss_types = ~std::uint64_t{0};
  for (const DeviceFacts& member : members) {
    bond.rss_types &= member.rss_types;
    bond.held_mbufs += member.held_mbufs;
  }
  bond.members = std::move(members);
  return bond;
}

std::vector<Part> parts_of(const std::string& device, const DeviceFacts& facts) {
  if (facts.members.empty()) {
    return {{device, facts}};
  }
  std::vector<Part> parts;
  for (const DeviceFacts& member : facts.members) {
    parts.push_back({member.device, member});
  }
  return parts;
}

unsigned driver_copies(std::string_view driver, const std::string& device) {
  if (driver == "net_null") {
    return number(devarg(device, "copy"), 0) != 0 ? 1 : 0;
  }
  if (driver == "net_memif") {
    return memif_zero_copy(device) ? 0 : 1;
  }
  if (driver == "net_virtio_user") {
    return devarg(device, "path").starts_with("/dev/vhost-net") ? 1 : 0;  // the kernel's vhost runs on this machine
  }
  return is_pci(device) || driver == "net_ring" || driver == kLabDriver || driver == kReplayDriver ? 0 : 1;
}

unsigned driver_copies(const PortPlan& port) {
  unsigned copies = port.members.empty() ? driver_copies(port.driver, port.device) : 0;
  for (const std::string& member : port.members) {
    copies = std::max(copies, driver_copies(vdev_driver(member), member));
  }
  return copies;
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

const DeviceFacts& replay_facts() {
  static const DeviceFacts kFacts = [] {
    DeviceFacts facts = lab_facts();
    facts.device = std::string(kReplayDevice);
    facts.driver = std::string(kReplayDriver);
    facts.max_rx_queues = 1;  // a capture has one order
    facts.max_mtu = 65535 - longest_frame(0);
    return facts;
  }();
  return kFacts;
}

std::string external_data_fault(const std::string& device, const DeviceFacts& facts) {
  const std::string_view driver = facts.driver;
  if (is_pci(device)) {
    return "the NIC reads by DMA, and only memory that is mapped for that";
  }
  if (driver == "net_null" && driver_copies(driver, device) > 0) {
    return "net_null with copy=1 reads as many bytes as its size says of any frame";
  }
  if (driver == "net_memif" && memif_zero_copy(device)) {
    return "its peer sees DPDK's memory only (zero-copy=yes)";
  }
  if (driver == "net_virtio_user") {
    return "its peer sees DPDK's memory only";
  }
  // af_xdp sends mbufs of its own pool from where they lie, and copies those of others, as a replay's are.
  constexpr std::array kReaders = {"net_null",   "net_ring", "net_pcap",  "net_af_packet",
                                   "net_af_xdp", "net_tap",  "net_memif", "net_vhost"};
  const bool reads = driver == kLabDriver || driver == kReplayDriver ||
                     std::find(kReaders.begin(), kReaders.end(), driver) != kReaders.end();
  return reads ? "" : "it is not known whether its driver only reads what it sends";
}

FrameRange received_frames(const std::string& device, const DeviceFacts& facts, unsigned mtu) {
  const std::string& driver = facts.driver;
  if (!facts.members.empty()) {
    FrameRange any{kAnyLength, 0};
    for (const DeviceFacts& member : facts.members) {
      const FrameRange one = received_frames(member.device, member, mtu);
      any = {std::min(any.min, one.min), std::max(any.max, one.max)};
    }
    return any;
  }
  if (driver == "net_null") {
    const unsigned size = number(devarg(device, "size"), 64);
    return {size, size};
  }
  if (driver == "net_ring" || driver == kLabDriver) {
    return {0, kAnyLength};
  }
  if (driver == kReplayDriver) {
    return {1, longest_frame(mtu)};  // others are left out by name
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
  if (!facts.members.empty()) {
    FrameRange all{0, kAnyLength};
    for (const DeviceFacts& member : facts.members) {
      const FrameRange one = accepted_frames(member.device, member, mtu, data_room);
      all = {std::max(all.min, one.min), std::min(all.max, one.max)};
    }
    return all;
  }
  if (traits_of(facts).passes_pointers) {
    return {0, kAnyLength};
  }
  if (driver == "net_pcap" && !pcap_on_interface(device)) {
    // A frame that an mbuf holds comes in one, so only longer ones are chains.
    return {0, std::min(longest_frame(mtu), std::max(data_room, kPcapLongestChain))};
  }
  if (driver == kLabDriver || driver == kReplayDriver) {
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
  const bool bounded = facts.driver == "net_ring" || traits_of(facts).pairs_queues;
  return bounded ? std::min(facts.max_tx_queues, rx_queues) : facts.max_tx_queues;
}

unsigned extra_mbufs_per_queue(std::string_view driver) {
  return driver == "net_ring" ? kNetRingSize : driver == "net_af_xdp" ? kAfXdpFillRing : 0;
}

LostMbufs mbufs_lost_at_close(const PortPlan& port) {
  LostMbufs lost;
  const std::vector<std::string> own = {port.device};
  for (const std::string& device : port.members.empty() ? own : port.members) {
    const std::string_view driver = vdev_driver(device);
    const std::uint64_t fixed = driver == "net_af_xdp" ? std::uint64_t{port.rx_queues} * kAfXdpFillRing : 0;
    const bool rings = driver == "net_memif" && memif_zero_copy(device);
    lost.least += fixed;
    lost.most += fixed + (rings ? std::uint64_t{port.rx_queues + port.tx_queues} * fixed_descriptors(device) : 0);
  }
  return lost;
}

unsigned fixed_descriptors(const std::string& device) {
  return vdev_driver(device) == "net_memif" ? 1U << (number(devarg(device, "rsize"), kMemifRingLog2) & 31U) : 0;
}

std::string_view queues_devarg(std::string_view driver) {
  if (driver == "net_af_packet") {
    return "qpairs";
  }
  if (driver == "net_af_xdp") {
    return "queue_count";
  }
  return driver == "net_vhost" || driver == "net_virtio_user" ? "queues" : "";
}

unsigned memif_buffer_bytes(const std::string& device) {
  return memif_zero_copy(device) ? 0 : number(devarg(device, "bsize"), kMemifBuffer);
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
