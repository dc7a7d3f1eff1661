#include "datapath/ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "dice.h"

namespace ringway {
namespace {

constexpr std::uint32_t kJustBeforeZero = 0xffffffe0;  // both ends' indices pass 2^32 soon

/// A ring in ordinary memory; packets are numbers.
class TestRing {
 public:
  TestRing(unsigned size, unsigned flags, std::uint32_t index = 0)
      : ring_(static_cast<rte_ring*>(operator new(static_cast<std::size_t>(rte_ring_get_memsize(size)), kAlignment))) {
    rte_ring_init(get(), "test", size, flags | RING_F_SC_DEQ);
    for (rte_ring_headtail* end : {&get()->prod, &get()->cons}) {
      publish(*end, index);
    }
  }

  rte_ring* get() const { return ring_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{RTE_CACHE_LINE_SIZE};

  struct Free {
    void operator()(rte_ring* ring) const { operator delete(ring, kAlignment); }
  };

  std::unique_ptr<rte_ring, Free> ring_;
};

rte_mbuf* packet(std::uintptr_t number) {
  return reinterpret_cast<rte_mbuf*>(number);
}

std::vector<rte_mbuf*> packets(std::uintptr_t from, std::size_t n) {
  std::vector<rte_mbuf*> all;
  for (std::size_t i = 0; i < n; ++i) {
    all.push_back(packet(from + i));
  }
  return all;
}

/// One poll of a leg: everything that it brings.
std::vector<rte_mbuf*> take(RingSource& source) {
  Burst burst;
  const std::uint16_t n = source.fill(burst);
  std::vector<rte_mbuf*> taken(burst.data(), burst.data() + n);
  source.done(n);
  return taken;
}

TEST(Ring, TakesAsManyAsThereIsRoomFor) {
  const TestRing ring(8, RING_F_SP_ENQ);
  RingProducer lcore;
  RingOutput output(ring.get(), lcore);
  RingSource source(ring.get(), 4);
  EXPECT_TRUE(source.empty());
  EXPECT_EQ(output.offer(packets(1, 5).data(), 5), 5);
  EXPECT_EQ(output.offer(packets(6, 5).data(), 5), 2) << "a ring of 8 holds 7";
  EXPECT_EQ(output.offer(packets(8, 5).data(), 5), 0);
  EXPECT_EQ(take(source), packets(1, 4));
  EXPECT_FALSE(source.empty());
  EXPECT_EQ(output.offer(packets(8, 5).data(), 5), 4);
  EXPECT_EQ(take(source), packets(5, 4)) << "up to where the memory wraps around";
  EXPECT_EQ(take(source), packets(9, 3));
  EXPECT_TRUE(source.empty());
  EXPECT_TRUE(take(source).empty());
  EXPECT_EQ(lcore.enqueued.get(), 11U);
  EXPECT_EQ(lcore.high_water.get(), 7U);
}

/// What either end remembers of the other never shows: every count is what a queue would have.
void behaves_like_a_queue(unsigned flags, std::uint64_t seed) {
  Dice dice(seed);
  const unsigned size = 2U << dice.below(7);
  const TestRing ring(size, flags, kJustBeforeZero);
  RingProducer lcore;
  RingOutput output(ring.get(), lcore);
  const auto most = static_cast<std::uint16_t>(1 + dice.below(kMaxBurst));
  RingSource source(ring.get(), most);
  std::deque<rte_mbuf*> queue;
  std::uintptr_t next = 1;
  std::size_t high_water = 0;
  for (unsigned turn = 0; turn < 300; ++turn) {
    if (dice.below(2) == 0) {
      const auto n = static_cast<std::uint16_t>(1 + dice.below(kMaxBurst));
      std::vector<rte_mbuf*> offered = packets(next, n);
      const std::uint16_t room = static_cast<std::uint16_t>(std::min<std::size_t>(n, size - 1 - queue.size()));
      ASSERT_EQ(output.offer(offered.data(), n), room);
      queue.insert(queue.end(), offered.begin(), offered.begin() + room);
      high_water = std::max(high_water, room > 0 ? queue.size() : 0);
      next += room;
    } else {
      ASSERT_EQ(source.empty(), queue.empty());
      const std::vector<rte_mbuf*> taken = take(source);
      ASSERT_EQ(taken.empty(), queue.empty());
      ASSERT_LE(taken.size(), std::min<std::size_t>(most, queue.size()));
      ASSERT_TRUE(std::equal(taken.begin(), taken.end(), queue.begin()));
      queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(taken.size()));
    }
    ASSERT_EQ(rte_ring_count(ring.get()), queue.size());
  }
  EXPECT_EQ(lcore.high_water.get(), high_water);
  EXPECT_EQ(lcore.enqueued.get(), next - 1);
}

TEST(Ring, BehavesLikeAQueueForOneProducer) {
  for (std::uint64_t seed = 1; seed <= 2000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    behaves_like_a_queue(RING_F_SP_ENQ, seed);
  }
}

TEST(Ring, BehavesLikeAQueueBesideOtherProducers) {
  for (std::uint64_t seed = 1; seed <= 2000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    behaves_like_a_queue(RING_F_MP_HTS_ENQ, seed);
  }
}

// Else what one leg remembers would be out of date by more than an index can tell when the other has sent 2^32 packets.
TEST(Ring, LegsOfAnLcoreShareWhatItRemembers) {
  const TestRing ring(16, RING_F_SP_ENQ);
  RingProducer lcore;
  RingOutput busy(ring.get(), lcore);
  RingOutput quiet(ring.get(), lcore);
  RingSource source(ring.get(), 16);
  ASSERT_EQ(quiet.offer(packets(1, 8).data(), 8), 8);
  ASSERT_EQ(take(source), packets(1, 8));
  for (const std::uint32_t index : {0x80000000, 0xfffffff8}) {  // the busy one has sent nearly 2^32
    publish(ring.get()->prod, index);
    publish(ring.get()->cons, index);
    EXPECT_EQ(busy.offer(packets(9, 16).data(), 16), 15);
  }
  EXPECT_EQ(quiet.offer(packets(25, 1).data(), 1), 0);
  EXPECT_EQ(lcore.enqueued.get(), 8U + 15U + 15U);
  EXPECT_EQ(lcore.high_water.get(), 15U);
}

// Drivers and DPDK's tools use the same rings.
TEST(Ring, WorksWithRteRingsOwnCallsAtTheOtherEnd) {
  const TestRing ring(16, RING_F_SP_ENQ, kJustBeforeZero);
  RingProducer lcore;
  RingOutput output(ring.get(), lcore);
  RingSource source(ring.get(), 4);
  for (std::uintptr_t turn = 0; turn < 40; ++turn) {
    ASSERT_EQ(output.offer(packets(1 + turn * 3, 3).data(), 3), 3);
    void* taken[3];
    ASSERT_EQ(rte_ring_sc_dequeue_bulk(ring.get(), taken, 3, nullptr), 3U);
    ASSERT_EQ(taken[2], packet(3 + turn * 3));
  }
  // What an end remembers of the other may be long out of date, and is on the safe side.
  const TestRing other(16, RING_F_SP_ENQ, kJustBeforeZero);
  RingSource end(other.get(), 4);
  for (std::uintptr_t turn = 0; turn < 40; ++turn) {
    ASSERT_EQ(rte_ring_sp_enqueue(other.get(), packet(turn + 1)), 0);
    ASSERT_EQ(take(end), packets(turn + 1, 1));
  }
}

TEST(Ring, KeepsOrderFromThreadToThread) {
  constexpr std::uintptr_t kPackets = 1'000'000;
  const TestRing ring(64, RING_F_SP_ENQ, kJustBeforeZero);
  RingProducer lcore;
  std::thread producer([&ring, &lcore] {
    RingOutput output(ring.get(), lcore);
    for (std::uintptr_t next = 1; next <= kPackets;) {
      const auto n = static_cast<std::uint16_t>(std::min<std::uintptr_t>(1 + next % kMaxBurst, kPackets + 1 - next));
      const std::uint16_t taken = output.offer(packets(next, n).data(), n);
      next += taken;
      if (taken == 0) {
        std::this_thread::yield();
      }
    }
  });
  RingSource source(ring.get(), 32);
  std::uintptr_t out_of_order = 0;
  for (std::uintptr_t next = 1; next <= kPackets;) {
    const std::vector<rte_mbuf*> taken = take(source);
    for (const rte_mbuf* mbuf : taken) {
      out_of_order += mbuf != packet(next++) ? 1 : 0;
    }
    if (taken.empty()) {
      std::this_thread::yield();
    }
  }
  producer.join();
  EXPECT_EQ(out_of_order, 0U);
  EXPECT_TRUE(source.empty());
  EXPECT_LE(lcore.high_water.get(), 63U);
}

}  // namespace
}  // namespace ringway
