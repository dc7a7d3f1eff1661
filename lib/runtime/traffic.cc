#include "runtime/traffic.h"

#include <rte_cycles.h>

#include <algorithm>
#include <span>

#include "plan/drivers.h"
#include "runtime/histogram_export.h"

namespace ringway {

// Legs of traffic, compiled here: their speed is not the forwarder's.
using GenerateLeg = DropLeg<Generator, RingOutput>;     // at a rate: what the port has no room for is missed
using GenerateMaxLeg = WaitLeg<Generator, RingOutput>;  // as fast as the port takes it
using CheckLeg = Leg<RingSource, Checker>;

static LegRef ref_of(GenerateLeg& leg) noexcept {
  return leg_ref(leg);
}
static LegRef ref_of(GenerateMaxLeg& leg) noexcept {
  return leg_ref(leg);
}
static LegRef ref_of(CheckLeg& leg) noexcept {
  return leg_ref(leg);
}

namespace {

constexpr std::uint64_t kForever = UINT64_MAX;  // TSC cycles

double cycles_per_ns() {
  return static_cast<double>(rte_get_tsc_hz()) / 1e9;
}

}  // namespace

Traffic::Traffic(const Plan& plan, const std::vector<std::unique_ptr<LabPort>>& labs,
                 const std::vector<rte_mempool*>& pools)
    : plan_(plan), labs_(labs), pools_(pools), flows_(plan.ports.size()) {
  std::uint32_t first = 0;
  for (const Way& way : plan.ways) {
    if (plan.ports[way.from].generates()) {
      PortFlows& flows = flows_[way.from];
      flows = {.port = static_cast<unsigned>(way.from),
               .first = first,
               .flows = plan.traffic->flows,
               .queues = plan.ports[way.from].rx_queues};
      first += flows.count();
    }
  }
}

TrafficProfile Traffic::profile(const Way& way) const {
  const TrafficPlan& traffic = *plan_.traffic;
  return {.frame_bytes = traffic.frame_bytes,
          .flows = traffic.flows,
          .ipv6_ppm = traffic.ipv6_ppm,
          .vlans = traffic.vlans,
          .packets_per_s = traffic.packets_per_s,
          .packets = traffic.packets,
          .seconds = traffic.seconds,
          .faults_ppm = traffic.faults_ppm,
          .longest = longest_frame(plan_.ports[way.to].mtu)};
}

std::vector<const PortFlows*> Traffic::arriving_at(std::size_t port) const {
  std::vector<const PortFlows*> flows;
  for (const Way& way : plan_.ways) {
    if (way.to == port && plan_.ports[way.from].generates()) {
      flows.push_back(&flows_[way.from]);
    }
  }
  return flows;
}

std::vector<NumaPtr<LegUnit>> Traffic::make_legs(const LcorePlan& lcore) {
  std::vector<NumaPtr<LegUnit>> legs;
  for (const std::size_t port : lcore.check) {
    if (!plan_.ports[port].replay) {
      make_checkers(port, lcore.socket, legs);
    }
  }
  for (const std::size_t port : lcore.generate) {
    if (plan_.ports[port].generates()) {
      make_generators(port, lcore.socket, legs);
    }
  }
  return legs;
}

void Traffic::make_generators(std::size_t port, unsigned socket, std::vector<NumaPtr<LegUnit>>& legs) {
  const auto burst = static_cast<std::uint16_t>(plan_.burst);
  const Way& way =
      *std::find_if(plan_.ways.begin(), plan_.ways.end(), [port](const Way& out) { return out.from == port; });
  const bool checked = std::any_of(plan_.lcores.begin(), plan_.lcores.end(), [this, &way](const LcorePlan& lcore) {
    return !plan_.ports[way.to].replay &&
           std::find(lcore.check.begin(), lcore.check.end(), way.to) != lcore.check.end();
  });
  for (unsigned queue = 0; queue < plan_.ports[port].rx_queues; ++queue) {
    GeneratorUnit unit{.port = port,
                       .counters = make_on_socket<GeneratorCounters>(socket),
                       .into_port = make_on_socket<RingProducer>(socket),
                       .leg = nullptr,
                       .checked = checked};
    const Generator generator(profile(way), flows_[port], queue, pools_[plan_.ports[port].pool], burst,
                              rte_get_tsc_hz(), *unit.counters);
    const RingOutput output(labs_[port]->rx(queue), *unit.into_port);
    if (plan_.traffic->packets_per_s > 0) {
      legs.push_back(
          make_on_socket<LegOf<GenerateLeg>>(socket, Rank::kGenerate, generator, CrossConnect(Dropping(output))));
    } else {
      legs.push_back(make_on_socket<LegOf<GenerateMaxLeg>>(socket, Rank::kGenerate, generator,
                                                           CrossConnect(Waiting(output, kForever))));
    }
    legs.back()->set_name("generator for " + plan_.ports[port].name + '.' + std::to_string(queue));
    unit.leg = legs.back().get();
    generators_.push_back(std::move(unit));
  }
}

void Traffic::make_checkers(std::size_t port, unsigned socket, std::vector<NumaPtr<LegUnit>>& legs) {
  auto unit = std::make_unique<CheckerUnit>();
  // Most often those of one way; where it is several, what lies between them stays foreign.
  std::uint32_t first = UINT32_MAX;
  std::uint32_t end = 0;
  for (const PortFlows* flows : arriving_at(port)) {
    first = std::min(first, flows->first);
    end = std::max(end, flows->first + flows->count());
  }
  unit->flows.resize(end - std::min(first, end), {.fault = {}, .foreign = true});
  for (const PortFlows* flows : arriving_at(port)) {
    const auto theirs = std::span(unit->flows).subspan(flows->first - first, flows->count());
    std::fill(theirs.begin(), theirs.end(), FlowState{});
    mark_faults(theirs, *flows);
  }
  unit->counters = make_on_socket<CheckerCounters>(socket);
  unit->latency = make_on_socket<Histogram>(socket);
  for (unsigned queue = 0; queue < plan_.ports[port].tx_queues; ++queue) {
    const RingSource source(labs_[port]->tx(queue), static_cast<std::uint16_t>(plan_.burst));
    legs.push_back(make_on_socket<LegOf<CheckLeg>>(socket, Rank::kCheck, source,
                                                   Checker(unit->flows, first, *unit->counters, *unit->latency)));
    legs.back()->set_name("checker behind " + plan_.ports[port].name + '.' + std::to_string(queue));
  }
  checkers_.push_back(std::move(unit));
}

bool Traffic::done() const {
  return std::all_of(generators_.begin(), generators_.end(),
                     [](const GeneratorUnit& unit) { return unit.counters->done.load(std::memory_order_relaxed); });
}

bool Traffic::GeneratorUnit::holds() const noexcept {
  const Counters& counts = leg->counters();
  return counts.received.get() != counts.transmitted.get() + missed();
}

std::uint64_t Traffic::GeneratorUnit::missed() const noexcept {
  std::uint64_t packets = 0;
  for (const Counter& dropped : leg->counters().dropped) {
    packets += dropped.get();
  }
  return packets;
}

bool Traffic::handed_over() const {
  return std::none_of(generators_.begin(), generators_.end(), [](const GeneratorUnit& unit) { return unit.holds(); });
}

std::uint64_t Traffic::missed(std::size_t port) const {
  std::uint64_t packets = 0;
  for (const GeneratorUnit& unit : generators_) {
    packets += unit.port == port ? unit.missed() : 0;
  }
  return packets;
}

TrafficTotals Traffic::totals() const {
  TrafficTotals totals;
  // Checkers first: what is made in between must not look received before it was sent.
  for (const auto& unit : checkers_) {
    const CheckerCounters& counters = *unit->counters;
    totals.received += counters.received.get();
    totals.unique += counters.unique.get();
    totals.duplicated += counters.duplicated.get();
    totals.reordered += counters.reordered.get();
    totals.altered += counters.altered.get();
    totals.stale += counters.stale.get();
    totals.unknown += counters.unknown.get();
    totals.not_dropped += counters.not_dropped.get();
  }
  for (const GeneratorUnit& unit : generators_) {
    const std::uint64_t sent = unit.counters->sent.get();
    totals.sent += sent;
    totals.unchecked += unit.checked ? 0 : sent;
    totals.expected_drops += unit.checked ? unit.counters->sent_expected_to_drop.get() : 0;
    totals.forgone += unit.counters->forgone.get();
    totals.missed += unit.missed();
  }
  Histogram latency;
  add_latencies(latency);
  for (std::size_t i = 0; i < kLatencyPercents.size(); ++i) {
    totals.latency_ns[i] = static_cast<double>(latency.percentile(kLatencyPercents[i])) / cycles_per_ns();
  }
  totals.latency_max_ns = static_cast<double>(latency.max()) / cycles_per_ns();
  totals.latency_buckets = snapshot(latency, cycles_per_ns());
  return totals;
}

void Traffic::add_latencies(Histogram& into) const {
  for (const auto& unit : checkers_) {
    into.add(*unit->latency);
  }
}

std::string Traffic::latency_text() const {
  Histogram latency;
  add_latencies(latency);
  return to_hdr_text(latency, cycles_per_ns());
}

}  // namespace ringway
