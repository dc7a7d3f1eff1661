#pragma once

#include <rte_ring.h>
#include <rte_ring_peek_zc.h>

#include <algorithm>

#include "datapath/burst.h"

namespace ringway {

// The two ends of an rte_ring, for one lcore each. They keep rte_ring's own indices, so that whatever else it offers
// works on the same ring; but each end remembers how far it has seen the other, and looks again only when that no
// longer does. rte_ring's calls look every time, which takes the line with the other end's index away from the other
// CPU: that is most of what a hop between CPUs costs (tools/bench_rings).
//
// Indices count packets since the ring was made, modulo 2^32; a slot is an index modulo the ring's size.

inline rte_mbuf** slots_of(rte_ring* ring) noexcept {
  return reinterpret_cast<rte_mbuf**>(&ring[1]);
}

/// An end's index as the other end sees it: whatever was done to slots before it was published is visible.
inline std::uint32_t look_at(const rte_ring_headtail& end) noexcept {
  return __atomic_load_n(&end.tail, __ATOMIC_ACQUIRE);
}

inline void publish(rte_ring_headtail& end, std::uint32_t index) noexcept {
  end.head = index;
  __atomic_store_n(&end.tail, index, __ATOMIC_RELEASE);
}

/// The consuming end of a ring. It belongs to the lcore that polls the leg; nobody else takes from the ring while it
/// does.
class RingSource {
 public:
  static constexpr bool kTellsEmpty = true;

  /// `burst`: packets asked for in one poll, 1 to kMaxBurst.
  RingSource(rte_ring* ring, std::uint16_t burst) noexcept
      : ring_(ring), enqueued_(look_at(ring->cons)), burst_(burst) {}

  bool empty() const noexcept {
    const std::uint32_t index = ring_->cons.head;
    return enqueued_ == index && look_at(ring_->prod) == index;
  }

  /// Lays the burst over the ring's own slots: nothing is moved. Where the ring's memory wraps around, the burst ends.
  std::uint16_t fill(Burst& into) noexcept {
    const std::uint32_t index = ring_->cons.head;
    if (enqueued_ - index < burst_) {
      enqueued_ = look_at(ring_->prod);
    }
    const std::uint32_t slot = index & ring_->mask;
    const std::uint32_t n = std::min({enqueued_ - index, std::uint32_t{burst_}, ring_->size - slot});
    into.lie_in(slots_of(ring_) + slot, static_cast<std::uint16_t>(n));
    return into.size();
  }

  /// The poll is over: the first `taken` slots are the producer's again.
  void done(std::uint16_t taken) noexcept { publish(ring_->cons, ring_->cons.head + taken); }

  void move_to(std::uint16_t) noexcept {}  // it has no port

 private:
  rte_ring* ring_;
  std::uint32_t enqueued_;  // the producer's index when last looked at
  std::uint16_t burst_;
};

/// One lcore as a producer of a ring; all of its legs that feed the ring share this.
struct alignas(kCacheLine) RingProducer {
  // lcore: written; main: read
  Counter enqueued;      ///< packets
  Counter refused;       ///< packets dropped because the ring was full
  HighWater high_water;  ///< most packets seen in the ring after an enqueue

  std::uint32_t freed = 0;  ///< the consumer's index when last looked at; lcore only
};

/// The producing end of a ring. It belongs to an lcore, alone or, with HTS, beside others.
class RingOutput {
 public:
  /// `lcore` outlives it. Before the first packet.
  RingOutput(rte_ring* ring, RingProducer& lcore) noexcept
      : ring_(ring), lcore_(&lcore), alone_(rte_ring_is_prod_single(ring) != 0) {
    lcore.freed = look_at(ring->cons);
  }

