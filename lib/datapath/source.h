#pragma once

#include <rte_ethdev.h>

#include "datapath/burst.h"

namespace ringway {

/// Stands for a port that is not there: DPDK's calls find neither packets nor room at it. Never that of a real one.
inline constexpr std::uint16_t kNoPort = RTE_MAX_ETHPORTS - 1;

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

  /// From now on another port's queue of that number. Only while nobody polls the leg.
  void move_to(std::uint16_t other) noexcept { port = other; }
};

}  // namespace ringway
