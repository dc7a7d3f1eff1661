#include "plan/plan.h"

#include <algorithm>

namespace ringway {

std::string leg_name(const Plan& plan, const LegPlan& leg) {
  const auto queue = [&](const PortQueue& of) { return plan.ports[of.port].name + '.' + std::to_string(of.queue); };
  std::string name = leg.rx() != nullptr ? queue(*leg.rx()) : "ring " + plan.rings[leg.from_ring()].name;
  if (leg.tx() != nullptr) {
    return name + " to " + queue(*leg.tx());
  }
  const char* between = " to ring ";
  for (const std::size_t ring : leg.to_rings()) {
    name += between + plan.rings[ring].name;
    between = ", ";
  }
  return name;
}

bool leg_waits(const Plan& plan, const LegPlan& leg) {
  if (const PortQueue* tx = leg.tx()) {
    return plan.ports[tx->port].wait_ms > 0;
  }
  return std::any_of(leg.to_rings().begin(), leg.to_rings().end(),
                     [&](std::size_t ring) { return plan.rings[ring].wait_ms > 0; });
}

TapPort tap_port(const Plan& plan, const LegPlan& leg, bool outbound) {
  if (outbound && leg.tx() != nullptr) {
    return {leg.tx()->port, true};
  }
  if (leg.rx() != nullptr) {
    return {leg.rx()->port, false};
  }
  const RingPlan& ring = plan.rings[leg.from_ring()];
  return {ring.port, ring.use == RingUse::kTx};
}

}  // namespace ringway
