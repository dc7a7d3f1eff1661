#include "dpdk/ring.h"

#include <rte_errno.h>

#include "core/errors.h"

namespace ringway {

Ring::Ring(const std::string& name, unsigned size, bool shared, unsigned socket)
    : ring_(rte_ring_create(name.c_str(), size, static_cast<int>(socket),
                            (shared ? unsigned{RING_F_MP_HTS_ENQ} : unsigned{RING_F_SP_ENQ}) | RING_F_SC_DEQ),
            &rte_ring_free) {
  if (!ring_) {
    throw Error(rte_errno == ENOMEM ? ExitStatus::kResourceMissing : ExitStatus::kFailed,
                "rte_ring_create: ring " + name + " of " + std::to_string(size) + " on NUMA socket " +
                    std::to_string(socket) + ": " + rte_strerror(rte_errno));
  }
}

}  // namespace ringway
