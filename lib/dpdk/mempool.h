#pragma once

#include <rte_mempool.h>

#include <memory>
#include <string>

namespace ringway {

/// What a pool holds when nobody uses it any more.
struct PoolAudit {
  unsigned size = 0;        ///< mbufs made
  unsigned free = 0;        ///< different mbufs found in it
  unsigned duplicates = 0;  ///< mbufs found again: freed twice
};

/// A pool of mbufs.
class Mempool {
 public:
  /// Of mbufs without a buffer, to clone others with.
  static constexpr unsigned kNoBuffer = ~0U;

  /// `data_room`: bytes of packet data an mbuf holds, headroom not included; or kNoBuffer. `patient`: a thread that may
  /// be preempted in the middle of giving mbufs back, as no lcore should be, does not hold up others that do (RTS),
  /// until they have given back an eighth of the pool. Throws Error with the call and the object.
  Mempool(const std::string& name, unsigned size, unsigned cache, unsigned data_room, unsigned socket,
          bool patient = false);

  rte_mempool* get() const noexcept { return pool_.get(); }

  /// Takes everything out, caches included, looks at each mbuf, and puts each back once. `rte_mempool_audit` and the
  /// pool's counts do not see a double free. Main thread only, when no lcore and no port uses the pool.
  PoolAudit audit();

 private:
  std::unique_ptr<rte_mempool, void (*)(rte_mempool*)> pool_;
};

}  // namespace ringway
