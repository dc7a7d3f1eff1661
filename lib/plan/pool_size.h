#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "plan/inventory.h"
#include "plan/plan.h"

namespace ringway {

/// What may hold mbufs of one pool at the same moment: named terms and their sum.
class PoolDemand {
 public:
  /// Adds `times` x `each` mbufs under a name, such as `RX queues x descriptors of east`.
  void add(const std::string& what, std::uint64_t times, std::uint64_t each);

  std::uint64_t mbufs() const noexcept { return mbufs_; }
  /// `2 x 512 (RX descriptors of east) + ... = 1344`.
  std::string formula() const;

 private:
  std::uint64_t mbufs_ = 0;
  std::vector<std::string> terms_;
};

/// The smallest 2^k - 1 that holds `mbufs`: a mempool's ring has 2^k slots and holds one fewer, so no slot is wasted.
std::uint64_t round_up_pool(std::uint64_t mbufs);

/// mbufs that an lcore's cache really keeps: DPDK 22.11 flushes it at 1.5 times its size.
constexpr unsigned cache_reach(unsigned cache) {
  return cache + cache / 2;
}

/// Bytes of memory that a pool takes: objects with their headers, and DPDK's own tables. `no_huge`: on ordinary pages,
/// which an object does not cross.
std::uint64_t pool_bytes(const PoolPlan& pool, bool no_huge);

/// MiB for everything on one NUMA socket: its pools and, on the first socket, EAL's and the drivers' own share.
std::uint64_t memory_mib(const Plan& plan, unsigned socket, bool no_huge);

/// MiB of free hugepages on one NUMA socket.
std::uint64_t free_mib(const std::vector<HugepageFacts>& hugepages, unsigned socket);

/// The command that leaves at least `mib` MiB of hugepages free on a NUMA socket.
std::string reserve_command(const std::vector<HugepageFacts>& hugepages, unsigned socket, std::uint64_t mib);

}  // namespace ringway
