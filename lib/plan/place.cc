#include "plan/place.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

namespace ringway {
namespace {

bool siblings(const LcoreFacts& a, const LcoreFacts& b) {
  return a.id != b.id && a.socket == b.socket && a.core == b.core;
}

}  // namespace

std::vector<Assignment> place(const std::vector<QueueToPlace>& queues, const std::vector<LcoreFacts>& lcores,
                              const std::vector<PortPlan>& ports, Reasons& why) {
  std::vector<Assignment> placed;
  std::map<unsigned, unsigned> load;                  // lcore: queues
  std::map<std::size_t, std::set<unsigned>> senders;  // output port: lcores
  for (const QueueToPlace& queue : queues) {
    const std::set<unsigned>& sending = senders[queue.to];
    const bool full = sending.size() >= queue.max_senders;
    const LcoreFacts* best = nullptr;
    auto best_rank = std::tuple(true, 0U, true, 0U);
    for (const LcoreFacts& lcore : lcores) {
      if (full && !sending.contains(lcore.id)) {
        continue;
      }
      const bool shares_core = std::any_of(lcores.begin(), lcores.end(), [&](const LcoreFacts& other) {
        return load[other.id] > 0 && siblings(lcore, other);
      });
      const auto rank = std::tuple(lcore.socket != queue.socket, load[lcore.id], shares_core, lcore.id);
      if (best == nullptr || rank < best_rank) {
        best = &lcore;
        best_rank = rank;
      }
    }
    std::string sentence =
        ports[queue.port].name + "." + std::to_string(queue.queue) + ": lcore " + std::to_string(best->id) + " is " +
        (best->socket == queue.socket ? "on the port's NUMA socket " : "the least far, on NUMA socket ") +
        std::to_string(best->socket);
    sentence += full ? " and already sends out of " + ports[queue.to].name + ", which has no TX queue for another lcore"
                     : " and had the fewest queues (" + std::to_string(load[best->id]) + ")";
    why.emplace("lcores." + std::to_string(best->id), sentence);
    ++load[best->id];
    senders[queue.to].insert(best->id);
    placed.push_back({best->id, queue.port, queue.queue, {}});
  }
  return placed;
}

}  // namespace ringway
