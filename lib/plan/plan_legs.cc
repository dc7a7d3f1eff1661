#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/text.h"
#include "plan/context.h"
#include "plan/drivers.h"

namespace ringway {
namespace {

// A consumer polls each of its rings, and each ring of a mesh has memory of its own. Past this many rings for one use
// the producers share a ring for each consumer instead; between CPUs a shared ring costs about three times as much a
// packet (HTS beside SP/SC at burst 32: tools/bench_rings).
constexpr std::size_t kMostMeshRings = 64;

constexpr unsigned kDefaultRingSize = 1024;
constexpr unsigned kDefaultWaitMs = 1000;

/// Who does what, which rings lie between them, and which leg runs where. Each member function decides one thing, in
/// the order of `run`.
class LegPlanner {
 public:
  explicit LegPlanner(PlanContext& context)
      : context_(context), resolved_(context.resolved), rings_(context.config.rings), plan_(context.plan()) {}

  void run() {
    plan_.ways = resolved_.ways;
    plan_.wait_ms = value_or(rings_.all.wait_ms, kDefaultWaitMs);
    plan_.symmetric = context_.config.forwarding.symmetric && context_.config.forwarding.symmetric->value;
    check_worker_count();
    add_lcores();
    for (const Way& way : plan_.ways) {
      add_work_rings(way);
    }
    for (std::size_t port = 0; port < plan_.ports.size(); ++port) {
      plan_waits(port);
      add_tx_rings(port);
    }
    apply_overrides();
    for (LcorePlan& lcore : plan_.lcores) {
      add_ring_legs(lcore, RingUse::kTx);
      add_ring_legs(lcore, RingUse::kWork);
      add_rx_legs(lcore);
    }
    for (std::size_t port = 0; port < plan_.ports.size(); ++port) {
      number_tx_queues(port);
    }
    ask_for_hashes();
    drop_idle_lcores();
  }

 private:
  Diagnostics& problems() { return context_.problems(); }
  const std::string& name(std::size_t port) const { return plan_.ports[port].name; }

  void check_worker_count() {
    if (resolved_.workers.size() > kMostWorkers) {
      problems().invalid(context_.config.lcores_at, "lcores",
                         number(resolved_.workers.size()) + " lcores work; expected at most " + number(kMostWorkers));
    }
  }

  void add_lcores() {
    std::set<unsigned> ids(resolved_.workers.begin(), resolved_.workers.end());
    for (const Assignment& assignment : resolved_.assignments) {
      ids.insert(assignment.lcore);
    }
    for (const auto* roles : {&resolved_.tx, &resolved_.generate, &resolved_.check}) {
      for (const PortRole& role : *roles) {
        ids.insert(role.lcore);
      }
    }
    for (const unsigned id : ids) {
      LcorePlan lcore{.id = id, .socket = context_.lcore_facts(id)->socket, .legs = {}, .generate = {}, .check = {}};
      for (const PortRole& role : resolved_.generate) {
        if (role.lcore == id) {
          lcore.generate.push_back(role.port);
        }
      }
      for (const PortRole& role : resolved_.check) {
        if (role.lcore == id) {
          lcore.check.push_back(role.port);
        }
      }
      plan_.lcores.push_back(std::move(lcore));
    }
  }

  /// Lcores that poll the port's RX queues.
  std::set<unsigned> receivers(std::size_t port) const {
    std::set<unsigned> ids;
    for (const Assignment& assignment : resolved_.assignments) {
      if (assignment.port == port) {
        ids.insert(assignment.lcore);
      }
    }
    return ids;
  }

  /// Lcores that do a packet's work when it has come in by `port`.
  std::set<unsigned> workers(std::size_t port) const {
    return resolved_.workers.empty() ? receivers(port)
                                     : std::set<unsigned>(resolved_.workers.begin(), resolved_.workers.end());
  }

