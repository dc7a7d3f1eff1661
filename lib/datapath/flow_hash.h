#pragma once

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <cstddef>
#include <cstdint>

namespace ringway {

/// Toeplitz hash of a packet's flow, from tables for one key: 36 KiB, of which plain IPv4 uses 12. Constant once built,
/// so any number of lcores may share one.
///
/// What is hashed, in network byte order, IP under up to two VLAN tags as without:
/// - TCP, UDP, SCTP over IPv4 or IPv6: source address, destination address, source port, destination port. Protocols
///   are not told apart, so that the hash equals a NIC's.
/// - Fragments, first ones too, other protocols, and packets whose ports are not in the first segment: the addresses.
/// - All else (also IP whose header is malformed or not whole in the first segment): the MAC addresses as they are in
///   the frame, and the ethertype under the tags, or 0 where an 802.3 length is in its place.
/// - Less than an Ethernet header: the hash is 0.
///
/// Guaranteed: packets alike in the fields named and of the same of these shapes have the same hash, whatever else
/// differs. Hence all fragments of a datagram do, but a flow's fragments and its whole packets do not. Hashes from NICs
/// are as alike as the NICs make them: ports that share flows need the same key.
///
/// Source: Microsoft, "RSS hashing types" and "Verifying the RSS hash calculation".
class FlowHash {
 public:
  /// The standard key is Microsoft's, 40 bytes. The symmetric one repeats 0x6d5a: both directions of a flow have the
  /// same hash, which depends on the xor of all 16-bit words of the fields alone. It is 16 bits, twice, and flows whose
  /// source and destination addresses count up in step can all have the same.
  enum class Key : std::uint8_t { kStandard, kSymmetric };

  /// Builds the tables, in about 0.3 ms: at set-up only.
  explicit FlowHash(Key key) noexcept;

  /// The hash of a packet as it was received: the NIC's where it gave one and the key is the standard one. Reads the
  /// first segment only, never past its data_len. Any lcore.
  std::uint32_t operator()(const rte_mbuf* mbuf) const noexcept;

  /// Begins to fetch what the hash will read of the packet: nothing where the NIC gave it.
  void prefetch(const rte_mbuf* mbuf) const noexcept {
    if ((mbuf->ol_flags & nic_flags_) == 0) {
      rte_prefetch0(rte_pktmbuf_mtod(mbuf, const void*));
    }
  }

 private:
  /// Longest input: IPv6 addresses and ports.
  static constexpr std::size_t kMaxInput = 36;

  /// The share of input bytes [kFrom, kFrom + kBytes) in the hash; `bytes` is the first of them.
  template <std::size_t kFrom, std::size_t kBytes>
  std::uint32_t share(const std::uint8_t* bytes) const noexcept;

  /// Any frame; `length` is that of the first segment.
  std::uint32_t any(const std::uint8_t* frame, std::size_t length) const noexcept;
  /// Of a frame whose Ethernet header is whole.
  std::uint32_t ethernet(const std::uint8_t* frame, std::uint16_t type) const noexcept;

  std::uint64_t nic_flags_;  ///< mbuf flags that say that the NIC's hash is the one asked for
  std::uint32_t table_[kMaxInput][256];
};

}  // namespace ringway
