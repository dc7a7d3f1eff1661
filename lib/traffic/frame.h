#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "traffic/stamp.h"

namespace ringway {

/// Bytes up to the end of the stamp at most: Ethernet, a VLAN tag, IPv6, UDP and the stamp.
inline constexpr unsigned kLongestHead = 14 + 4 + 40 + 8 + sizeof(Stamp);

/// For local experiments (IEEE 802): no forwarder knows what is in such a frame.
inline constexpr std::uint16_t kExperimentalEthertype = 0x88b5;

/// Which IP a flow speaks.
enum class IpVersion : std::uint8_t { k4, k6 };

/// What all generated frames of one length and IP version have in common, worked out at set-up: UDP over IPv4, with a
/// right header checksum and no UDP checksum (RFC 768 allows it), or over IPv6, with a right UDP checksum.
class FrameTemplate {
 public:
  /// `bytes`: without CRC and tag, made longer where headers and stamp need more. `port`: goes into the MAC addresses,
  /// modulo 256.
  FrameTemplate(unsigned bytes, IpVersion version, bool tagged, unsigned port) noexcept;

  /// Makes a frame of an mbuf as the pool gave it, which has room for it and for kLongestHead bytes. The flow's id
  /// decides addresses and UDP source port, differently for every flow. `vlan`: id, where tagged. The last three go
  /// into the stamp; one by one, since a struct would be stored and at once loaded in pieces of other sizes, which
  /// costs 20 cycles.
  void write(rte_mbuf* mbuf, std::uint16_t vlan, std::uint32_t flow, std::uint32_t sequence,
             std::uint64_t tsc) const noexcept;

 private:
  using Bytes16 = std::uint8_t __attribute__((vector_size(16), aligned(1), may_alias));

  Bytes16 head_[5] = {};   // up to the stamp at least; what differs from flow to flow is 0
  std::uint64_t sum_ = 0;  // not folded: what does not differ of all that the IPv4 or else the UDP checksum covers
  std::uint32_t padding_crc_ = 0;
  std::uint16_t bytes_ = 0;  // of the whole frame, tag included
  std::uint16_t padding_bytes_ = 0;
  std::uint8_t ip_at_ = 0;
  IpVersion version_;
  bool tagged_;
};

}  // namespace ringway
