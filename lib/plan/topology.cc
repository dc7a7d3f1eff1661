#include "plan/topology.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "config/characters.h"
#include "core/text.h"
#include "plan/drivers.h"

namespace ringway {
namespace {

using NodeKey = std::pair<NodeKind, std::size_t>;
using EdgeKey = std::tuple<EdgeKind, std::size_t, std::size_t>;  // port and queue, ring, or port and lcore

struct Ends {
  std::set<NodeKey> from;
  NodeKey to;
};

/// What an lcore's legs of one part do.
struct Deeds {
  std::size_t legs = 0;
  bool works = false;
  bool sends = false;
  bool owns_headers = false;
  bool swaps_macs = false;
  std::set<std::string> captures;                          // that look at its packets
  std::map<std::string, std::vector<std::string>> limits;  // frame lengths: the RX queues whose frames are held to them
};

std::string when_full(unsigned wait_ms) {
  return wait_ms > 0 ? "waits up to " + std::to_string(wait_ms) + " ms when full" : "drops when full";
}

/// Collects edges from the legs, then nodes from the edges' ends.
class TopologyBuilder {
 public:
  explicit TopologyBuilder(const Plan& plan) : plan_(plan) {}

  Topology run() {
    for (const LcorePlan& lcore : plan_.lcores) {
      for (const std::size_t port : lcore.generate) {
        link({EdgeKind::kGenerate, port, lcore.id}, {NodeKind::kGenerator, lcore.id}, {NodeKind::kPortIn, port});
      }
      for (const LegPlan& leg : lcore.legs) {
        add_leg(lcore.id, leg);
      }
      for (const std::size_t port : lcore.check) {
        link({EdgeKind::kCheck, port, lcore.id}, {NodeKind::kPortOut, port}, {NodeKind::kChecker, lcore.id});
      }
    }
    add_nodes();
    for (const auto& [key, ends] : edges_) {
      Topology::Edge& edge = out_.edges.emplace_back(described(key));
      for (const NodeKey& from : ends.from) {
        edge.from.push_back(numbers_.at(from));
      }
      edge.to = numbers_.at(ends.to);
    }
    note_unused_queues();
    note_copies();
    return std::move(out_);
  }

 private:
  void link(const EdgeKey& key, const NodeKey& from, const NodeKey& to) {
    Ends& ends = edges_[key];
    ends.from.insert(from);
    ends.to = to;
  }

  NodeKind part(const LegPlan& leg) const {
    if (leg.rx() != nullptr) {
      return NodeKind::kReceiver;
    }
    return plan_.rings[leg.from_ring()].use == RingUse::kWork ? NodeKind::kWorker : NodeKind::kTransmitter;
  }

  void add_leg(unsigned lcore, const LegPlan& leg) {
    const NodeKey node{part(leg), lcore};
    Deeds& deeds = deeds_[node];
    ++deeds.legs;
    deeds.owns_headers = deeds.owns_headers || leg.own_headers;
    deeds.swaps_macs = deeds.swaps_macs || leg.swap_macs;
    for (const TapPlan& tap : leg.taps) {
      for (const std::size_t capture : tap.captures) {
        deeds.captures.insert(plan_.captures[capture].name);
      }
    }
    if (const PortQueue* rx = leg.rx()) {
      link({EdgeKind::kRx, rx->port, rx->queue}, {NodeKind::kPortIn, rx->port}, node);
      if (leg.limit) {
        deeds.limits[std::to_string(leg.limit->min) + " to " + std::to_string(leg.limit->max) + " bytes"].push_back(
            queue_name(EdgeKind::kRx, rx->port, std::to_string(rx->queue)));
      }
    } else {
      edges_[{EdgeKind::kRing, leg.from_ring(), 0}].to = node;
    }
    if (const PortQueue* tx = leg.tx()) {
      link({EdgeKind::kTx, tx->port, tx->queue}, node, {NodeKind::kPortOut, tx->port});
      deeds.sends = true;
      deeds.works = deeds.works || node.first != NodeKind::kTransmitter;
      return;
    }
    for (const std::size_t ring : leg.to_rings()) {
      edges_[{EdgeKind::kRing, ring, 0}].from.insert(node);
      deeds.works = deeds.works || plan_.rings[ring].use == RingUse::kTx;
    }
  }

  void add_nodes() {
    for (const auto& [key, ends] : edges_) {
      for (const NodeKey& from : ends.from) {
        numbers_[from] = 0;
      }
      numbers_[ends.to] = 0;
    }
    for (auto& [key, number] : numbers_) {
      number = out_.nodes.size();
      Topology::Node node{.kind = key.first, .id = key.second, .name = {}, .socket = 0, .facts = {}};
      if (node.is_port()) {
        const PortPlan& port = plan_.ports[key.second];
        const std::string copies = std::to_string(driver_copies(port));
        node.name = port.name;
        node.socket = port.socket;
        node.facts = {shown(port.driver), "driver copies " + copies + " in, " + copies + " out"};
      } else {
        node.name = "lcore " + std::to_string(key.second);
        node.socket = std::find_if(plan_.lcores.begin(), plan_.lcores.end(), [&node](const LcorePlan& lcore) {
                        return lcore.id == node.id;
                      })->socket;
        node.facts = deeds_of(key);
      }
      out_.nodes.push_back(std::move(node));
    }
  }

