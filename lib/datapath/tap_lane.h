#pragma once

#include <rte_mempool.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "datapath/packet_filter.h"
#include "datapath/ring.h"

namespace ringway {

/// Captures in one process: each is a bit of a byte.
inline constexpr std::size_t kMaxCaptures = 8;

/// What a capture asks of a tap.
struct TapCapture {
  std::uint8_t bit = 0;  ///< the capture's number among all
  PacketFilter filter;
  DropReasons reasons;  ///< why packets must have been dropped to be taken; none: they are not dropped
};

/// What a capture was given at a tap. lcore: written; main, writer: read.
struct TapCounters {
  Counter matched;  ///< packets that its filter takes
  Counter missed;   ///< of these, packets for which there was no room on the way to the writer, or no clone
};

/// What the writer is told about a packet, in fields of its mbuf that only sending has a use for: the mbuf is a clone,
/// or the packet has been dropped.
struct TapNote {
  std::uint64_t tsc = 0;
  std::uint8_t captures = 0;  ///< bits
  DropReason reason{};        ///< of dropped packets

  void write_to(rte_mbuf* mbuf) const noexcept {
    mbuf->tx_offload = tsc;
    mbuf->hash.usr = captures | static_cast<std::uint32_t>(reason) << 8U;
  }
  static TapNote of(const rte_mbuf* mbuf) noexcept {
    return {mbuf->tx_offload, static_cast<std::uint8_t>(mbuf->hash.usr), static_cast<DropReason>(mbuf->hash.usr >> 8U)};
  }
};

/// An lcore's end of the way from a tap to the captures' writer: a ring (SP/SC) of what the captures there take. What
/// finds no room is counted as missed, and nobody waits. It belongs to the lcore that polls the leg.
class alignas(kCacheLine) TapLane {
 public:
  /// `ring` and `clones`, mbufs without data room, outlive it; so does what the filters are made of. Of `captures`, 1
  /// to kMaxCaptures, a copy is kept. Without `clones` it can only take().
  TapLane(rte_ring* ring, rte_mempool* clones, std::span<const TapCapture> captures) noexcept;
  TapLane(const TapLane&) = delete;
  TapLane& operator=(const TapLane&) = delete;

  /// Shares packets with the writer by reference: clones go there, and no packet data is copied. The packets stay the
  /// leg's; their data must not be written from now on. Owning lcore only.
  void show(rte_mbuf* const* mbufs, std::uint16_t n) noexcept;

  /// Gives dropped packets away to the writer: from now on it owns them. Returns how many it did not take: those are
  /// the first in `mbufs` now, in order. Owning lcore only, or main once that has ended.
  std::uint16_t take(rte_mbuf** mbufs, std::uint16_t n, DropReason reason) noexcept;

  /// Of capture `bit`; zeros for one that is not here. `at_output`: of packets dropped at the output; the others.
  const TapCounters& counters(std::size_t bit, bool at_output) const noexcept { return counters_[at_output][bit]; }

 private:
  void match(rte_mbuf* const* mbufs, std::uint16_t n, DropReasons reasons, bool at_output, std::uint8_t* bits) noexcept;
  std::uint16_t clone(rte_mbuf* const* packets, std::uint16_t n, const std::uint8_t* bits, rte_mbuf** clones) noexcept;
  rte_mbuf* clone_rest(rte_mbuf* head, const rte_mbuf* packet) noexcept;
  void count_missed(const std::uint8_t* bits, std::uint16_t n, bool at_output) noexcept;

  RingProducer producer_;
  RingOutput output_;
  rte_mempool* clones_;
  std::size_t count_ = 0;
  std::array<TapCapture, kMaxCaptures> captures_;
  std::array<std::array<TapCounters, kMaxCaptures>, 2> counters_;  // by bit; of packets dropped at the output, apart
};

}  // namespace ringway
