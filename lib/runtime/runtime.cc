#include "runtime/runtime.h"

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf_dyn.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "config/config.h"
#include "core/errors.h"
#include "datapath/burst.h"
#include "forwarder/spread.h"
#include "runtime/context_switches.h"

namespace ringway {
namespace {

// No file may ask for more than DPDK and the fast path were built for.
static_assert(kLastLcore < RTE_MAX_LCORE);
static_assert(kMostPorts <= RTE_MAX_ETHPORTS);
static_assert(kMostBurst == kMaxBurst);
static_assert(kMostWorkers == kMaxLanes);

int run_lcore(void* argument) {
  auto& lcore = *static_cast<LcoreUnit*>(argument);
  // Sleeps end when asked, not 50 us later: the timer slack of an ordinary thread would be most of the added latency.
  prctl(PR_SET_TIMERSLACK, 1UL);
  const auto thread_id = static_cast<int>(gettid());
  const ContextSwitches before = context_switches(thread_id);
  lcore.voluntary_at_start = before.voluntary;
  lcore.involuntary_at_start = before.involuntary;
  lcore.thread_id.store(thread_id, std::memory_order_release);
  lcore.loop->run();
  return 0;
}

PortSettings settings_of(const PortPlan& port, unsigned id) {
  PortSettings settings{.name = port.name,
                        .device = port.device,
                        .id = id,
                        .rx_queues = static_cast<std::uint16_t>(port.rx_queues),
                        .tx_queues = static_cast<std::uint16_t>(port.tx_queues),
                        .rx_descriptors = static_cast<std::uint16_t>(port.rx_descriptors),
                        .tx_descriptors = static_cast<std::uint16_t>(port.tx_descriptors),
                        .mtu = {},
                        .promiscuous = port.promiscuous,
                        .socket = port.socket,
                        .scatter = port.scatter,
                        .multi_segs = port.multi_segs,
                        .fast_free = port.fast_free,
                        .rss_types = port.rss_types,
                        .rss_hash = port.rss_hash};
  if (port.mtu_owner == MtuOwner::kDriver) {
    settings.mtu = static_cast<std::uint16_t>(port.mtu);
  }
  return settings;
}

}  // namespace

Runtime::Runtime(const Plan& plan, const PortIds& ids)
    : plan_(plan), hash_(plan.symmetric ? FlowHash::Key::kSymmetric : FlowHash::Key::kStandard) {
  watch_custody();
  for (const PoolPlan& pool : plan_.pools) {
    pools_.emplace_back(pool.name, pool.size, pool.cache, pool.data_room, pool.socket);
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
  const LegParts parts{.plan = plan_, .ports = port_ids_, .rings = rings_, .hash = hash_};
  for (const LcorePlan& lcore : plan_.lcores) {
    make_lcore(lcore, parts);
  }
  for (Port& port : ports_) {
    running_ports_.emplace_back(port);
    rte_eth_stats_reset(port.id());  // forgiven where it is not supported: such counters start at 0
  }
  for (const PortPlan& port : plan_.ports) {
    kernel_at_start_.push_back(kernel_counters(port.interface));
  }
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
    lcore->loop->enter_phase(kStopped);
  }
  join();
}

void Runtime::make_ports(const PortIds& ids) {
  ports_.reserve(plan_.ports.size());  // RunningPort keeps pointers into it
  for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
    const PortPlan& port = plan_.ports[i];
    labs_.push_back(port.lab ? std::make_unique<LabPort>(port) : nullptr);
    ports_.emplace_back(settings_of(port, port.lab ? labs_[i]->id() : ids[i]), pools_[port.pool].get());
    port_ids_.push_back(ports_.back().id());
  }
}

void Runtime::make_lcore(const LcorePlan& planned, const LegParts& parts) {
  auto lcore = std::make_unique<LcoreUnit>();
  lcore->id = planned.id;
  for (const LegPlan& leg : planned.legs) {
    lcore->legs.push_back(make_leg(leg, planned, parts));
    planned_.emplace_back(&leg, lcore->legs.back().get());
    if (leg.rx() == nullptr) {
      ring_readers_[leg.from_ring()] = lcore->legs.back().get();
    }
  }
  if (traffic_) {
    for (auto& leg : traffic_->make_legs(planned)) {
      lcore->legs.push_back(std::move(leg));
    }
  }
  std::stable_sort(lcore->legs.begin(), lcore->legs.end(),
                   [](const auto& a, const auto& b) { return a->rank() > b->rank(); });
  std::array<std::size_t, kRanks> of_rank{};
  for (const auto& leg : lcore->legs) {
    lcore->refs.push_back(leg->ref());
    ++of_rank[static_cast<std::size_t>(leg->rank())];
  }
  lcore->loop =
      make_on_socket<LcoreLoop>(planned.socket, lcore->refs.data(), of_rank,
                                IdlePolicy{plan_.idle.spin_polls, plan_.idle.pause_polls, plan_.idle.sleep_us});
  lcores_.push_back(std::move(lcore));
}

void Runtime::start() {
  started_ = std::chrono::steady_clock::now();
  launched_ = true;
  for (const auto& lcore : lcores_) {
    const int result = rte_eal_remote_launch(run_lcore, lcore.get(), lcore->id);
    if (result != 0) {
      throw Error(ExitStatus::kFailed, "rte_eal_remote_launch: lcore " + std::to_string(lcore->id) + " is busy");
    }
  }
}

std::vector<LegUnit*> Runtime::legs() {
  std::vector<LegUnit*> all;
  for (const auto& lcore : lcores_) {
    for (const auto& leg : lcore->legs) {
      all.push_back(leg.get());
    }
  }
  return all;
}

std::vector<std::string> Runtime::notices() const {
  std::vector<std::string> all;
  for (const Port& port : ports_) {
    all.insert(all.end(), port.notices().begin(), port.notices().end());
  }
  return all;
}

}  // namespace ringway
