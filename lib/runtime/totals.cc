#include <algorithm>

#include "runtime/runtime.h"

namespace ringway {
namespace {

void add_drops_and_copies(Totals& totals, const Counters& counters) {
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    totals.dropped[i] += counters.dropped[i].get();
  }
  for (std::size_t i = 0; i < kCopyReasons; ++i) {
    totals.copied_packets[i] += counters.copied_packets[i].get();
    totals.copied_bytes[i] += counters.copied_bytes[i].get();
  }
}

}  // namespace

Totals Runtime::packets() const {
  Totals totals;
  for (const auto& [plan, leg] : planned_) {
    const Counters& counters = leg->counters();
    totals.received += plan->rx() != nullptr ? counters.received.get() : 0;
    totals.transmitted += plan->tx() != nullptr ? counters.transmitted.get() : 0;
    add_drops_and_copies(totals, counters);
  }
  totals.received += drained_.received.get();
  add_drops_and_copies(totals, drained_);
  add_drops_and_copies(totals, captures_->ledger());
  return totals;
}

Totals Runtime::totals() const {
  Totals totals = packets();
  totals.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  for (const PortUnit& port : ports_) {
    totals.ports.push_back(port.totals());
  }
  for (const auto& lcore : lcores_) {
    totals.lcores.push_back(lcore->totals());
  }
  for (const auto& [plan, leg] : planned_) {
    if (const PortQueue* tx = plan->tx()) {
      totals.ports[tx->port].tx_refused += leg->counters().dropped[static_cast<std::size_t>(DropReason::kTxFull)].get();
    }
  }
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    totals.rings.push_back(ring_totals(i));
  }
  totals.captures = captures_->totals();
  if (traffic_) {
    totals.traffic = traffic_->totals();
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      totals.ports[i].rx_missed += traffic_->missed(i);
    }
  }
  if (replays_) {
    totals.replays = replays_->totals();
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      totals.ports[i].rx_missed += replays_->missed(i);
    }
  }
  return totals;
}

RingTotals Runtime::ring_totals(std::size_t i) const {
  const RingPlan& plan = plan_.rings[i];
  RingTotals totals{.name = plan.name, .kind = plan.kind == RingKind::kHts ? "HTS" : "SP/SC", .size = plan.size};
  totals.dequeued = ring_readers_[i]->counters().received.get();
  totals.fill = rte_ring_count(rings_[i].ring.get());
  for (const auto& [lcore, producer] : rings_[i].producers) {
    totals.enqueued += producer->enqueued.get();
    totals.refused += producer->refused.get();
    totals.high_water = std::max(totals.high_water, producer->high_water.get());
  }
  return totals;
}

std::vector<std::string> Runtime::links() const {
  std::vector<std::string> links;
  for (const PortUnit& port : ports_) {
    links.push_back(port.link());
  }
  return links;
}

bool Runtime::traffic_done() const {
  if (replays_ && replays_->failed()) {
    return true;
  }
  const bool any = replays_ != nullptr || (traffic_ && traffic_->generates());
  return any && (!traffic_ || traffic_->done()) && (!replays_ || replays_->done());
}

std::string Runtime::latency_text() const {
  return traffic_ ? traffic_->latency_text() : std::string();
}

}  // namespace ringway
