#include "runtime/replays.h"

#include <rte_cycles.h>

#include <algorithm>

#include "plan/drivers.h"
#include "traffic/sink.h"

namespace ringway {

// Compiled here: their speed is not the forwarder's. A capture is sent whole: what the port has no room for waits.
using ReplayLeg = WaitLeg<Replayer, RingOutput>;
using SinkLeg = Leg<RingSource, Sink>;

static LegRef ref_of(ReplayLeg& leg) noexcept {
  return leg_ref(leg);
}
static LegRef ref_of(SinkLeg& leg) noexcept {
  return leg_ref(leg);
}

namespace {

constexpr std::uint64_t kForever = UINT64_MAX;  // TSC cycles

std::string bytes_text(std::uint64_t bytes) {
  return std::to_string(bytes) + " bytes";
}

}  // namespace

Replays::Replays(const Plan& plan, const std::vector<std::unique_ptr<LabPort>>& labs,
                 const std::vector<rte_mempool*>& pools)
    : plan_(plan), labs_(labs), pools_(pools) {
  for (std::size_t i = 0; i < plan.ports.size(); ++i) {
    if (plan.ports[i].replay) {
      auto& unit = units_.emplace_back(std::make_unique<Unit>(plan.ports[i].replay->file));
      unit->port = i;
      unit->references.free_cb = [](void*, void*) {};  // never the last: the file is not theirs to close
      rte_mbuf_ext_refcnt_set(&unit->references, 1);
    }
  }
}

Replays::Unit* Replays::of_port(std::size_t port) {
  const auto found =
      std::find_if(units_.begin(), units_.end(), [port](const auto& unit) { return unit->port == port; });
  return found == units_.end() ? nullptr : found->get();
}

std::vector<NumaPtr<LegUnit>> Replays::make_legs(const LcorePlan& lcore) {
  std::vector<NumaPtr<LegUnit>> legs;
  for (const std::size_t port : lcore.check) {
    if (Unit* const unit = of_port(port)) {
      make_sinks(*unit, lcore.socket, legs);
    }
  }
  for (const std::size_t port : lcore.generate) {
    if (Unit* const unit = of_port(port)) {
      make_replayer(*unit, lcore.socket, legs);
    }
  }
  return legs;
}

void Replays::make_replayer(Unit& unit, unsigned socket, std::vector<NumaPtr<LegUnit>>& legs) {
  const PortPlan& port = plan_.ports[unit.port];
  const ReplayProfile profile{.speed = port.replay->speed,
                              .packets_per_s = port.replay->packets_per_s,
                              .passes = port.replay->passes,
                              .longest = longest_frame(port.mtu)};
  unit.counters = make_on_socket<ReplayCounters>(socket);
  unit.into_port = make_on_socket<RingProducer>(socket);
  const Replayer replayer(profile, unit.file.bytes(), unit.references, pools_[port.pool],
                          static_cast<std::uint16_t>(plan_.burst), rte_get_tsc_hz(), unit.file.state(), *unit.counters);
  const RingOutput output(labs_[unit.port]->rx(0), *unit.into_port);
  legs.push_back(
      make_on_socket<LegOf<ReplayLeg>>(socket, Rank::kGenerate, replayer, CrossConnect(Waiting(output, kForever))));
  legs.back()->set_name("replay into " + port.name);
  unit.leg = legs.back().get();
}

void Replays::make_sinks(Unit& unit, unsigned socket, std::vector<NumaPtr<LegUnit>>& legs) {
  const PortPlan& port = plan_.ports[unit.port];
  for (unsigned queue = 0; queue < port.tx_queues; ++queue) {
    const RingSource source(labs_[unit.port]->tx(queue), static_cast<std::uint16_t>(plan_.burst));
    legs.push_back(make_on_socket<LegOf<SinkLeg>>(socket, Rank::kCheck, source, Sink()));
    legs.back()->set_name("end behind " + port.name + '.' + std::to_string(queue));
    unit.sinks.push_back(legs.back().get());
  }
}

void Replays::start() {
  for (const auto& unit : units_) {
    unit->read_ahead = std::make_unique<ReadAhead>(unit->file, *unit->counters, unit->references);
  }
}

bool Replays::done() const {
  return std::all_of(units_.begin(), units_.end(),
                     [](const auto& unit) { return unit->counters->end.load() != ReplayEnd::kNotYet; });
}

bool Replays::failed() const {
  return std::any_of(units_.begin(), units_.end(),
                     [](const auto& unit) { return unit->counters->end.load() > ReplayEnd::kOver; });
}

bool Replays::handed_over() const {
  return std::all_of(units_.begin(), units_.end(), [](const auto& unit) {
    const Counters& counts = unit->leg->counters();
    return counts.received.get() == counts.transmitted.get() + missed(*unit);
  });
}

std::uint64_t Replays::missed(const Unit& unit) {
  std::uint64_t packets = 0;
  for (const Counter& dropped : unit.leg->counters().dropped) {
    packets += dropped.get();
  }
  return packets;
}

std::uint64_t Replays::missed(std::size_t port) const {
  std::uint64_t packets = 0;
  for (const auto& unit : units_) {
    packets += unit->port == port ? missed(*unit) : 0;
  }
  return packets;
}

std::string Replays::fault(const Unit& unit) {
  const ReplayCounters& counters = *unit.counters;
  const ReplayEnd end = counters.end.load();
  const std::uint64_t before = unit.file.bytes().size();
  const std::uint64_t now = unit.file.size_now();
  const std::string stopped = "; the replay ended after " + std::to_string(counters.sent.get()) + " frames";
  const std::string lost = ", up to " + std::to_string(unit.read_ahead ? unit.read_ahead->sent_since_whole() : 0) +
                           " of which may have gone out with zeros instead of lost bytes";
  if (end == ReplayEnd::kCut || (end == ReplayEnd::kDamaged && now < before)) {
    return now < before ? "was cut from " + bytes_text(before) + " to " + bytes_text(now) + " while it was replayed" +
                              stopped + lost + "; expected a file that nobody writes to, such as a copy"
                        : "could not be read (I/O error)" + stopped + lost + "; expected a disk without faults";
  }
  if (end == ReplayEnd::kDamaged) {
    return "makes no sense at byte " + std::to_string(counters.position.load() % before) + " of " +
           std::to_string(before) + stopped + "; expected whole records up to its end";
  }
  return {};
}

std::vector<ReplayTotals> Replays::totals() const {
  std::vector<ReplayTotals> all;
  for (const auto& unit : units_) {
    const ReplayCounters& counters = *unit->counters;
    ReplayTotals totals;
    totals.port = plan_.ports[unit->port].name;
    totals.file = unit->file.path();
    totals.sent = counters.sent.get();
    totals.bytes = counters.bytes.get();
    totals.passes = counters.passes.get();
    for (std::size_t i = 0; i < kReplaySkips; ++i) {
      totals.skipped[i] = counters.skipped[i].get();
    }
    totals.missed = missed(*unit);
    for (const LegUnit* sink : unit->sinks) {
      totals.discarded += sink->counters().transmitted.get();
    }
    totals.no_mbuf = counters.no_mbuf.get();
    totals.unread = counters.unread.get();
    totals.late_ms = static_cast<double>(counters.late_cycles.get()) / static_cast<double>(rte_get_tsc_hz()) * 1e3;
    totals.fault = fault(*unit);
    all.push_back(std::move(totals));
  }
  return all;
}

}  // namespace ringway
