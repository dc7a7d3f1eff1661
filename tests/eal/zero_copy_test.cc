#include <gtest/gtest.h>

#include "datapath/copy_payload.h"
#include "eal_environment.h"
#include "leg_rig.h"

namespace ringway {
namespace {

struct Rig : LegRig {
  explicit Rig(const std::string& name, const LegPlan& leg_plan = leg(0, 1), unsigned ring_size = 256)
      : LegRig(name, ring_size) {
    Plan plan = small_plan(2, "net_ring", name);
    plan.lcores[0].legs = {leg_plan};
    make(plan);
  }
};

TEST(ZeroCopy, TheMbufsThatComeOutAreTheMbufsThatWentIn) {
  Rig rig("pointers");
  const std::vector<rte_mbuf*> in = rig.frames(100);
  rig.put(in);
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_EQ(out, in);  // the same pointers, in the same order
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i]->pkt_len, 60 + i);
    EXPECT_EQ(bytes_of(out[i])[59], 59);
    rte_pktmbuf_free(out[i]);
  }
  const Report report = rig.runtime->stop();
  EXPECT_EQ(report.totals.received, 100U);
  EXPECT_EQ(report.totals.transmitted, 100U);
  EXPECT_EQ(report.totals.copied_packets[0], 0U);
  EXPECT_TRUE(report.balanced());
  rig.expect_full();
}

TEST(ZeroCopy, ChainsPassUntouched) {
  Rig rig("chains");
  const std::vector<rte_mbuf*> in = rig.frames(40, 16);
  rig.put(in);
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_EQ(out, in);
  for (rte_mbuf* mbuf : out) {
    EXPECT_EQ(mbuf->nb_segs, (mbuf->pkt_len + 15) / 16);
    rte_pktmbuf_free(mbuf);
  }
  EXPECT_TRUE(rig.runtime->stop().balanced());
  rig.expect_full();
}

TEST(ZeroCopy, ReflectEditsInPlace) {
  LegPlan swap = leg(0, 1);
  swap.swap_macs = true;
  Rig rig("reflect", swap);
  const std::vector<rte_mbuf*> in = rig.frames(10);
  rig.put(in);
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_EQ(out, in);
  for (rte_mbuf* mbuf : out) {
    EXPECT_EQ(bytes_of(mbuf)[0], 6);
    EXPECT_EQ(bytes_of(mbuf)[6], 0);
    rte_pktmbuf_free(mbuf);
  }
  EXPECT_TRUE(rig.runtime->stop().balanced());
  rig.expect_full();
}

TEST(ZeroCopy, WhatTheOutputRefusesIsCountedAndFreed) {
  Rig rig("refused", leg(0, 1), 64);  // a ring of 64 holds 63
  rig.put(rig.frames(63));
  while (rig.runtime->legs().at(0)->poll() > 0) {
  }
  rig.put(rig.frames(50));  // nobody empties b: all of these are refused
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_EQ(out.size(), 63U);
  for (rte_mbuf* mbuf : out) {
    rte_pktmbuf_free(mbuf);
  }
  const Report report = rig.runtime->stop();
  EXPECT_EQ(report.totals.received, 113U);
  EXPECT_EQ(report.totals.transmitted, 63U);
  EXPECT_EQ(report.totals.dropped[static_cast<std::size_t>(DropReason::kTxFull)], 50U);
  EXPECT_EQ(report.totals.ports.at(1).tx_refused, 50U);
  EXPECT_TRUE(report.balanced());
  rig.expect_full();
}

TEST(ZeroCopy, WhatADriverKeepsAtStopIsCountedAndFreed) {
  Rig rig("kept");
  rig.put(rig.frames(77));
  const Report report = rig.runtime->stop();
  EXPECT_EQ(report.totals.received, 77U);
  EXPECT_EQ(report.totals.dropped[static_cast<std::size_t>(DropReason::kShutdown)], 77U);
  EXPECT_TRUE(report.balanced());
  rig.expect_full();
}

TEST(ZeroCopy, AStageThatCopiesShowsInTheLedgerAndInThePointers) {
  // What the other tests would miss if they could not fail: a stage that sends a copy instead of the packet.
  struct Copier {
    rte_mempool* pool;
    void process(Burst& burst, Counters& counters) const noexcept {
      for (std::uint16_t i = 0; i < burst.size(); ++i) {
        rte_mbuf* copy = rte_pktmbuf_alloc(pool);
        const std::uint16_t bytes = burst[i]->data_len;
        copy->data_len = bytes;
        copy->pkt_len = bytes;
        copy_payload(rte_pktmbuf_mtod(copy, void*), rte_pktmbuf_mtod(burst[i], void*), bytes, CopyReason::kSharedHeader,
                     counters);
        rte_pktmbuf_free(burst[i]);
        burst[i] = copy;
      }
    }
  };
  Rig rig("copier");
  const Copier copier{rig.pool.get()};
  rig.runtime->legs().at(0)->add_stage(stage_ref(copier));
  const std::vector<rte_mbuf*> in = rig.frames(3);
  rig.put(in);
  const std::vector<rte_mbuf*> out = rig.forward();
  EXPECT_NE(out, in);
  for (rte_mbuf* mbuf : out) {
    rte_pktmbuf_free(mbuf);
  }
  const Report report = rig.runtime->stop();
  EXPECT_EQ(report.totals.copied_packets[0], 3U);
  EXPECT_EQ(report.totals.copied_bytes[0], 60U + 61U + 62U);
  EXPECT_EQ(report.in_other_buffers, kCustody ? 3U : 0U);
  EXPECT_EQ(report.exit_status(), kCustody ? ExitStatus::kUnbalanced : ExitStatus::kClean);
}

}  // namespace
}  // namespace ringway
