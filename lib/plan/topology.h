#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace ringway {

/// What a node is, in the order in which packets pass. A port and an lcore are one node for each part they play, so
/// that every edge leads on and none leads back.
enum class NodeKind {
  kGenerator,    ///< an lcore that feeds lab ports
  kPortIn,       ///< a port where packets come in
  kReceiver,     ///< an lcore with its legs that poll RX queues
  kWorker,       ///< an lcore with its legs that take from rings of RingUse::kWork
  kTransmitter,  ///< an lcore with its legs that take from rings of RingUse::kTx
  kPortOut,      ///< a port where packets go out
  kChecker,      ///< an lcore that empties lab ports
};

/// What packets pass from node to node, in that order.
enum class EdgeKind { kGenerate, kRx, kRing, kTx, kCheck };

/// Who hands packets to whom: a plan as a graph. Its texts are printable ASCII.
struct Topology {
  struct Node {
    NodeKind kind = NodeKind::kPortIn;
    std::size_t id = 0;  ///< of a port its index in Plan::ports, of an lcore its EAL id
    std::string name;    ///< `east`, `lcore 1`
    unsigned socket = 0;
    std::vector<std::string> facts;  ///< `net_e1000_igb`, `driver copies 0 in, 0 out`; `receive`, `swap MACs`

    /// Whether it is one part of a port; otherwise of an lcore.
    bool is_port() const noexcept { return kind == NodeKind::kPortIn || kind == NodeKind::kPortOut; }
  };

  /// A queue, a ring, or the memory between a lab port and who feeds or empties it.
  struct Edge {
    EdgeKind kind = EdgeKind::kRx;
    std::string name;                ///< `RX east.0`, `rx.east.1-3`, `TX west.0`, `generate east`
    std::string label;               ///< the name beside its nodes: `RX 0`
    std::vector<std::string> facts;  ///< `512 descriptors`, `drops when full`
    std::vector<std::size_t> from;   ///< indices of nodes; several for a ring or queue that nodes share
    std::size_t to = 0;              ///< index of a node
  };

  std::vector<Node> nodes;         ///< by kind and id
  std::vector<Edge> edges;         ///< by kind and number
  std::vector<std::string> notes;  ///< queues that nobody uses; who copies packets
};

/// The graph of a plan: each lcore, ring and port, each queue in use; a note names the others.
Topology topology_of(const Plan& plan);

/// Numbers in rising order as `0, 2-5`.
std::string ranges(const std::vector<std::size_t>& numbers);

}  // namespace ringway
