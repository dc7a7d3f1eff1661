#include <rte_ethdev.h>

#include <algorithm>

#include "runtime/context_switches.h"
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

/// What was counted between two moments; 0 when the interface has gone, or was made anew, in between.
KernelCounters since(const KernelCounters& before, const KernelCounters& now) {
  const auto difference = [](std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; };
  return {.rx_packets = difference(before.rx_packets, now.rx_packets),
          .rx_dropped = difference(before.rx_dropped, now.rx_dropped),
          .tx_packets = difference(before.tx_packets, now.tx_packets),
          .tx_dropped = difference(before.tx_dropped, now.tx_dropped)};
}

/// Drivers on a kernel interface do not follow its link (af_packet, 22.11).
std::string link_of(const Port& port, const std::string& interface) {
  return interface.empty() || kernel_link_up(interface) ? link_state(port.id()) : "down";
}

PortTotals totals_of(const Port& port, const std::string& interface, const KernelCounters& at_start) {
  rte_eth_stats stats{};
  rte_eth_stats_get(port.id(), &stats);
  PortTotals totals{.name = port.settings().name,
                    .link = link_of(port, interface),
                    .rx_packets = stats.ipackets,
                    .rx_bytes = stats.ibytes,
                    .tx_packets = stats.opackets,
                    .tx_bytes = stats.obytes,
                    .rx_missed = stats.imissed,
                    .rx_errors = stats.ierrors,
                    .rx_no_mbuf = stats.rx_nombuf,
                    .tx_errors = stats.oerrors,
                    .tx_refused = 0,
                    .kernel = {}};
  if (!interface.empty()) {
    // Drivers on a kernel interface do not see what the kernel drops (af_packet, 22.11).
    totals.kernel = since(at_start, kernel_counters(interface));
  }
  return totals;
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
  return totals;
}

Totals Runtime::totals() const {
  Totals totals = packets();
  totals.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    totals.ports.push_back(totals_of(ports_[i], plan_.ports[i].interface, kernel_at_start_[i]));
  }
  for (const auto& lcore : lcores_) {
    LcoreTotals of_lcore{.id = lcore->id};
    of_lcore.busy_cycles = lcore->loop->busy_cycles().get();
    of_lcore.idle_cycles = lcore->loop->idle_cycles().get();
    if (const int thread_id = lcore->thread_id.load(std::memory_order_acquire); thread_id != 0) {
      const ContextSwitches now = context_switches(thread_id);
      of_lcore.voluntary_context_switches = now.voluntary - lcore->voluntary_at_start;
      of_lcore.involuntary_context_switches = now.involuntary - lcore->involuntary_at_start;
    }
    for (const auto& leg : lcore->legs) {
      of_lcore.packets += leg->counters().received.get();
      of_lcore.bursts += leg->counters().bursts.get();
    }
    totals.lcores.push_back(of_lcore);
  }
  for (const auto& [plan, leg] : planned_) {
    if (const PortQueue* tx = plan->tx()) {
      totals.ports[tx->port].tx_refused += leg->counters().dropped[static_cast<std::size_t>(DropReason::kTxFull)].get();
    }
  }
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    totals.rings.push_back(ring_totals(i));
  }
  if (traffic_) {
    totals.traffic = traffic_->totals();
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      totals.ports[i].rx_missed += traffic_->missed(i);
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
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    links.push_back(link_of(ports_[i], plan_.ports[i].interface));
  }
  return links;
}

bool Runtime::traffic_done() const {
  return traffic_ && traffic_->done();
}

std::string Runtime::latency_text() const {
  return traffic_ ? traffic_->latency_text() : std::string();
}

}  // namespace ringway
