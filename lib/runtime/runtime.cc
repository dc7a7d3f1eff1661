#include "runtime/runtime.h"

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>

#include <algorithm>
#include <functional>
#include <string>
#include <thread>

#include "config/config.h"
#include "core/errors.h"
#include "datapath/burst.h"
#include "forwarder/spread.h"

namespace ringway {
namespace {

// No file may ask for more than DPDK and the fast path were built for.
static_assert(kLastLcore < RTE_MAX_LCORE);
static_assert(kMostPorts < RTE_MAX_ETHPORTS);
static_assert(kMostBurst == kMaxBurst);
static_assert(kMostWorkers == kMaxLanes);
static_assert(kMostCaptures == kMaxCaptures);

}  // namespace

Runtime::Runtime(const Plan& plan, const PortIds& ids)
    : plan_(plan), hash_(plan.symmetric ? FlowHash::Key::kSymmetric : FlowHash::Key::kStandard) {
  watch_custody();
  for (const PoolPlan& pool : plan_.pools) {
    pools_.emplace_back(pool.name, pool.size, pool.cache, pool.data_room, pool.socket, !plan_.captures.empty());
    pool_pointers_.push_back(pools_.back().get());
  }
  make_ports(ids);
  for (std::size_t i = 0; i < plan_.rings.size(); ++i) {
    const RingPlan& ring = plan_.rings[i];
    const std::string name = "ringway" + std::to_string(i);  // DPDK's names are short; messages have the plan's
    rings_.push_back({Ring(name, ring.size, ring.kind == RingKind::kHts, ring.socket), {}});
  }
  ring_readers_.resize(rings_.size());
  if (plan_.traffic) {
    traffic_ = std::make_unique<Traffic>(plan_, labs_, pool_pointers_);
  }
  if (std::any_of(plan_.ports.begin(), plan_.ports.end(), [](const PortPlan& port) { return port.replay; })) {
    replays_ = std::make_unique<Replays>(plan_, labs_, pool_pointers_);
  }
  std::vector<std::uint16_t> ids_of_ports;
  for (const PortUnit& port : ports_) {
    ids_of_ports.push_back(port.id());
  }
  for (PortUnit& port : ports_) {
    port.start();
  }
  captures_ = std::make_unique<Captures>(plan_, ids_of_ports);  // it empties files: when all else has worked
  const LegParts parts{.plan = plan_,
                       .ports = ids_of_ports,
                       .rings = rings_,
                       .pools = pool_pointers_,
                       .hash = hash_,
                       .captures = *captures_};
  for (const LcorePlan& lcore : plan_.lcores) {
    lcores_.push_back(
        std::make_unique<LcoreUnit>(lcore, make_legs(lcore, parts),
                                    IdlePolicy{plan_.idle.spin_polls, plan_.idle.pause_polls, plan_.idle.sleep_us}));
  }
  hot_plug_.emplace(ports_, [this](const PortUnit& port, std::uint16_t to) { move_legs(port, to); });
}

void Runtime::watch_custody() {
#if defined(RINGWAY_CUSTODY)
  const rte_mbuf_dynfield field = {.name = "ringway_custody", .size = sizeof(std::uint64_t), .align = 8, .flags = 0};
  custody_offset = rte_mbuf_dynfield_register(&field);
  in_other_buffers_before_ = packets_in_other_buffers;
#endif
}

Runtime::~Runtime() {
  for (const auto& lcore : lcores_) {
    lcore->loop().enter_phase(kStopped);
  }
  join();
}

void Runtime::make_ports(const PortIds& ids) {
  if (rte_eth_dev_is_valid_port(kNoPort) != 0) {
    throw Error(ExitStatus::kResourceMissing, "there are " + std::to_string(RTE_MAX_ETHPORTS) +
                                                  " ethdev ports; expected fewer, members of bonds included");
  }
  // DPDK logs the first use of a port that is not there, with a stack: here, and not on an lcore.
  rte_mbuf* none = nullptr;
  rte_eth_rx_burst(kNoPort, 0, &none, 1);
  rte_eth_tx_burst(kNoPort, 0, &none, 0);
  for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
    const PortPlan& port = plan_.ports[i];
    labs_.push_back(port.lab ? std::make_unique<LabPort>(port) : nullptr);
    ports_.emplace_back(port, port.lab ? labs_[i]->id() : ids[i], pools_[port.pool].get());
  }
}

std::vector<NumaPtr<LegUnit>> Runtime::make_legs(const LcorePlan& planned, const LegParts& parts) {
  std::vector<NumaPtr<LegUnit>> legs;
  for (const LegPlan& leg : planned.legs) {
    legs.push_back(make_leg(leg, planned, parts));
    planned_.emplace_back(&leg, legs.back().get());
    if (leg.rx() == nullptr) {
      ring_readers_[leg.from_ring()] = legs.back().get();
    }
  }
  for (auto& leg : traffic_ ? traffic_->make_legs(planned) : std::vector<NumaPtr<LegUnit>>()) {
    legs.push_back(std::move(leg));
  }
  for (auto& leg : replays_ ? replays_->make_legs(planned) : std::vector<NumaPtr<LegUnit>>()) {
    legs.push_back(std::move(leg));
  }
  std::stable_sort(legs.begin(), legs.end(), [](const auto& a, const auto& b) { return a->rank() > b->rank(); });
  return legs;
}

void Runtime::enter() {
  entered_ = true;
  for (const auto& lcore : lcores_) {
    lcore->enter();
  }
  if (replays_) {
    replays_->start();
  }
  watchdog_.emplace(lcores_);
  captures_->start();
}

void Runtime::start() {
  if (!entered_) {
    enter();
  }
  started_ = std::chrono::steady_clock::now();
  for (const auto& lcore : lcores_) {
    lcore->loop().resume();
  }
}

void Runtime::move_legs(const PortUnit& port, std::uint16_t to) {
  for (const auto& lcore : lcores_) {
    std::vector<std::function<void()>> changes;
    for (const auto& [plan, leg] : planned_) {
      if (!lcore->polls(*leg)) {
        continue;
      }
      if (plan->rx() != nullptr && &ports_[plan->rx()->port] == &port) {
        changes.emplace_back([leg, to] { leg->receive_from(to); });
      }
      if (plan->tx() != nullptr && &ports_[plan->tx()->port] == &port) {
        changes.emplace_back([leg, to] { leg->send_to(to); });
      }
    }
    if (!changes.empty()) {
      hold(*lcore);
      for (const auto& change : changes) {
        change();
      }
      lcore->loop().resume();
    }
  }
}

// A burst may hang in the very device that is being unplugged.
void Runtime::hold(LcoreUnit& lcore) {
  lcore.loop().hold();
  while (!lcore.loop().held()) {
    if (const auto stuck = this->stuck()) {
      leave_stuck(*stuck);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

std::vector<LegUnit*> Runtime::legs() {
  std::vector<LegUnit*> all;
  for (const auto& lcore : lcores_) {
    for (const auto& leg : lcore->legs()) {
      all.push_back(leg.get());
    }
  }
  return all;
}

std::vector<std::string> Runtime::notices() const {
  std::vector<std::string> all;
  for (const PortUnit& port : ports_) {
    const std::vector<std::string> of_port = port.notices();
    all.insert(all.end(), of_port.begin(), of_port.end());
  }
  const std::vector<std::string> of_captures = captures_->notices();
  all.insert(all.end(), of_captures.begin(), of_captures.end());
  return all;
}

}  // namespace ringway
