#include "runtime/runtime.h"

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "core/errors.h"
#include "plan/drivers.h"

namespace ringway {
namespace {

/// Context switches of a thread so far (proc(5), /proc/PID/task/TID/status).
struct ContextSwitches {
  std::uint64_t voluntary = 0;
  std::uint64_t involuntary = 0;
};

ContextSwitches context_switches(int thread_id) {
  ContextSwitches switches;
  std::ifstream status("/proc/self/task/" + std::to_string(thread_id) + "/status");
  for (std::string key; status >> key;) {
    if (key == "voluntary_ctxt_switches:") {
      status >> switches.voluntary;
    } else if (key == "nonvoluntary_ctxt_switches:") {
      status >> switches.involuntary;
    }
  }
  return switches;
}

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
                        .rss_types = port.rss_types};
  if (port.mtu_owner == MtuOwner::kDriver) {
    settings.mtu = static_cast<std::uint16_t>(port.mtu);
  }
  return settings;
}

void add(Totals& totals, const Counters& counters) {
  totals.received += counters.received.get();
  totals.transmitted += counters.transmitted.get();
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

PortTotals totals_of(const Port& port, const std::string& interface, const KernelCounters& at_start) {
  rte_eth_stats stats{};
  rte_eth_stats_get(port.id(), &stats);
  PortTotals totals{.name = port.settings().name,
                    .link = link_state(port.id()),
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
    // Drivers on a kernel interface do not follow its link, and do not see what the kernel drops (af_packet, 22.11).
    totals.kernel = since(at_start, kernel_counters(interface));
    totals.link = kernel_link_up(interface) ? totals.link : "down";
  }
  return totals;
}

LimitFrames limit_of(const LegPlan& plan) {
  return plan.limit ? LimitFrames(plan.limit->min, plan.limit->max) : LimitFrames(0, UINT32_MAX);
}

}  // namespace

LegUnit::LegUnit(const LegPlan& leg_plan, PortSource source, PortOutput output)
    : plan(leg_plan), limit_frames(limit_of(plan)), leg(source, CrossConnect(output)) {
  if (plan.limit) {
    leg.add_stage(stage_ref(limit_frames));
  }
  if (plan.swap_macs) {
    leg.add_stage(stage_ref(swap_macs));
  }
}

Runtime::Runtime(const Plan& plan, const PortIds& ids) : plan_(plan) {
  for (const PoolPlan& pool : plan_.pools) {
    pools_.emplace_back(pool.name, pool.size, pool.cache, pool.data_room, pool.socket);
  }
  make_ports(ids);
  for (const LcorePlan& lcore : plan_.lcores) {
    make_lcore(lcore);
  }
  for (Port& port : ports_) {
    running_ports_.emplace_back(port);
    rte_eth_stats_reset(port.id());  // forgiven where it is not supported: such counters start at 0
  }
  for (const PortPlan& port : plan_.ports) {
    kernel_at_start_.push_back(kernel_counters(port.interface));
  }
}

Runtime::~Runtime() {
  join();
}

void Runtime::make_ports(const PortIds& ids) {
  ports_.reserve(plan_.ports.size());  // RunningPort keeps pointers into it
  for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
    ports_.emplace_back(settings_of(plan_.ports[i], ids[i]), pools_[plan_.ports[i].pool].get());
  }
}

void Runtime::make_lcore(const LcorePlan& planned) {
  auto lcore = std::make_unique<LcoreUnit>();
  lcore->id = planned.id;
  for (const LegPlan& leg : planned.legs) {
    const PortSource source{.port = ports_[leg.from].id(),
                            .queue = static_cast<std::uint16_t>(leg.rx_queue),
                            .burst = static_cast<std::uint16_t>(plan_.burst)};
    const PortOutput output{.port = ports_[leg.to].id(), .queue = static_cast<std::uint16_t>(leg.tx_queue)};
    auto unit = make_on_socket<LegUnit>(planned.socket, leg, source, output);
    lcore->refs.push_back(port_to_port_ref(unit->leg));
    lcore->legs.push_back(std::move(unit));
  }
  lcore->loop =
      make_on_socket<LcoreLoop>(planned.socket, lcore->refs.data(), lcore->refs.size(),
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

Totals Runtime::totals() const {
  Totals totals;
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
    for (const auto& unit : lcore->legs) {
      const Counters& counters = unit->leg.counters();
      add(totals, counters);
      of_lcore.packets += counters.received.get();
      of_lcore.bursts += counters.bursts.get();
      totals.ports[unit->plan.to].tx_refused += counters.dropped[static_cast<std::size_t>(DropReason::kTxFull)].get();
    }
    totals.lcores.push_back(of_lcore);
  }
  add(totals, drained_);
  return totals;
}

std::uint64_t Runtime::received() const {
  std::uint64_t packets = 0;
  for (const auto& lcore : lcores_) {
    for (const auto& unit : lcore->legs) {
      packets += unit->leg.counters().received.get();
    }
  }
  return packets;
}

Report Runtime::stop() {
  join();
  drain_ports();
  reap_outputs();
  Report report;
  report.totals = totals();
  running_ports_.clear();
  ports_.clear();
  report.pools = audit_pools();
  return report;
}

void Runtime::join() {
  if (!launched_) {
    return;
  }
  launched_ = false;
  for (const auto& lcore : lcores_) {
    lcore->loop->stop();
  }
  for (const auto& lcore : lcores_) {
    rte_eal_wait_lcore(lcore->id);
  }
}

// net_ring gives back none of the mbufs in its rings on stop or close (DPDK 22.11): they are taken out here and
// counted. Bounded, since what leaves one ring by its own TX side is not sent again.
void Runtime::drain_ports() {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    for (unsigned queue = 0; plan_.ports[i].drain_at_stop && queue < plan_.ports[i].rx_queues; ++queue) {
      PortSource source{.port = ports_[i].id(), .queue = static_cast<std::uint16_t>(queue), .burst = kMaxBurst};
      for (Burst burst; source.fill(burst) > 0;) {
        drained_.received.add(burst.size());
        drop(burst.data(), burst.size(), DropReason::kShutdown, drained_);
      }
    }
  }
}

// Some drivers free what the device has sent only inside a later TX burst, and close without doing so
// (net_af_xdp, 22.11).
void Runtime::reap_outputs() {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    for (unsigned queue = 0; queue < plan_.ports[i].tx_queues; ++queue) {
      PortOutput{.port = ports_[i].id(), .queue = static_cast<std::uint16_t>(queue)}.reap();
    }
  }
}

std::vector<PoolTotals> Runtime::audit_pools() {
  std::vector<PoolTotals> all;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const PoolAudit audit = pools_[i].audit();
    PoolTotals pool{.name = plan_.pools[i].name, .size = audit.size, .free = audit.free};
    for (const PortPlan& port : plan_.ports) {
      pool.held_by_driver += port.pool == i ? std::uint64_t{mbufs_lost_at_close(port.driver)} * port.rx_queues : 0;
    }
    pool.missing = static_cast<std::int64_t>(pool.size) - static_cast<std::int64_t>(pool.free + pool.held_by_driver);
    pool.freed_twice = audit.duplicates;
    all.push_back(pool);
  }
  return all;
}

std::vector<LegUnit*> Runtime::legs() {
  std::vector<LegUnit*> all;
  for (const auto& lcore : lcores_) {
    for (const auto& unit : lcore->legs) {
      all.push_back(unit.get());
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
