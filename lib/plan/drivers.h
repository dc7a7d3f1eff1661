#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plan/inventory.h"
#include "plan/plan.h"

namespace ringway {

/// Value of `key=` in a device string's devargs; empty when it is not there.
std::string devarg(std::string_view device, std::string_view key);

/// Facts about a poll-mode driver that `rte_eth_dev_info` does not tell. Read in, or measured on, DPDK 22.11.
struct DriverTraits {
  MtuOwner mtu_owner = MtuOwner::kDriver;
  bool passes_pointers = false;  ///< TX takes any mbuf as it is: net_ring, net_null
  bool sends_chains = false;     ///< TX handles chained mbufs without offering MULTI_SEGS
  bool makes_chains = false;     ///< RX chains mbufs as needed without offering SCATTER
  bool powers_of_two = false;    ///< takes only such numbers of descriptors, and does not say so
  bool drain_at_stop = false;    ///< stop and close give back none of the mbufs in its rings
  bool pairs_queues = false;     ///< takes as many TX queues as RX queues only
};

/// A bond has what all of its members have.
DriverTraits traits_of(const DeviceFacts& facts);

/// A bond as its members make it: queues and descriptors that all have, MTUs that all take.
DeviceFacts bond_of(DeviceFacts bond, std::vector<DeviceFacts> members);

/// A device that takes part in a port.
struct Part {
  std::string device;  ///< with devargs
  const DeviceFacts& facts;
};

/// The port's own device; or the members of a bond.
std::vector<Part> parts_of(const std::string& device, const DeviceFacts& facts);

/// Copies of each packet that driver or kernel make on their own, on receive and again on transmit. PCI NICs and
/// drivers known to pass mbufs on: 0; all others count as copying, since zero copy is not to be claimed for them. Of a
/// virtual switch's two sides only that is told which is here: vhost copies, virtio-user lets the other side copy.
unsigned driver_copies(std::string_view driver, const std::string& device);

/// The same of a port; of a bond the most that a member makes.
unsigned driver_copies(const PortPlan& port);

/// Whether the driver writes to packets that it is to send: a bond that balances by MAC addresses (mode 5 and 6).
bool rewrites_packets(std::string_view device);

/// Whether a bond can have such a member: it is given the bond's MAC address, which af_xdp, memif, pcap, vhost and
/// virtio-user refuse (22.11).
bool takes_bonds_mac(std::string_view driver);

/// Whether a bond with such a member learns that its link is lost: af_packet keeps no account of it, tap calls nobody
/// (22.11).
bool tells_link_loss(std::string_view driver);

/// Whether a net_pcap device plays its capture again and again, from mbufs that it loads once.
bool loops_capture(std::string_view device);

/// The driver name of ports that ringway makes itself, of rings (net_ring), for `traffic`.
inline constexpr std::string_view kLabDriver = "lab";

/// What such a port offers.
const DeviceFacts& lab_facts();

/// The same of ports that replay captures.
inline constexpr std::string_view kReplayDriver = "replay";
const DeviceFacts& replay_facts();

/// Why the device cannot send packets whose data lies outside of the pools, in memory that is read-only and that nobody
/// was told of, such as a mapped capture; empty: it can, since its driver only reads them, and no further than they go.
std::string external_data_fault(const std::string& device, const DeviceFacts& facts);

/// Frames that the port may bring, whatever the other side does.
FrameRange received_frames(const std::string& device, const DeviceFacts& facts, unsigned mtu);

/// Frames that the port sends whole and without harm.
FrameRange accepted_frames(const std::string& device, const DeviceFacts& facts, unsigned mtu, unsigned data_room);

/// Longest frame for an MTU: Ethernet header and two VLAN tags.
constexpr unsigned longest_frame(unsigned mtu) {
  return mtu + 14 + 2 * 4;
}

/// Longest frame that a kernel interface sends: Ethernet header and one VLAN tag (Linux, net/packet/af_packet.c).
constexpr unsigned kernel_longest_frame(unsigned mtu) {
  return mtu + 14 + 4;
}

/// TX queues that lcores may use: those of the device, but of net_ring only as many as it has RX queues here, since
/// what goes into one of its rings comes out of the RX queue of that number or not at all.
unsigned usable_tx_queues(const DeviceFacts& facts, unsigned rx_queues);

/// mbufs that the driver keeps for one RX queue beyond its descriptors.
unsigned extra_mbufs_per_queue(std::string_view driver);

/// mbufs of a port that its driver never gives back, not even when the port is closed.
struct LostMbufs {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

/// All that af_xdp's fill ring holds: always the same number, since each received frame is replaced in it. What a
/// zero-copy memif has in its rings when the connection ends: anything up to all.
LostMbufs mbufs_lost_at_close(const PortPlan& port);

/// Descriptors of each queue where the device string and nothing else says so (memif: 2 to the power of `rsize`); 0:
/// they can be asked for.
unsigned fixed_descriptors(const std::string& device);

/// The devarg that gives a device more queues, such as `qpairs`; empty: there is none.
std::string_view queues_devarg(std::string_view driver);

/// memif: bytes of a frame that fit into one of its buffers. The driver (22.11) cuts longer frames up, and then joins
/// frames that do not belong together. 0: no limit, since mbufs themselves are passed on.
unsigned memif_buffer_bytes(const std::string& device);

/// af_packet: bytes of a frame that fit into one slot of its ring.
unsigned af_packet_frame_bytes(std::string_view device);

/// af_packet: devargs whose ring slot holds a frame of that length.
std::string af_packet_devargs(unsigned frame_bytes);

/// af_packet: bytes of data room that it demands of an mbuf.
unsigned af_packet_data_room(std::string_view device);

}  // namespace ringway
