#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dpdk/mempool.h"
#include "mbufs.h"
#include "ring_ports.h"
#include "runtime/runtime.h"

namespace ringway {

/// Puts frames into port a, polls the one leg by hand, and returns what comes out of port b.
struct LegRig {
  explicit LegRig(const std::string& name, unsigned ring_size = 256)
      : pool(name + "_frames", 1023, 0, 2048, 0), a(name + "_a", ring_size), b(name + "_b", ring_size) {}

  /// Of small_plan(), with its one leg.
  void make(const Plan& plan) { runtime = std::make_unique<Runtime>(plan, PortIds{a.id(), b.id()}); }

  std::vector<rte_mbuf*> frames(std::size_t count, std::size_t segment = 2048) {
    std::vector<rte_mbuf*> mbufs;
    for (std::size_t i = 0; i < count; ++i) {
      mbufs.push_back(make_frame(pool.get(), 60 + i, segment));
    }
    return mbufs;
  }

  void put(const std::vector<rte_mbuf*>& mbufs) {
    for (rte_mbuf* mbuf : mbufs) {
      ASSERT_EQ(rte_ring_enqueue(a.in(), mbuf), 0);
    }
  }

  std::vector<rte_mbuf*> forward() {
    while (runtime->legs().at(0)->poll() > 0) {
    }
    std::vector<rte_mbuf*> out(rte_ring_count(b.out()));
    for (rte_mbuf*& mbuf : out) {
      void* object = nullptr;
      rte_ring_dequeue(b.out(), &object);
      mbuf = static_cast<rte_mbuf*>(object);
    }
    return out;
  }

  /// All frames are back, each once.
  void expect_full() {
    const PoolAudit audit = pool.audit();
    EXPECT_EQ(audit.free, audit.size);
    EXPECT_EQ(audit.duplicates, 0U);
  }

  Mempool pool;
  RingPort a;
  RingPort b;
  std::unique_ptr<Runtime> runtime;
};

}  // namespace ringway
