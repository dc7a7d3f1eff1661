#include "stage/own_headers.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <numeric>

#include "dpdk/mempool.h"
#include "eal_environment.h"
#include "mbufs.h"
#include "stage/swap_macs.h"

namespace ringway {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// The frame that make_frame() makes, and the same with its MAC addresses swapped.
Bytes frame_of(std::size_t length) {
  Bytes bytes(length);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}
Bytes swapped(std::size_t length) {
  Bytes bytes = frame_of(length);
  std::swap_ranges(bytes.begin(), bytes.begin() + 6, bytes.begin() + 6);
  return bytes;
}

/// A page that holds a frame at its very end and cannot be written, as a mapped capture; who frees its mbufs is
/// counted.
class ReadOnlyFrame {
 public:
  explicit ReadOnlyFrame(std::size_t length) : length_(length) {
    page_ =
        static_cast<std::uint8_t*>(mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const Bytes bytes = frame_of(length);
    std::copy(bytes.begin(), bytes.end(), data());
    mprotect(page_, kPage, PROT_READ);
    info_.free_cb = [](void*, void* released) { *static_cast<bool*>(released) = true; };
    info_.fcb_opaque = &released_;
  }
  ~ReadOnlyFrame() {
    EXPECT_TRUE(released_);
    munmap(page_, kPage);
  }
  ReadOnlyFrame(const ReadOnlyFrame&) = delete;
  ReadOnlyFrame& operator=(const ReadOnlyFrame&) = delete;

  std::uint8_t* data() const { return page_ + kPage - length_; }

  rte_mbuf* attach(rte_mempool* pool) {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool);
    const auto length = static_cast<std::uint16_t>(length_);
    rte_mbuf_ext_refcnt_set(&info_, 1);
    rte_pktmbuf_attach_extbuf(mbuf, data(), RTE_BAD_IOVA, length, &info_);
    mbuf->data_len = length;
    mbuf->pkt_len = length;
    return mbuf;
  }

 private:
  static constexpr std::size_t kPage = 4096;

  std::size_t length_;
  std::uint8_t* page_ = nullptr;
  rte_mbuf_ext_shared_info info_{};
  bool released_ = false;
};

class OwnHeadersStage : public testing::Test {
 protected:
  ~OwnHeadersStage() override {
    for (Mempool* pool : {&pool_, &headers_}) {
      const PoolAudit audit = pool->audit();
      EXPECT_EQ(audit.free, audit.size);
      EXPECT_EQ(audit.duplicates, 0U);
    }
  }

  /// As a leg does it: the stage under test, then one that writes.
  void run(const std::vector<rte_mbuf*>& mbufs) {
    fill(burst_, mbufs);
    mark(burst_.data(), burst_.size());
    poison_tailrooms(burst_.data(), burst_.size());
    OwnHeaders(headers_.get()).process(burst_, counters_);
    SwapMacs().process(burst_, counters_);
    unpoison_tailrooms(burst_.data(), burst_.size());
    for (std::uint16_t i = 0; i < burst_.size(); ++i) {
      rte_mbuf_sanity_check(burst_[i], 1);
    }
  }
  void free_burst() {
    rte_pktmbuf_free_bulk(burst_.data(), burst_.size());
    burst_.resize(0);
  }
  std::uint64_t dropped(DropReason reason) const { return counters_.dropped[static_cast<std::size_t>(reason)].get(); }
  std::uint64_t copied_packets() const { return counters_.copied_packets[0].get(); }
  std::uint64_t copied_bytes() const { return counters_.copied_bytes[0].get(); }

