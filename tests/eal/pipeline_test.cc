#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "eal_environment.h"
#include "mbufs.h"
#include "ring_ports.h"
#include "runtime/runtime.h"

namespace ringway {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kFrames = 20000;

RingPlan ring_to_transmit(RingKind kind, unsigned wait_ms, unsigned size) {
  return {.name = "tx.c.all-1",
          .use = RingUse::kTx,
          .port = 2,
          .kind = kind,
          .size = size,
          .wait_ms = wait_ms,
          .socket = 0,
          .producers = {1, 2},
          .consumer = 1};
}

LegPlan into_ring(std::size_t port) {
  LegPlan plan;
  plan.source = PortQueue{port, 0};
  plan.output = ToRings{{0}};
  return plan;
}

LegPlan out_of_ring(std::size_t port) {
  LegPlan plan;
  plan.source = FromRing{0};
  plan.output = PortQueue{port, 0};
  return plan;
}

/// Ports a and b on lcores of their own, one shared ring, and out of port c by lcore 1.
struct FanIn {
  FanIn(const std::string& name, unsigned wait_ms, unsigned size)
      : frames(name + "_frames", 4095, 0, 2048, 0), a(name + "_a"), b(name + "_b"), c(name + "_c") {
    Plan plan = small_plan(3, "net_ring", name);
    plan.ports[2].wait_ms = wait_ms;
    plan.rings = {ring_to_transmit(RingKind::kHts, wait_ms, size)};
    plan.lcores = {lcore(1, {out_of_ring(2), into_ring(0)}), lcore(2, {into_ring(1)})};
    runtime = std::make_unique<Runtime>(plan, PortIds{a.id(), b.id(), c.id()});
  }

  /// Puts a frame with a number into a port, if it has room.
  bool put(RingPort& port, std::uint32_t number) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(frames.get());
    if (mbuf == nullptr) {
      return false;
    }
    mbuf->hash.usr = number;
    mbuf->data_len = 60;
    mbuf->pkt_len = 60;
    if (rte_ring_enqueue(port.in(), mbuf) != 0) {
      rte_pktmbuf_free(mbuf);
      return false;
    }
    return true;
  }

  Mempool frames;
  RingPort a;
  RingPort b;
  RingPort c;
  std::unique_ptr<Runtime> runtime;
};

TEST(Pipeline, TwoProducersShareARingInOrder) {
  FanIn rig("fanin", 60000, 64);
  rig.runtime->start();
  std::uint32_t next_in[2] = {0, 0};
  std::uint32_t next_out[2] = {0, 0};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (next_out[0] + next_out[1] < 2 * kFrames && std::chrono::steady_clock::now() < deadline) {
    for (std::uint32_t from = 0; from < 2; ++from) {
      if (next_in[from] < kFrames && rig.put(from == 0 ? rig.a : rig.b, from << 31U | next_in[from])) {
        ++next_in[from];
      }
    }
    for (void* object = nullptr; rte_ring_dequeue(rig.c.out(), &object) == 0;) {
      auto* mbuf = static_cast<rte_mbuf*>(object);
      const std::uint32_t from = mbuf->hash.usr >> 31U;
      ASSERT_EQ(mbuf->hash.usr & 0x7fffffffU, next_out[from]);
      ++next_out[from];
      rte_pktmbuf_free(mbuf);
    }
  }
  const Report report = rig.runtime->stop();
  EXPECT_EQ(report.totals.transmitted, 2U * kFrames);
  EXPECT_EQ(report.totals.all_dropped(), 0U);
  EXPECT_TRUE(report.balanced());
  ASSERT_EQ(report.totals.rings.size(), 1U);
  EXPECT_EQ(report.totals.rings[0].kind, "HTS");
  EXPECT_EQ(report.totals.rings[0].enqueued, 2U * kFrames);
  EXPECT_EQ(report.totals.rings[0].dequeued, 2U * kFrames);
  EXPECT_LE(report.totals.rings[0].high_water, 63U);
}

TEST(Pipeline, WhatIsOnItsWayAtStopGoesOut) {
  FanIn rig("stopping", 0, 256);
  for (std::uint32_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(rig.put(rig.a, i));
    ASSERT_TRUE(rig.put(rig.b, i));
  }
  const std::vector<LegUnit*> legs = rig.runtime->legs();  // ring to c, a, b
  for (int i = 0; i < 3; ++i) {
    legs.at(1)->poll();
    legs.at(2)->poll();
  }
  EXPECT_EQ(rig.runtime->totals().on_their_way(), 192);
  rig.runtime->start();
  const Report report = rig.runtime->stop();
  EXPECT_GE(report.totals.transmitted, 192U);
  EXPECT_EQ(report.totals.received, report.totals.transmitted + report.totals.all_dropped());
  EXPECT_EQ(report.totals.rings.at(0).fill, 0U);
  EXPECT_TRUE(report.balanced());
  for (void* object = nullptr; rte_ring_dequeue(rig.c.out(), &object) == 0;) {
    rte_pktmbuf_free(static_cast<rte_mbuf*>(object));
  }
}

TEST(Pipeline, WhatNobodyTakesIsCountedAtStop) {
  FanIn rig("left", 60000, 64);
  for (std::uint32_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(rig.put(rig.a, i));
  }
  const std::vector<LegUnit*> legs = rig.runtime->legs();
  while (legs.at(1)->poll() > 0) {
  }
  EXPECT_EQ(legs.at(1)->held(), 1U);  // 63 are in the ring, of the second burst one was refused
  const Report report = rig.runtime->stop();
  EXPECT_EQ(report.totals.received, 100U);
  EXPECT_EQ(report.totals.dropped[static_cast<std::size_t>(DropReason::kShutdown)], 100U);
  EXPECT_TRUE(report.balanced());
}

}  // namespace
}  // namespace ringway
