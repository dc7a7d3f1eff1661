#pragma once

#include <rte_ethdev.h>
#include <rte_pause.h>

#include "datapath/burst.h"

namespace ringway {

/// Attempts to hand the refused rest of a burst to a port again. With a pause between them this gives a NIC about a
/// microsecond to free descriptors; a longer wait would only move the loss to the RX queue.
inline constexpr unsigned kTxRetries = 16;

/// Where a leg's packets go: one TX queue of a port. The queue belongs to the lcore that polls the leg.
struct PortOutput {
  std::uint16_t port = 0;
  std::uint16_t queue = 0;

  /// Sends the burst: the accepted prefix belongs to the driver and is not read again, the refused rest is tried
  /// kTxRetries times and then dropped under kTxFull. The burst is empty afterwards.
  void send(Burst& burst, Counters& counters) noexcept {
    std::uint16_t sent = rte_eth_tx_burst(port, queue, burst.data(), burst.size());
    if (sent < burst.size()) [[unlikely]] {
      sent = retry(burst, sent, counters);
    }
    counters.transmitted.add(sent);
  }

  /// Lets the driver free what the device has sent; called when the lcore has nothing else to do. A TX burst of none is
  /// what every driver understands, and many reap only there.
  void reap() noexcept { rte_eth_tx_burst(port, queue, nullptr, 0); }

 private:
  [[gnu::noinline, gnu::cold]] std::uint16_t retry(Burst& burst, std::uint16_t sent, Counters& counters) noexcept {
    for (unsigned attempt = 0; attempt < kTxRetries && sent < burst.size(); ++attempt) {
      rte_pause();
      sent = static_cast<std::uint16_t>(
          sent + rte_eth_tx_burst(port, queue, burst.data() + sent, static_cast<std::uint16_t>(burst.size() - sent)));
    }
    if (sent < burst.size()) {
      drop(burst.data() + sent, static_cast<std::uint16_t>(burst.size() - sent), DropReason::kTxFull, counters);
    }
    return sent;
  }
};

}  // namespace ringway
