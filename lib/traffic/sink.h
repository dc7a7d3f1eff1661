#pragma once

#include "datapath/burst.h"

namespace ringway {

/// The forwarder of a leg that ends the way of packets that nobody checks: frees them.
struct Sink {
  static constexpr bool kMayHold = false;

  /// Leaves no packet in the burst; to the leg they count as transmitted. Owning lcore only.
  void forward(Burst& burst, Counters& counters) noexcept {
    counters.transmitted.add(burst.size());
    unpoison_tailrooms(burst.data(), burst.size());
    rte_pktmbuf_free_bulk(burst.data(), burst.size());
    burst.resize(0);
  }
  void reap() noexcept {}
};

}  // namespace ringway
