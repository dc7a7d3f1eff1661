#include "ownership.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace ringway {
namespace {

using Queue = std::pair<std::size_t, unsigned>;  // port, queue

/// Who uses what, as the legs have it.
struct Users {
  std::map<Queue, unsigned> receiving_legs;
  std::map<Queue, std::set<unsigned>> senders;             // lcores
  std::map<std::size_t, std::set<unsigned>> producers;     // ring: lcores
  std::map<std::size_t, std::vector<unsigned>> consumers;  // ring: the lcore of each leg
};

void add(const LegPlan& leg, unsigned lcore, Users& users) {
  if (const PortQueue* rx = leg.rx()) {
    ++users.receiving_legs[{rx->port, rx->queue}];
  } else {
    users.consumers[leg.from_ring()].push_back(lcore);
  }
  if (const PortQueue* tx = leg.tx()) {
    users.senders[{tx->port, tx->queue}].insert(lcore);
  } else {
    for (const std::size_t ring : leg.to_rings()) {
      users.producers[ring].insert(lcore);
    }
  }
}

void check_queues(const Plan& plan, const Users& users, Findings& findings) {
  for (const Way& way : plan.ways) {
    for (unsigned queue = 0; queue < plan.ports[way.from].rx_queues; ++queue) {
      const auto legs = users.receiving_legs.find({way.from, queue});
      findings.equal("owner", "legs that poll an RX queue", legs == users.receiving_legs.end() ? 0 : legs->second, 1);
    }
  }
  for (const auto& [queue, lcores] : users.senders) {
    findings.equal("owner", "lcores that send to a TX queue", static_cast<std::int64_t>(lcores.size()), 1);
    if (queue.second >= plan.ports[queue.first].tx_queues) {
      findings.add("owner", "a leg sends to a TX queue that is not there");
    }
  }
}

void check_rings(const Plan& plan, const Users& users, Findings& findings) {
  for (std::size_t i = 0; i < plan.rings.size(); ++i) {
    const RingPlan& ring = plan.rings[i];
    const auto producers = users.producers.find(i);
    const auto consumers = users.consumers.find(i);
    if (producers == users.producers.end() ||
        !std::equal(ring.producers.begin(), ring.producers.end(), producers->second.begin(), producers->second.end())) {
      findings.add("owner", "ring " + ring.name + " has other producers than its plan says");
    }
    if (consumers == users.consumers.end() || consumers->second != std::vector<unsigned>{ring.consumer}) {
      findings.add("owner", "ring " + ring.name + " is not taken from by one leg of the lcore that its plan says");
    }
    if ((ring.kind == RingKind::kSpSc) != (ring.producers.size() == 1)) {
      findings.add("owner", "ring " + ring.name + " is not made for as many producers as it has");
    }
  }
}

}  // namespace

void check_ownership(const Plan& plan, Findings& findings) {
  Users users;
  for (const LcorePlan& lcore : plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      add(leg, lcore.id, users);
    }
  }
  check_queues(plan, users, findings);
  check_rings(plan, users, findings);
}

}  // namespace ringway
