#pragma once

#include <vector>

#include "plan/inventory.h"
#include "plan/plan.h"
#include "plan/resolve.h"

namespace ringway {

/// An RX queue that wants an lcore.
struct QueueToPlace {
  std::size_t port = 0;  ///< index of the port it belongs to
  unsigned queue = 0;
  unsigned socket = 0;       ///< NUMA socket of the port
  std::size_t to = 0;        ///< index of the port that its packets leave by
  unsigned max_senders = 0;  ///< lcores that may send out of that port: its TX queues
};

/// Gives every queue an lcore: NUMA-local first, then the one with the fewest queues, then one that shares no physical
/// core with an lcore in use, then the lowest id; never more lcores on an output than it has TX queues. `lcores` must
/// not be empty. `why` gets a sentence a queue under `lcores.ID`.
std::vector<Assignment> place(const std::vector<QueueToPlace>& queues, const std::vector<LcoreFacts>& lcores,
                              const std::vector<PortPlan>& ports, Reasons& why);

}  // namespace ringway
