#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringway {

/// What the generators of a port send: numbers, all decided.
struct TrafficProfile {
  unsigned frame_bytes = 60;  ///< without CRC, before VLAN tags; shorter than headers and stamp: those; 0: IMIX
  unsigned flows = 1;         ///< different 5-tuples a port, 1 to 1,000,000
  unsigned ipv6_ppm = 0;      ///< of the flows, in a million
  unsigned vlans = 0;         ///< ids 1 to this many, over the flows; 0: untagged
  double packets_per_s = 0;   ///< a port; 0: as fast as the port takes them
  std::uint64_t packets = 0;  ///< a port; 0: no limit
  double seconds = 0;         ///< 0: no limit
  unsigned faults_ppm = 0;    ///< deliberately bad frames, in a million
  unsigned longest = 1522;    ///< longest frame that passes; oversized ones are 1 to kMostOversize bytes longer
};

/// Ways in which a frame is bad on purpose. All are untagged; all but runts are IPv4 frames with one thing wrong.
enum class Fault : std::uint8_t {
  kRunt,              ///< kRuntBytes long, without a stamp
  kWrongChecksum,     ///< of the IPv4 header
  kTtl1,              ///< not to be routed any further
  kUnknownEthertype,  ///< kExperimentalEthertype
  kOversized,         ///< longer than passes
};

/// Names in reports, in the order of Fault.
inline constexpr std::array<const char*, 5> kFaultNames = {"runt", "wrong_checksum", "ttl_1", "unknown_ethertype",
                                                           "oversized"};
inline constexpr std::size_t kFaults = kFaultNames.size();
static_assert(static_cast<std::size_t>(Fault::kOversized) + 1 == kFaults);

/// Shorter than an Ethernet header.
inline constexpr unsigned kRuntBytes = 12;

/// Whether a forwarder that does not look behind the Ethernet header has to drop such frames; it passes the others.
constexpr bool must_be_dropped(Fault fault) noexcept {
  return fault == Fault::kRunt || fault == Fault::kOversized;
}

/// The flow ids of one port, [first, first + count()): its ordinary flows, a gap up to a multiple of `queues`, then one
/// flow for each kind of fault and RX queue, so that a dropped fault never looks like a gap in an ordinary flow. An
/// index counts from `first`; the generator of queue q makes the indices that are q modulo `queues`.
struct PortFlows {
  unsigned port = 0;        ///< goes into the MAC addresses, modulo 256
  std::uint32_t first = 0;  ///< count() of the ports before
  std::uint32_t flows = 1;  ///< as in the profile
  std::uint32_t queues = 1;

  constexpr std::uint32_t first_fault() const noexcept { return (flows + queues - 1) / queues * queues; }
  constexpr std::uint32_t fault_index(Fault fault, std::uint32_t queue) const noexcept {
    return first_fault() + static_cast<std::uint32_t>(fault) * queues + queue;
  }
  constexpr std::uint32_t count() const noexcept {
    return first_fault() + static_cast<std::uint32_t>(kFaults) * queues;
  }
};

}  // namespace ringway
