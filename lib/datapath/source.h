#pragma once

#include <rte_ethdev.h>
#include <rte_ring.h>
#include <rte_ring_peek_zc.h>

#include "datapath/burst.h"

namespace ringway {

/// What a leg takes bursts from: one RX queue of a port. The queue belongs to the lcore that polls the leg.
struct PortSource {
  static constexpr bool kTellsEmpty = false;  // only the driver knows

  std::uint16_t port = 0;
  std::uint16_t queue = 0;
  std::uint16_t burst = 32;  ///< packets asked for in one poll, 1 to kMaxBurst

  /// Fills the burst from slot 0; returns its size. From now on the burst owns the mbufs.
  std::uint16_t fill(Burst& into) noexcept {
    const std::uint16_t taken = rte_eth_rx_burst(port, queue, into.data(), burst);
    mark(into.data(), taken);
    into.resize(taken);
    return taken;
  }

  void done(std::uint16_t) noexcept {}
};

/// The consuming end of a ring. It belongs to the lcore that polls the leg.
struct RingSource {
  rte_ring* ring = nullptr;
  std::uint16_t burst = 32;  ///< packets asked for in one poll, 1 to kMaxBurst

  static constexpr bool kTellsEmpty = true;
  bool empty() const noexcept { return rte_ring_empty(ring) != 0; }

  /// Lays the burst over the ring's own slots: nothing is moved. Where the ring's memory wraps around, the burst ends.
  std::uint16_t fill(Burst& into) noexcept {
    rte_ring_zc_data slots;
    if (rte_ring_dequeue_zc_burst_start(ring, burst, &slots, nullptr) == 0) {
      return 0;
    }
    into.lie_in(static_cast<rte_mbuf**>(slots.ptr1), static_cast<std::uint16_t>(slots.n1));
    return into.size();
  }

  /// The poll is over: the first `taken` slots are the producer's again.
  void done(std::uint16_t taken) noexcept { rte_ring_dequeue_zc_finish(ring, taken); }
};

}  // namespace ringway
