#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "datapath/counters.h"
#include "datapath/custody.h"
#include "datapath/tailroom.h"

namespace ringway {

/// Most packets that a leg takes in one poll. Costs per burst are spread thin well before 64; beyond it the mbufs of a
/// burst no longer stay in the first-level cache.
inline constexpr std::uint16_t kMaxBurst = 64;

/// Up to kMaxBurst mbufs that a leg owns during one poll: slots [0, size) are valid. It lives on the stack of poll(),
/// which passes every mbuf on to an output or to drop() before it returns. Its slots are its own, or those of a ring.
class Burst {
 public:
  Burst() noexcept {}  // slots are left as they are: clearing them would cost as much as forwarding
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  rte_mbuf** data() noexcept { return mbufs_; }
  std::uint16_t size() const noexcept { return size_; }
  rte_mbuf*& operator[](std::uint16_t i) noexcept { return mbufs_[i]; }

  /// A source sets how many slots it filled; a stage that drops shortens the burst to what it kept, in order.
  void resize(std::uint16_t size) noexcept { size_ = size; }

  /// From now on the burst is these slots, which the source keeps until the poll ends.
  void lie_in(rte_mbuf** slots, std::uint16_t size) noexcept {
    mbufs_ = slots;
    size_ = size;
  }

 private:
  rte_mbuf** mbufs_ = own_;
  std::uint16_t size_;  // set by the source
  rte_mbuf* own_[kMaxBurst];
};

/// Offers dropped packets to a tap. Returns how many it did not take: those are the first in `mbufs` now.
[[gnu::cold]] std::uint16_t hand_over(TapLane& tap, rte_mbuf** mbufs, std::uint16_t n, DropReason reason) noexcept;

/// Counts `n` mbufs under a reason and frees them in bulk, chains included, but for those that a capture of dropped
/// packets takes. Out of the way of the fast path. No other code frees what is to be sent; checkers and lab ports free
/// what has arrived at them.
[[gnu::noinline, gnu::cold]] inline void drop(rte_mbuf** mbufs, std::uint16_t n, DropReason reason,
                                              Counters& counters) noexcept {
  counters.dropped[static_cast<std::size_t>(reason)].add(n);
  unpoison_tailrooms(mbufs, n);
  unmark(mbufs, n);
  if (counters.drop_tap != nullptr) [[unlikely]] {
    n = hand_over(*counters.drop_tap, mbufs, n, reason);
  }
  rte_pktmbuf_free_bulk(mbufs, n);
}

/// Keeps the packets for which `keep` is true, in order, from slot `from` on; the others are dropped under `reason`.
/// `keep` may edit the packet. Out of the way of the fast path: call it when the first packet to drop has been found.
template <class Keep>
[[gnu::noinline, gnu::cold]] void drop_unless(Burst& burst, std::uint16_t from, DropReason reason, Counters& counters,
                                              Keep keep) noexcept {
  rte_mbuf* dropped[kMaxBurst];
  std::uint16_t kept = from;
  std::uint16_t out = 0;
  for (std::uint16_t i = from; i < burst.size(); ++i) {
    rte_mbuf* mbuf = burst[i];
    if (keep(mbuf)) {
      burst[kept++] = mbuf;
    } else {
      dropped[out++] = mbuf;
    }
  }
  burst.resize(kept);
  drop(dropped, out, reason, counters);
}

}  // namespace ringway
