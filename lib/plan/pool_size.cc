#include "plan/pool_size.h"

#include <algorithm>
#include <bit>

#include "core/text.h"

namespace ringway {
namespace {

constexpr std::uint64_t kPage = 4096;  // an ordinary page
constexpr std::uint64_t kMib = 1024 * 1024;

// rte_mbuf, its headroom (RTE_PKTMBUF_HEADROOM), the mempool's object header, and one cache line that the mempool may
// add so that objects start on different memory channels.
constexpr std::uint64_t kMbufOverhead = 128 + 128 + 64 + 64;

// Caches for RTE_MAX_LCORE lcores, the object ring's header and the zone's alignment.
constexpr std::uint64_t kPoolOverhead = 2 * kMib;

// EAL's tables, drivers' queues and the legs.
constexpr std::uint64_t kBaseMib = 32;

}  // namespace

void PoolDemand::add(const std::string& what, std::uint64_t times, std::uint64_t each) {
  if (times * each == 0) {
    return;
  }
  mbufs_ += times * each;
  terms_.push_back(std::to_string(times) + " x " + std::to_string(each) + " (" + what + ")");
}

std::string PoolDemand::formula() const {
  return joined(terms_, " + ") + " = " + std::to_string(mbufs_);
}

std::uint64_t round_up_pool(std::uint64_t mbufs) {
  return std::bit_ceil(mbufs + 1) - 1;
}

std::uint64_t pool_bytes(const PoolPlan& pool, bool no_huge) {
  std::uint64_t object = (kMbufOverhead + pool.data_room + 63) / 64 * 64;
  if (no_huge) {
    object = object <= kPage ? kPage / (kPage / object) : (object + kPage - 1) / kPage * kPage;
  }
  return pool.size * (object + 2 * sizeof(void*)) + kPoolOverhead;
}

std::uint64_t memory_mib(const Plan& plan, unsigned socket, bool no_huge) {
  std::uint64_t bytes = 0;
  for (const auto* pools : {&plan.pools, &plan.clone_pools}) {
    for (const PoolPlan& pool : *pools) {
      bytes += pool.socket == socket ? pool_bytes(pool, no_huge) : 0;
    }
  }
  for (const LcorePlan& lcore : plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      for (const TapPlan& tap : leg.taps) {
        bytes += tap.socket == socket ? tap.size * sizeof(void*) : 0;
      }
    }
  }
  const bool first = plan.pools.empty() || plan.pools.front().socket == socket;
  return (bytes + kMib - 1) / kMib + (first ? kBaseMib : 0);
}

std::uint64_t free_mib(const std::vector<HugepageFacts>& hugepages, unsigned socket) {
  std::uint64_t mib = 0;
  for (const HugepageFacts& pages : hugepages) {
    mib += pages.socket == socket ? std::uint64_t{pages.free} * pages.page_kib / 1024 : 0;
  }
  return mib;
}

std::string reserve_command(const std::vector<HugepageFacts>& hugepages, unsigned socket, std::uint64_t mib) {
  const HugepageFacts* size = nullptr;  // of the pages to reserve: those in use, else the smallest
  for (const HugepageFacts& pages : hugepages) {
    if (pages.socket == socket) {
      size = size == nullptr || (size->total == 0 && pages.total > 0) ? &pages : size;
    }
  }
  const unsigned page_kib = size == nullptr ? 2048 : size->page_kib;
  // The kernel is told a total, and what others use stays theirs.
  const unsigned in_use = size == nullptr ? 0 : size->total - std::min(size->free, size->total);
  const std::uint64_t count = (mib * 1024 + page_kib - 1) / page_kib + in_use;
  return "echo " + std::to_string(count) + " > /sys/devices/system/node/node" + std::to_string(socket) +
         "/hugepages/hugepages-" + std::to_string(page_kib) + "kB/nr_hugepages";
}

}  // namespace ringway