  /// Puts in a prefix of the packets and returns its length: that belongs to the consumer and is not read again.
  std::uint16_t offer(rte_mbuf** mbufs, std::uint16_t n) noexcept {
    if (!alone_) [[unlikely]] {
      return offer_beside_others(mbufs, n);
    }
    const std::uint32_t index = ring_->prod.head;
    // No more packets than have been in the ring before: there is room, and no new high-water mark.
    if (index + n - lcore_->freed > lcore_->high_water.get()) [[unlikely]] {
      n = look_for_room(index, n);
      if (n == 0) {
        return 0;
      }
    }
    const std::uint32_t slot = index & ring_->mask;
    const std::uint32_t before_wrap = std::min<std::uint32_t>(n, ring_->size - slot);
    write(slots_of(ring_) + slot, mbufs, before_wrap);
    if (before_wrap < n) [[unlikely]] {
      write(slots_of(ring_), mbufs + before_wrap, n - before_wrap);
    }
    publish(ring_->prod, index + n);
    lcore_->enqueued.add(n);
    return n;
  }

  /// How many of n packets there is room for: offer() takes that many. Only where no other lcore puts packets in.
  std::uint16_t room(std::uint16_t n) noexcept {
    const std::uint32_t index = ring_->prod.head;
    if (index + n - lcore_->freed > ring_->capacity) [[unlikely]] {
      lcore_->freed = look_at(ring_->cons);
    }
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(n, ring_->capacity - (index - lcore_->freed)));
  }

  void reap() noexcept {}
  static constexpr DropReason full() noexcept { return DropReason::kRingFull; }
  void move_to(std::uint16_t) noexcept {}  // it has no port
  void refuse(std::uint16_t n) noexcept { lcore_->refused.add(n); }

 private:
  /// How many of n packets there is room for.
  [[gnu::noinline]] std::uint16_t look_for_room(std::uint32_t index, std::uint16_t n) noexcept {
    lcore_->freed = look_at(ring_->cons);
    const std::uint32_t fill = index - lcore_->freed;
    n = static_cast<std::uint16_t>(std::min<std::uint32_t>(n, ring_->capacity - fill));
    lcore_->high_water.raise(fill + n);
    return n;
  }

  [[gnu::noinline]] std::uint16_t offer_beside_others(rte_mbuf** mbufs, std::uint16_t n) noexcept {
    rte_ring_zc_data slots;
    unsigned room = 0;  // afterwards
    const auto taken = static_cast<std::uint16_t>(rte_ring_enqueue_zc_burst_start(ring_, n, &slots, &room));
    if (taken == 0) {
      return 0;
    }
    write(slots.ptr1, mbufs, slots.n1);
    if (slots.n1 < taken) [[unlikely]] {
      write(slots.ptr2, mbufs + slots.n1, taken - slots.n1);
    }
    rte_ring_enqueue_zc_finish(ring_, taken);
    lcore_->enqueued.add(taken);
    lcore_->high_water.raise(ring_->capacity - room);
    return taken;
  }

  using TwoPointers = std::uint64_t __attribute__((vector_size(16), aligned(8), may_alias));
  static_assert(2 * sizeof(rte_mbuf*) == sizeof(TwoPointers));

  // The slots are written here and not by rte_ring's own copy, eight in a turn: 2.2 instructions a packet instead of 5.
  static void write(void* slots, rte_mbuf* const* mbufs, unsigned n) noexcept {
    auto* to = static_cast<TwoPointers*>(slots);
    const auto* from = reinterpret_cast<const TwoPointers*>(mbufs);
    for (; n >= 8; n -= 8, to += 4, from += 4) {
      const TwoPointers first = from[0];
      const TwoPointers second = from[1];
      const TwoPointers third = from[2];
      const TwoPointers fourth = from[3];
      to[0] = first;
      to[1] = second;
      to[2] = third;
      to[3] = fourth;
    }
    for (unsigned i = 0; i < n; ++i) {
      reinterpret_cast<rte_mbuf**>(to)[i] = reinterpret_cast<rte_mbuf* const*>(from)[i];
    }
  }

  rte_ring* ring_;
  RingProducer* lcore_;
  bool alone_;
};

}  // namespace ringway