  /// Lcores that send out of `port` for all others; empty: each sends for itself.
  std::vector<unsigned> transmitters(std::size_t port) const {
    std::set<unsigned> ids;
    for (const PortRole& role : resolved_.tx) {
      if (role.port == port) {
        ids.insert(role.lcore);
      }
    }
    return {ids.begin(), ids.end()};
  }

  /// A lone worker that receives itself needs no ring to itself.
  bool works_at_once(unsigned lcore) const {
    return resolved_.workers.empty() || (resolved_.workers.size() == 1 && resolved_.workers.front() == lcore);
  }

  void add_work_rings(const Way& way) {
    std::set<unsigned> from;
    for (const unsigned id : receivers(way.from)) {
      if (!works_at_once(id)) {
        from.insert(id);
      }
    }
    std::vector<std::pair<unsigned, unsigned>> pairs;  // producer, consumer
    for (const unsigned consumer : resolved_.workers) {
      for (const unsigned producer : from) {
        pairs.emplace_back(producer, consumer);
      }
    }
    add_rings(RingUse::kWork, way.from, pairs);
  }

  void add_tx_rings(std::size_t port) {
    const std::vector<unsigned> consumers = transmitters(port);
    std::set<unsigned> senders;
    for (const Way& way : plan_.ways) {
      if (way.to == port) {
        senders.merge(workers(way.from));
      }
    }
    std::vector<std::pair<unsigned, unsigned>> pairs;
    std::size_t next = 0;
    for (const unsigned sender : senders) {
      if (!consumers.empty() && std::find(consumers.begin(), consumers.end(), sender) == consumers.end()) {
        pairs.emplace_back(sender, consumers[next++ % consumers.size()]);
      }
    }
    add_rings(RingUse::kTx, port, pairs);
  }

  /// A mesh: a ring a pair; or, past the bound, one a consumer.
  void add_rings(RingUse use, std::size_t port, const std::vector<std::pair<unsigned, unsigned>>& pairs) {
    const bool mesh = pairs.size() <= kMostMeshRings;
    std::map<std::pair<unsigned, unsigned>, std::vector<unsigned>> producers;  // consumer, producer or 0: producers
    for (const auto& [producer, consumer] : pairs) {
      producers[{consumer, mesh ? producer : 0}].push_back(producer);
    }
    const std::string prefix = (use == RingUse::kWork ? "rx." : "tx.") + name(port) + ".";
    for (const auto& [ends, ids] : producers) {
      RingPlan ring;
      ring.name = prefix + (ids.size() == 1 ? number(ids.front()) : "all") + "-" + number(ends.first);
      ring.use = use;
      ring.port = port;
      ring.kind = ids.size() == 1 ? RingKind::kSpSc : RingKind::kHts;
      ring.size = value_or(rings_.all.size, kDefaultRingSize);
      ring.wait_ms = wait_ms(rings_.all, 0);
      ring.socket = context_.lcore_facts(ends.first)->socket;
      ring.producers = ids;
      ring.consumer = ends.first;
      plan_.rings.push_back(std::move(ring));
    }
    if (!mesh) {
      context_.why("rings", prefix + "*: " + number(pairs.size()) +
                                " rings, one a producer and consumer, would be more than " + number(kMostMeshRings) +
                                ": producers share one a consumer (HTS)");
    }
    if (!pairs.empty()) {
      check_size(rings_.all.size, "rings.size");
    }
  }

  unsigned wait_ms(const RingConfig& ring, unsigned otherwise) const {
    if (ring.when_full) {
      otherwise = ring.when_full->value == WhenFull::kWait ? std::max(otherwise, plan_.wait_ms) : 0;
    }
    return otherwise > 0 && ring.wait_ms ? ring.wait_ms->value : otherwise;
  }

  void check_size(const Maybe<unsigned>& size, const std::string& path) {
    if (size && (size->value & (size->value - 1)) != 0 && told_.insert(path).second) {
      problems().invalid(size->at, path, "is " + number(size->value) + "; expected a power of two");
    }
  }

