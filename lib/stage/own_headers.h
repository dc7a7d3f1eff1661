#pragma once

#include <rte_mempool.h>

#include "datapath/stage.h"

namespace ringway {

/// Whether others may see the bytes of the packet's first segment, so that they are not to be written: clones share
/// them (rte_pktmbuf_clone), or they lie in an external buffer, whose owner is not asked. Costs a read of the mbuf.
inline bool data_is_shared(const rte_mbuf* mbuf) noexcept {
  return !RTE_MBUF_DIRECT(mbuf) || rte_mbuf_refcnt_read(mbuf) > 1;
}

/// Gives each packet whose data is shared an Ethernet header of its own: an mbuf of a pool in front, with a copy of the
/// first bytes; the rest stays where it is and becomes the next segment. Copy on write, at the size of a header.
///
/// Put before stages that write. Arguments: the pool, which outlives it; an mbuf has room for kBytes behind its
/// headroom. Edits: no packet data, and of mbufs whose data is shared where that data begins: each is this leg's alone.
/// Passes on untouched: packets whose data is not shared, and those without a whole Ethernet header in their first
/// segment. Drops: no_mbuf, when the pool is empty. Ledger: shared_header, kBytes a packet, or 14 of one with fewer.
class OwnHeaders {
 public:
  /// What a stage may write of a packet that has as much: an Ethernet header, in whole vectors (see SwapMacs).
  static constexpr std::uint16_t kBytes = 16;

  explicit OwnHeaders(rte_mempool* pool) noexcept : pool_(pool) {}

  void process(Burst& burst, Counters& counters) const noexcept;

 private:
  rte_mempool* pool_;
};

}  // namespace ringway
