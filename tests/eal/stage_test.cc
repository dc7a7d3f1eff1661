#include <gtest/gtest.h>

#include "datapath/copy_payload.h"
#include "dpdk/mempool.h"
#include "eal_environment.h"
#include "mbufs.h"
#include "stage/limit_frames.h"
#include "stage/swap_macs.h"

namespace ringway {
namespace {

std::uint64_t dropped(const Counters& counters, DropReason reason) {
  return counters.dropped[static_cast<std::size_t>(reason)].get();
}

class Stages : public testing::Test {
 protected:
  ~Stages() override {
    const PoolAudit audit = pool_.audit();
    EXPECT_EQ(audit.free, audit.size);
    EXPECT_EQ(audit.duplicates, 0U);
  }

  /// Runs a stage over frames of these lengths and frees what it keeps; returns what it kept.
  template <class Stage>
  std::vector<std::vector<std::uint8_t>> run(const Stage& stage, const std::vector<std::size_t>& lengths,
                                             std::size_t segment = 2048) {
    std::vector<rte_mbuf*> mbufs;
    for (const std::size_t length : lengths) {
      mbufs.push_back(make_frame(pool_.get(), length, segment));
    }
    Burst burst;
    fill(burst, mbufs);
    poison_tailrooms(burst.data(), burst.size());
    stage.process(burst, counters_);
    unpoison_tailrooms(burst.data(), burst.size());
    std::vector<std::vector<std::uint8_t>> kept;
    for (std::uint16_t i = 0; i < burst.size(); ++i) {
      kept.push_back(bytes_of(burst[i]));
    }
    rte_pktmbuf_free_bulk(burst.data(), burst.size());
    return kept;
  }

  Mempool pool_{"stages", 1023, 0, 2048, 0};
  Counters counters_;
};

std::vector<std::size_t> lengths_of(const std::vector<std::vector<std::uint8_t>>& frames) {
  std::vector<std::size_t> lengths;
  for (const auto& frame : frames) {
    lengths.push_back(frame.size());
  }
  return lengths;
}

TEST_F(Stages, LimitFramesKeepsBothEnds) {
  EXPECT_EQ(lengths_of(run(LimitFrames(14, 1518), {14, 60, 1518})), (std::vector<std::size_t>{14, 60, 1518}));
  EXPECT_EQ(dropped(counters_, DropReason::kFrameTooShort), 0U);
  EXPECT_EQ(dropped(counters_, DropReason::kFrameTooLong), 0U);
}

TEST_F(Stages, LimitFramesDropsOutsideUnderTheRightReason) {
  EXPECT_EQ(lengths_of(run(LimitFrames(14, 1518), {60, 13, 1519, 61, 0, 1518, 1600})),
            (std::vector<std::size_t>{60, 61, 1518}));
  EXPECT_EQ(dropped(counters_, DropReason::kFrameTooShort), 2U);
  EXPECT_EQ(dropped(counters_, DropReason::kFrameTooLong), 2U);
}

TEST_F(Stages, LimitFramesMeasuresChainsAsAWhole) {
  EXPECT_EQ(lengths_of(run(LimitFrames(0, 1000), {900, 1001, 1000}, 100)), (std::vector<std::size_t>{900, 1000}));
  EXPECT_EQ(dropped(counters_, DropReason::kFrameTooLong), 1U);
}

TEST_F(Stages, LimitFramesMayDropAll) {
  EXPECT_TRUE(run(LimitFrames(100, 200), {1, 2, 201, 300}).empty());
  EXPECT_EQ(dropped(counters_, DropReason::kFrameTooShort) + dropped(counters_, DropReason::kFrameTooLong), 4U);
}

TEST_F(Stages, SwapMacsSwapsAndTouchesNothingElse) {
  for (const std::size_t length : {14, 15, 16, 17, 60, 1514}) {
    const auto frames = run(SwapMacs(), {length});
    ASSERT_EQ(frames.size(), 1U);
    for (std::size_t i = 0; i < length; ++i) {
      const std::size_t origin = i < 6 ? i + 6 : i < 12 ? i - 6 : i;
      EXPECT_EQ(frames[0][i], static_cast<std::uint8_t>(origin)) << "byte " << i << " of " << length;
    }
  }
}

TEST_F(Stages, SwapMacsDropsRuntsAmongOthers) {
  const auto frames = run(SwapMacs(), {60, 13, 0, 14, 61, 5});
  EXPECT_EQ(lengths_of(frames), (std::vector<std::size_t>{60, 14, 61}));
  for (const auto& frame : frames) {
    EXPECT_EQ(frame[0], 6);
    EXPECT_EQ(frame[6], 0);
  }
  EXPECT_EQ(dropped(counters_, DropReason::kRunt), 3U);
}

TEST_F(Stages, SwapMacsDropsAHeaderSplitOverSegments) {
  EXPECT_TRUE(run(SwapMacs(), {60}, 13).empty());
  EXPECT_EQ(dropped(counters_, DropReason::kRunt), 1U);
}

TEST_F(Stages, CopiesEnterTheLedger) {
  char from[42] = "payload";
  char to[42] = {};
  copy_payload(to, from, sizeof from, CopyReason::kSharedHeader, counters_);
  EXPECT_STREQ(to, "payload");
  EXPECT_EQ(counters_.copied_packets[0].get(), 1U);
  EXPECT_EQ(counters_.copied_bytes[0].get(), sizeof from);
}

/// A stage with the mistake that every parser makes once: it reads past the end of the frame.
struct OverReader {
  void process(Burst& burst, Counters&) const noexcept {
    const volatile auto* data = rte_pktmbuf_mtod(burst[0], const std::uint8_t*);
    static_cast<void>(data[burst[0]->data_len]);
  }
};

TEST_F(Stages, AReadPastTheEndIsSeen) {
#if defined(__SANITIZE_ADDRESS__)
  Burst burst;
  fill(burst, {make_frame(pool_.get(), 14)});
  poison_tailrooms(burst.data(), burst.size());
  EXPECT_DEATH(OverReader().process(burst, counters_), "use-after-poison");
  unpoison_tailrooms(burst.data(), burst.size());
  rte_pktmbuf_free(burst[0]);
#else
  GTEST_SKIP() << "needs an AddressSanitizer build";
#endif
}

}  // namespace
}  // namespace ringway