  void apply_overrides() {
    std::vector<std::string> names;
    for (const RingPlan& ring : plan_.rings) {
      names.push_back(ring.name);
    }
    for (const RingsConfig::Override& override : rings_.overrides) {
      const auto ring = std::find_if(plan_.rings.begin(), plan_.rings.end(),
                                     [&](const RingPlan& candidate) { return candidate.name == override.name; });
      const std::string path = "rings.override." + override.name;
      if (ring == plan_.rings.end()) {
        std::string expected = did_you_mean(override.name, names);
        if (expected.empty()) {
          expected = names.empty() ? "; the lcores here need no rings" : "; expected one of " + join(names, "or");
        }
        problems().invalid(override.at, path, "is no ring of this plan" + expected);
        continue;
      }
      ring->size = value_or(override.ring.size, ring->size);
      ring->wait_ms = wait_ms(override.ring, ring->wait_ms);
      check_size(override.ring.size, path + ".size");
    }
  }

  void plan_waits(std::size_t port) {
    const Maybe<WhenFull>& asked = context_.config.ports[port].when_full;
    plan_.ports[port].wait_ms = asked && asked->value == WhenFull::kWait ? plan_.wait_ms : 0;
  }

  void add_ring_legs(LcorePlan& lcore, RingUse use) {
    for (std::size_t i = 0; i < plan_.rings.size(); ++i) {
      const RingPlan& ring = plan_.rings[i];
      if (ring.use == use && ring.consumer == lcore.id) {
        LegPlan leg;
        leg.source = FromRing{i};
        const bool works = use == RingUse::kWork;
        leg.output = works ? after_work(lcore.id, resolved_.way_from(ring.port)->to) : PortQueue{ring.port, 0};
        leg.swap_macs = works && plan_.mode == Mode::kReflect;
        lcore.legs.push_back(std::move(leg));
      }
    }
  }

  void add_rx_legs(LcorePlan& lcore) {
    for (const Assignment& assignment : resolved_.assignments) {
      if (assignment.lcore != lcore.id) {
        continue;
      }
      const std::size_t to = resolved_.way_from(assignment.port)->to;
      LegPlan leg;
      leg.source = PortQueue{assignment.port, assignment.queue};
      if (works_at_once(lcore.id)) {
        leg.output = after_work(lcore.id, to);
        leg.swap_macs = plan_.mode == Mode::kReflect;
      } else {
        leg.output = ToRings{rings_of(RingUse::kWork, assignment.port, lcore.id)};
      }
      lcore.legs.push_back(std::move(leg));
      warn_of_other_sockets(lcore, assignment.port, assignment.at);
      if (const PortQueue* tx = lcore.legs.back().tx()) {
        warn_of_other_sockets(lcore, tx->port, assignment.at);
      }
    }
  }

  void warn_of_other_sockets(const LcorePlan& lcore, std::size_t port, Location at) {
    if (plan_.ports[port].socket != lcore.socket && told_.insert(number(lcore.id) + " " + name(port)).second) {
      problems().warn(at, "lcores." + number(lcore.id),
                      "is on NUMA socket " + number(lcore.socket) + ", port '" + name(port) + "' on " +
                          number(plan_.ports[port].socket) + ": every packet crosses sockets");
    }
  }

  /// Where an lcore puts packets that are ready to go out of a port: its own TX queue, or the ring to who transmits.
  std::variant<PortQueue, ToRings> after_work(unsigned lcore, std::size_t port) const {
    const std::vector<std::size_t> rings = rings_of(RingUse::kTx, port, lcore);
    if (rings.empty()) {
      return PortQueue{port, 0};
    }
    return ToRings{rings};
  }