  std::vector<std::string> deeds_of(const NodeKey& key) {
    if (key.first == NodeKind::kGenerator || key.first == NodeKind::kChecker) {
      return far_deeds_of(key);
    }
    const Deeds& deeds = deeds_[key];
    std::vector<std::string> facts;
    if (key.first == NodeKind::kReceiver) {
      facts.emplace_back("receive");
    }
    for (const auto& [limit, queues] : deeds.limits) {
      facts.push_back("drop frames " + (queues.size() < deeds.legs ? "of " + join(queues) + " " : "") + "outside " +
                      limit);
    }
    if (deeds.works) {
      facts.emplace_back("work");
    }
    if (deeds.owns_headers) {
      facts.emplace_back("own headers");
    }
    if (deeds.swaps_macs) {
      facts.emplace_back("swap MACs");
    }
    if (deeds.sends) {
      facts.emplace_back("transmit");
    }
    if (!deeds.captures.empty()) {
      facts.push_back("capture " + join({deeds.captures.begin(), deeds.captures.end()}));
    }
    return facts;
  }

  /// What an lcore does behind ports in memory.
  std::vector<std::string> far_deeds_of(const NodeKey& key) const {
    std::vector<std::string> facts;
    for (const auto& [edge, ends] : edges_) {
      const auto& [kind, port, lcore] = edge;
      if ((kind == EdgeKind::kGenerate && key.first == NodeKind::kGenerator && lcore == key.second) ||
          (kind == EdgeKind::kCheck && key.first == NodeKind::kChecker && lcore == key.second)) {
        const std::string deed = far_deed(kind, port);
        if (std::find(facts.begin(), facts.end(), deed) == facts.end()) {
          facts.push_back(deed);
        }
      }
    }
    return facts;
  }

  std::string far_deed(EdgeKind kind, std::size_t port) const {
    const bool replays = plan_.ports[port].replay.has_value();
    return kind == EdgeKind::kGenerate ? (replays ? "replay" : "generate") : (replays ? "discard" : "check");
  }

  std::string queue_name(EdgeKind kind, std::size_t port, const std::string& queue) const {
    return (kind == EdgeKind::kRx ? "RX " : "TX ") + plan_.ports[port].name + "." + queue;
  }

  Topology::Edge described(const EdgeKey& key) const {
    const auto& [kind, index, queue] = key;
    Topology::Edge edge{.kind = kind, .name = {}, .label = {}, .facts = {}, .from = {}, .to = 0};
    if (kind == EdgeKind::kRing) {
      const RingPlan& ring = plan_.rings[index];
      edge.name = edge.label = ring.name;
      edge.facts = {(ring.kind == RingKind::kHts ? "HTS ring of " : "SP/SC ring of ") + std::to_string(ring.size),
                    "NUMA socket " + std::to_string(ring.socket), when_full(ring.wait_ms)};
      return edge;
    }
    const PortPlan& port = plan_.ports[index];
    if (kind == EdgeKind::kGenerate || kind == EdgeKind::kCheck) {
      edge.label = far_deed(kind, index);
      edge.name = edge.label + " " + port.name;
      return edge;
    }
    const bool rx = kind == EdgeKind::kRx;
    edge.name = queue_name(kind, index, std::to_string(queue));
    edge.label = (rx ? "RX " : "TX ") + std::to_string(queue);
    edge.facts = {std::to_string(rx ? port.rx_descriptors : port.tx_descriptors) + " descriptors"};
    if (!rx) {
      edge.facts.push_back(when_full(port.wait_ms));
    }
    return edge;
  }

  void note_unused_queues() {
    std::vector<std::string> unused;
    for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
      for (const EdgeKind kind : {EdgeKind::kRx, EdgeKind::kTx}) {
        std::vector<std::size_t> queues;
        for (std::size_t queue = 0;
             queue < (kind == EdgeKind::kRx ? plan_.ports[i].rx_queues : plan_.ports[i].tx_queues); ++queue) {
          if (!edges_.contains({kind, i, queue})) {
            queues.push_back(queue);
          }
        }
        if (!queues.empty()) {
          unused.push_back(queue_name(kind, i, ranges(queues)));
        }
      }
    }
    if (!unused.empty()) {
      out_.notes.push_back("not in use: " + join(unused));
    }
  }

  void note_copies() {
    std::string copies;
    for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
      const unsigned count = driver_copies(plan_.ports[i]);
      for (const auto& [kind, half] : {std::pair{NodeKind::kPortIn, ".rx "}, {NodeKind::kPortOut, ".tx "}}) {
        if (count > 0 && numbers_.contains({kind, i})) {
          copies += (copies.empty() ? "" : ", ") + plan_.ports[i].name + half + std::to_string(count);
        }
      }
    }
    if (!plan_.captures.empty()) {
      out_.notes.push_back("captures: packets reach their writer by reference; it copies what goes into the files");
    }
    out_.notes.push_back(copies.empty() ? "zero copy here: nobody copies"
                                        : "zero copy here: the forwarder copies nothing; drivers copy: " + copies);
  }

  const Plan& plan_;
  std::map<EdgeKey, Ends> edges_;
  std::map<NodeKey, Deeds> deeds_;
  std::map<NodeKey, std::size_t> numbers_;
  Topology out_;
};

}  // namespace

Topology topology_of(const Plan& plan) {
  return TopologyBuilder(plan).run();
}

std::string ranges(const std::vector<std::size_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t first = numbers[i];
    while (i + 1 < numbers.size() && numbers[i + 1] == numbers[i] + 1) {
      ++i;
    }
    text += (text.empty() ? "" : ", ") + std::to_string(first) +
            (numbers[i] > first ? "-" + std::to_string(numbers[i]) : "");
  }
  return text;
}

}  // namespace ringway