  Mempool pool_{"packets", 255, 0, 2048, 0};
  Mempool headers_{"headers", 63, 0, 2048, 0};
  Burst burst_;
  Counters counters_;
};

TEST_F(OwnHeadersStage, LeavesAPacketOfItsOwnAlone) {
  rte_mbuf* const mbuf = make_frame(pool_.get(), 60);
  run({mbuf});
  EXPECT_EQ(burst_[0], mbuf);
  EXPECT_EQ(mbuf->nb_segs, 1);
  EXPECT_EQ(copied_packets(), 0U);
  free_burst();
}

TEST_F(OwnHeadersStage, AClonedPacketIsWrittenInPrivate) {
  for (const bool clone_goes_first : {true, false}) {
    rte_mbuf* const mbuf = make_frame(pool_.get(), 60);
    rte_mbuf* const clone = rte_pktmbuf_clone(mbuf, pool_.get());
    const auto* const rest = rte_pktmbuf_mtod_offset(mbuf, const std::uint8_t*, 16);
    run({mbuf});
    EXPECT_EQ(bytes_of(burst_[0]), swapped(60));
    EXPECT_EQ(bytes_of(clone), frame_of(60));
    EXPECT_EQ(burst_[0]->nb_segs, 2);
    EXPECT_EQ(burst_[0]->pkt_len, 60U);
    EXPECT_EQ(rte_pktmbuf_mtod(burst_[0]->next, const std::uint8_t*), rest) << "the rest is not copied";
    if (clone_goes_first) {
      rte_pktmbuf_free(clone);
    }
    free_burst();
    if (!clone_goes_first) {
      EXPECT_EQ(bytes_of(clone), frame_of(60));
      rte_pktmbuf_free(clone);
    }
  }
  EXPECT_EQ(copied_packets(), 2U);
  EXPECT_EQ(copied_bytes(), 32U);
}

TEST_F(OwnHeadersStage, ACloneIsWrittenInPrivate) {
  rte_mbuf* const mbuf = make_frame(pool_.get(), 200, 80);
  run({rte_pktmbuf_clone(mbuf, pool_.get())});
  EXPECT_EQ(bytes_of(burst_[0]), swapped(200));
  EXPECT_EQ(bytes_of(mbuf), frame_of(200));
  EXPECT_EQ(burst_[0]->nb_segs, 4);
  EXPECT_EQ(copied_bytes(), 16U);
  rte_pktmbuf_free(mbuf);
  EXPECT_EQ(bytes_of(burst_[0]), swapped(200)) << "it keeps what it shares";
  free_burst();
}

TEST_F(OwnHeadersStage, AnExternalBufferIsNotWritten) {
  ReadOnlyFrame frame(1514);
  run({frame.attach(pool_.get())});
  EXPECT_EQ(bytes_of(burst_[0]), swapped(1514));
  EXPECT_EQ(rte_pktmbuf_mtod(burst_[0]->next, std::uint8_t*), frame.data() + 16);
  EXPECT_EQ(Bytes(frame.data(), frame.data() + 1514), frame_of(1514));
  free_burst();
}

// 14 and 16 bytes are copied whole: what is left of their packet would be a segment without data.
TEST_F(OwnHeadersStage, ShortPacketsHaveNoEmptySegments) {
  for (const std::size_t length : {14, 15, 16, 17}) {
    ReadOnlyFrame frame(length);
    run({frame.attach(pool_.get())});
    EXPECT_EQ(bytes_of(burst_[0]), swapped(length));
    EXPECT_EQ(burst_[0]->nb_segs, length % 2 == 0 ? 1 : 2) << length;
    free_burst();
  }
  EXPECT_EQ(copied_bytes(), 14U + 14U + 16U + 16U);
}

TEST_F(OwnHeadersStage, AFirstSegmentThatIsCopiedWholeGivesWayToTheNext) {
  rte_mbuf* const mbuf = make_frame(pool_.get(), 100, 16);
  run({rte_pktmbuf_clone(mbuf, pool_.get())});
  EXPECT_EQ(bytes_of(burst_[0]), swapped(100));
  EXPECT_EQ(bytes_of(mbuf), frame_of(100));
  EXPECT_EQ(burst_[0]->nb_segs, mbuf->nb_segs);
  rte_pktmbuf_free(mbuf);
  free_burst();
}

TEST_F(OwnHeadersStage, RuntsAreLeftToWhoWrites) {
  ReadOnlyFrame runt(13);
  ReadOnlyFrame nothing(0);
  run({runt.attach(pool_.get()), nothing.attach(pool_.get())});
  EXPECT_EQ(burst_.size(), 0);
  EXPECT_EQ(dropped(DropReason::kRunt), 2U);
  EXPECT_EQ(copied_packets(), 0U);
}

TEST_F(OwnHeadersStage, WhatFindsNoMbufIsDroppedByName) {
  std::vector<rte_mbuf*> taken(62);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(headers_.get(), taken.data(), 62), 0);
  ReadOnlyFrame first(60);
  ReadOnlyFrame second(61);
  run({first.attach(pool_.get()), second.attach(pool_.get()), make_frame(pool_.get(), 62)});
  ASSERT_EQ(burst_.size(), 2);
  EXPECT_EQ(bytes_of(burst_[0]), swapped(60));
  EXPECT_EQ(bytes_of(burst_[1]), swapped(62));
  EXPECT_EQ(dropped(DropReason::kNoMbuf), 1U);
  EXPECT_EQ(copied_packets(), 1U);
  free_burst();
  rte_pktmbuf_free_bulk(taken.data(), 62);
}

TEST_F(OwnHeadersStage, WhatThePacketIsStaysWithIt) {
  ReadOnlyFrame frame(60);
  rte_mbuf* const mbuf = frame.attach(pool_.get());
  mbuf->port = 7;
  mbuf->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
  mbuf->hash.rss = 0x12345678;
  mbuf->vlan_tci = 42;
  run({mbuf});
  EXPECT_EQ(burst_[0]->port, 7);
  EXPECT_EQ(burst_[0]->ol_flags, RTE_MBUF_F_RX_RSS_HASH) << "its own buffer is no external one";
  EXPECT_EQ(burst_[0]->hash.rss, 0x12345678U);
  EXPECT_EQ(burst_[0]->vlan_tci, 42);
  free_burst();
}

}  // namespace
}  // namespace ringway
