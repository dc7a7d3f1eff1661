#include "dpdk/mempool.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <vector>

#include "core/errors.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace ringway {
namespace {

void free_pool(rte_mempool* pool) {
#if defined(__SANITIZE_ADDRESS__)
  // A packet that was lost under a stage has left its tailroom poisoned; EAL clears the memory when it takes it back.
  rte_mempool_mem_iter(
      pool,
      [](rte_mempool*, void*, rte_mempool_memhdr* chunk, unsigned) {
        ASAN_UNPOISON_MEMORY_REGION(chunk->addr, chunk->len);
      },
      nullptr);
#endif
  rte_mempool_free(pool);
}

}  // namespace

Mempool::Mempool(const std::string& name, unsigned size, unsigned cache, unsigned data_room, unsigned socket,
                 bool patient)
    : pool_(rte_pktmbuf_pool_create_by_ops(
                name.c_str(), size, cache, 0,
                static_cast<std::uint16_t>(data_room == kNoBuffer ? 0 : data_room + RTE_PKTMBUF_HEADROOM),
                static_cast<int>(socket), patient ? "ring_mt_rts" : nullptr),
            &free_pool) {
  if (!pool_) {
    throw Error(rte_errno == ENOMEM ? ExitStatus::kResourceMissing : ExitStatus::kFailed,
                "rte_pktmbuf_pool_create: pool " + name + " of " + std::to_string(size) + " mbufs of " +
                    std::to_string(data_room) + " bytes on NUMA socket " + std::to_string(socket) + ": " +
                    rte_strerror(rte_errno) + "; --plan prints the memory to reserve");
  }
  if (patient) {
    // Only who gives back is to go on beside a preempted thread: if others took on beside it, the ring would have no
    // room for what they give back, until it goes on.
    rte_ring_set_cons_htd_max(static_cast<rte_ring*>(pool_->pool_data), 0);
  }
}

PoolAudit Mempool::audit() {
  for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; ++lcore) {
    if (rte_mempool_cache* cache = rte_mempool_default_cache(pool_.get(), lcore)) {
      rte_mempool_cache_flush(cache, pool_.get());
    }
  }
  std::vector<void*> found;
  void* object = nullptr;
  while (found.size() < 2UL * pool_->size && rte_mempool_generic_get(pool_.get(), &object, 1, nullptr) == 0) {
    found.push_back(object);
  }
  std::sort(found.begin(), found.end());
  const auto end = std::unique(found.begin(), found.end());
  PoolAudit audit{.size = pool_->size,
                  .free = static_cast<unsigned>(end - found.begin()),
                  .duplicates = static_cast<unsigned>(found.end() - end)};
  found.erase(end, found.end());
  for (void* mbuf : found) {
    rte_mempool_generic_put(pool_.get(), &mbuf, 1, nullptr);
  }
  return audit;
}

}  // namespace ringway