  std::vector<std::size_t> rings_of(RingUse use, std::size_t port, unsigned producer) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < plan_.rings.size(); ++i) {
      const RingPlan& ring = plan_.rings[i];
      if (ring.use == use && ring.port == port &&
          std::find(ring.producers.begin(), ring.producers.end(), producer) != ring.producers.end()) {
        found.push_back(i);
      }
    }
    return found;
  }

  /// A NIC's own hash saves an lcore that spreads flows the computing, and the touching of headers.
  void ask_for_hashes() {
    for (const LcorePlan& lcore : plan_.lcores) {
      for (const LegPlan& leg : lcore.legs) {
        if (leg.rx() == nullptr || leg.tx() != nullptr || leg.to_rings().size() < 2 || plan_.symmetric) {
          continue;  // symmetric hashes are computed here: a NIC's key may be its own
        }
        const DeviceFacts& facts = *context_.facts[leg.rx()->port];
        PortPlan& port = plan_.ports[leg.rx()->port];
        port.rss_hash = facts.rss_hash && facts.rss_types != 0;
        if (port.rss_hash) {
          port.rss_types = facts.rss_types;
        }
      }
    }
  }

  void drop_idle_lcores() {
    std::erase_if(plan_.lcores, [this](const LcorePlan& lcore) {
      const bool idle = lcore.legs.empty() && lcore.generate.empty() && lcore.check.empty();
      if (idle) {
        problems().warn(context_.config.lcores_at, "lcores." + number(lcore.id),
                        "has nothing to do with its roles: it is not used");
      }
      return idle;
    });
  }

  /// Each lcore that sends out of a port has a TX queue there of its own.
  void number_tx_queues(std::size_t port) {
    unsigned queues = 0;
    for (LcorePlan& lcore : plan_.lcores) {
      bool sends = false;
      for (LegPlan& leg : lcore.legs) {
        if (PortQueue* tx = leg.tx(); tx != nullptr && tx->port == port) {
          tx->queue = queues;
          sends = true;
        }
      }
      queues += sends ? 1 : 0;
    }
    fit_tx_queues(port, queues);
  }

  void fit_tx_queues(std::size_t i, unsigned senders) {
    PortPlan& port = plan_.ports[i];
    const Maybe<unsigned>& asked = context_.config.ports[i].tx_queues;
    const unsigned max = usable_tx_queues(*context_.facts[i], port.rx_queues);
    const bool paired = traits_of(*context_.facts[i]).pairs_queues;
    port.tx_queues = value_or(asked, paired ? std::max(senders, port.rx_queues) : std::max(senders, 1U));
    const Location at = place_of(asked, context_.config.ports[i].at);
    const std::string path = context_.path(i, "tx_queues");
    if (port.tx_queues > max) {
      problems().missing(
          at, path,
          "is " + number(port.tx_queues) + "; " + port.driver + " has " + number(max) + " here" +
              (asked ? ""
                     : ", and each lcore that sends needs its own: give tx: [" + port.name +
                           "] to one lcore, or all queues that lead to this port to " + number(max) + " lcore(s)"));
    } else if (port.tx_queues < senders) {
      problems().invalid(at, path,
                         "is " + number(port.tx_queues) + ", but " + number(senders) +
                             " lcores send out of this port; expected a TX queue for each");
    }
    if (paired && port.tx_queues < port.rx_queues) {
      problems().missing(at, path,
                         "is " + number(port.tx_queues) + ", and " + port.driver +
                             " takes as many as RX queues only; expected " + number(port.rx_queues));
    }
    if (!asked) {
      context_.why(path, paired ? "as many as RX queues" : "one for each lcore that sends out of it");
    }
  }

  PlanContext& context_;
  const Resolved& resolved_;
  const RingsConfig& rings_;
  Plan& plan_;
  std::set<std::string> told_;
};

}  // namespace

void plan_legs(PlanContext& context) {
  LegPlanner(context).run();
}

}  // namespace ringway
