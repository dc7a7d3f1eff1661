#include "plan/plan.h"

#include <algorithm>

namespace ringway {

bool leg_waits(const Plan& plan, const LegPlan& leg) {
  if (const PortQueue* tx = leg.tx()) {
    return plan.ports[tx->port].wait_ms > 0;
  }
  return std::any_of(leg.to_rings().begin(), leg.to_rings().end(),
                     [&](std::size_t ring) { return plan.rings[ring].wait_ms > 0; });
}

}  // namespace ringway
