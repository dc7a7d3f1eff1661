#define ALLOW_EXPERIMENTAL_API  // to unplug a device that is none
#include "runtime/runtime.h"

#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <time.h>

#include <chrono>
#include <thread>

#include "core/errors.h"
#include "eal_environment.h"
#include "mbufs.h"
#include "ring_ports.h"

namespace ringway {
namespace {

using std::chrono::milliseconds;

TEST(Runtime, LcoresForwardUntilStopped) {
  Plan plan = small_plan(2, "net_null", "lcores");
  plan.lcores = {lcore(1, {leg(0, 1)}), lcore(2, {leg(1, 0)})};
  const PortIds ids = {attach_port("net_null_r0", eal_environment().output()),
                       attach_port("net_null_r1", eal_environment().output())};
  Runtime runtime(plan, ids);
  runtime.start();
  while (runtime.totals().lcores[0].packets == 0 || runtime.totals().lcores[1].packets == 0) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  const Report report = runtime.stop();
  EXPECT_TRUE(report.balanced());
  EXPECT_GT(report.totals.lcores[0].busy_cycles, 0U);
  EXPECT_EQ(report.totals.received, report.totals.ports[0].rx_packets + report.totals.ports[1].rx_packets);
  EXPECT_EQ(report.totals.transmitted, report.totals.ports[0].tx_packets + report.totals.ports[1].tx_packets);
}

TEST(Runtime, DestroysWithoutAReportToo) {
  Plan plan = small_plan(1, "net_null", "destroyed");
  plan.lcores[0].legs = {leg(0, 0)};
  Runtime runtime(plan, {attach_port("net_null_d0", eal_environment().output())});
  runtime.start();
}

TEST(Runtime, NamesTheCallAndTheObjectThatFail) {
  Plan plan = small_plan(1, "net_null", "nopool");
  plan.pools[0].size = 1U << 24;  // 40 GiB
  const PortIds ids = {attach_port("net_null_f0", eal_environment().output())};
  try {
    const Runtime runtime(plan, ids);
    FAIL() << "made a pool larger than the memory";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::kResourceMissing);
    EXPECT_NE(std::string(error.what()).find("rte_pktmbuf_pool_create: pool nopool of 16777216 mbufs"),
              std::string::npos)
        << error.what();
  }
}

/// Waits for one mbuf on a ring, at most a second.
void* wait_for(rte_ring* ring) {
  void* object = nullptr;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (rte_ring_dequeue(ring, &object) != 0 && std::chrono::steady_clock::now() < deadline) {
  }
  return object;
}

TEST(Runtime, AnIdleLcoreSleepsAndStillForwards) {
  RingPort a("idle_a");
  RingPort b("idle_b");
  Mempool pool("idle_frames", 255, 0, 2048, 0);
  Plan plan = small_plan(2, "net_ring", "idle");
  plan.lcores[0].legs = {leg(0, 1)};
  Runtime runtime(plan, {a.id(), b.id()});
  runtime.start();
  std::this_thread::sleep_for(milliseconds(200));
  const Totals before = runtime.totals();
  std::this_thread::sleep_for(milliseconds(300));
  const Totals idle = runtime.totals();
  // Each sleep is one voluntary switch: thousands in 300 ms when it sleeps 20 us at a time, none when it spins.
  EXPECT_GT(idle.lcores[0].voluntary_context_switches - before.lcores[0].voluntary_context_switches, 100U);
  EXPECT_EQ(idle.lcores[0].busy_cycles, before.lcores[0].busy_cycles);
  rte_ring_enqueue(a.in(), make_frame(pool.get(), 60));
  void* out = wait_for(b.out());
  ASSERT_NE(out, nullptr);
  rte_pktmbuf_free(static_cast<rte_mbuf*>(out));
  EXPECT_TRUE(runtime.stop().balanced());
}

TEST(Runtime, SleepCanBeSwitchedOff) {
  Plan plan = small_plan(2, "net_ring", "spin");
  plan.idle = {.spin_polls = 10, .pause_polls = 10, .sleep_us = 0};
  plan.lcores[0].legs = {leg(0, 1)};
  RingPort a("spin_a");
  RingPort b("spin_b");
  Runtime runtime(plan, {a.id(), b.id()});
  runtime.start();
  std::this_thread::sleep_for(milliseconds(200));
  const Report report = runtime.stop();
  EXPECT_LT(report.totals.lcores[0].voluntary_context_switches, 20U);
  EXPECT_GT(report.totals.lcores[0].idle_cycles, 0U);
}

/// Ports a and b joined on one lcore, c reflecting on another; b is unplugged.
void lose_a_port(const std::string& name, unsigned wait_ms) {
  Plan plan = small_plan(3, "net_null", name);
  plan.ports[1].wait_ms = wait_ms;
  plan.ports[1].device = "0000:00:1f.6";  // so that it counts as one that can be unplugged
  plan.lcores = {lcore(1, {leg(0, 1), leg(1, 0)}), lcore(2, {leg(2, 2)})};
  const auto attached = [&](const char* number) {
    return attach_port("net_null_" + name + number, eal_environment().output());
  };
  Runtime runtime(plan, {attached("0"), attached("1"), attached("2")});
  runtime.start();
  const auto received = [&](std::size_t port) { return runtime.totals().ports[port].rx_packets; };
  while (received(0) == 0 || received(1) == 0 || received(2) == 0) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_TRUE(runtime.tend_ports(eal_environment().output()).empty());
  rte_dev_event_callback_process("0000:00:1f.6", RTE_DEV_EVENT_REMOVE);
  const auto news = runtime.tend_ports(eal_environment().output());
  ASSERT_EQ(news.size(), 1U);
  EXPECT_NE(news[0].find("port 'b': 0000:00:1f.6 is being unplugged"), std::string::npos) << news[0];
  EXPECT_EQ(runtime.links(), (std::vector<std::string>{"up, 10000 Mbit/s", "lost", "up, 10000 Mbit/s"}));
  const Totals then = runtime.totals();
  EXPECT_GT(then.ports[1].rx_packets, 0U);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_TRUE(runtime.tend_ports(eal_environment().output()).empty());
  const Report report = runtime.stop();
  const auto port_lost = static_cast<std::size_t>(DropReason::kPortLost);
  EXPECT_EQ(report.totals.ports[1].rx_packets, then.ports[1].rx_packets);
  EXPECT_GT(report.totals.ports[0].rx_packets, then.ports[0].rx_packets);
  EXPECT_GT(report.totals.ports[2].rx_packets, then.ports[2].rx_packets);
  // At the rate of a port in memory, not a burst each time that waiting is over.
  EXPECT_GT(report.totals.dropped[port_lost], 10'000U);
  EXPECT_EQ(report.totals.dropped[port_lost], report.totals.all_dropped());
  EXPECT_TRUE(report.balanced());
}

TEST(Runtime, LosesAPortAndGoesOn) {
  lose_a_port("lost", 0);
}

TEST(Runtime, WaitsForNoRoomAtAPortThatIsLost) {
  lose_a_port("lostwait", 60'000);
}

TEST(Mempool, AuditSeesWhatIsOutAndWhatIsInTwice) {
  Mempool pool("audited", 127, 16, 2048, 0);
  rte_mbuf* out = rte_pktmbuf_alloc(pool.get());
  rte_mbuf* twice = rte_pktmbuf_alloc(pool.get());
  EXPECT_EQ(pool.audit().free, 125U);
  rte_mbuf_raw_free(twice);
  rte_mbuf_raw_free(twice);
  const PoolAudit audit = pool.audit();
  EXPECT_EQ(audit.free, 126U);
  EXPECT_EQ(audit.duplicates, 1U);
  rte_pktmbuf_free(out);
  EXPECT_EQ(pool.audit().free, 127U);
  EXPECT_EQ(pool.audit().duplicates, 0U);  // the audit puts each back once
}

}  // namespace
}  // namespace ringway
