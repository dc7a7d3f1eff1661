#include <algorithm>
#include <chrono>
#include <thread>

#include "plan/drivers.h"
#include "runtime/runtime.h"

namespace ringway {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Longest that a stop waits at each step for packets on their way; what is left then is dropped, and counted.
constexpr milliseconds kDrainLimit{2000};
constexpr microseconds kDrainLook{100};
constexpr milliseconds kStuckLook{10};

/// Waits until `over` says so; false when time is up.
template <class Over>
bool wait_until(Over over) {
  const auto deadline = steady_clock::now() + kDrainLimit;
  while (!over()) {
    if (steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(kDrainLook);
  }
  return true;
}

}  // namespace

Report Runtime::stop() {
  wind_down();
  join();
  abandon();
  drain_ports();
  reap_outputs();
  captures_->stop();
  Report report;
  report.totals = totals();
#if defined(RINGWAY_CUSTODY)
  report.in_other_buffers = packets_in_other_buffers - in_other_buffers_before_;
#endif
  for (PortUnit& port : ports_) {
    port.stop();
  }
  ports_.clear();
  for (auto& lab : labs_) {
    lab.reset();
  }
  report.pools = audit_pools();
  return report;
}

// Each phase ends legs of one rank, once nothing is left before them; so all that was taken goes out. Without rings,
// waiting outputs and lab ports a poll leaves nothing behind, and there is nothing to wait for.
void Runtime::wind_down() {
  const bool waits = std::any_of(planned_.begin(), planned_.end(),
                                 [this](const auto& planned) { return leg_waits(plan_, *planned.first); });
  const bool at_once = plan_.rings.empty() && traffic_ == nullptr && replays_ == nullptr && !waits;
  for (Phase phase = at_once ? kStopped : Phase{1}; entered_ && phase <= kStopped; ++phase) {
    for (const auto& lcore : lcores_) {
      lcore->loop().enter_phase(phase);
    }
    wait_until([&] {
      return std::all_of(lcores_.begin(), lcores_.end(),
                         [&](const auto& lcore) { return lcore->loop().reached() >= phase; });
    });
    if (phase < kStopped) {
      wait_until([&] { return nothing_before(static_cast<Rank>(phase)); });
    }
  }
}

/// Whether legs of that rank have nothing more to take, once those before it have ended.
bool Runtime::nothing_before(Rank rank) const {
  const bool labs_are_ours = traffic_ != nullptr || replays_ != nullptr;
  const auto all_labs = [&](bool (LabPort::*are_empty)() const noexcept) {
    return !labs_are_ours || std::all_of(labs_.begin(), labs_.end(), [are_empty](const auto& lab) {
      return lab == nullptr || (lab.get()->*are_empty)();
    });
  };
  switch (rank) {
    case Rank::kReceive:
      // In this order: what a generator holds goes into a ring, and from there nowhere but to its port.
      return (traffic_ == nullptr || traffic_->handed_over()) && (replays_ == nullptr || replays_->handed_over()) &&
             all_labs(&LabPort::rx_empty);
    case Rank::kPass:
      return packets().on_their_way() == 0;
    case Rank::kCheck:
      return all_labs(&LabPort::tx_empty);
    case Rank::kGenerate:
      break;
  }
  return true;
}

void Runtime::join() {
  if (!entered_) {
    return;
  }
  entered_ = false;
  for (const auto& lcore : lcores_) {
    while (lcore->entered() && lcore->loop().reached() != kStopped) {
      if (const auto stuck = this->stuck()) {
        leave_stuck(*stuck);
      }
      std::this_thread::sleep_for(kStuckLook);
    }
  }
  for (const auto& lcore : lcores_) {
    lcore->join();
  }
}

// What did not get out in time: kept by legs, or left in rings.
void Runtime::abandon() {
  for (const auto& lcore : lcores_) {
    for (const auto& leg : lcore->legs()) {
      leg->abandon();
    }
  }
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    RingSource source(rings_[i].ring.get(), kMaxBurst);
    drained_.drop_tap = ring_readers_[i]->counters().drop_tap;
    for (Burst burst; const std::uint16_t taken = source.fill(burst);) {
      drop(burst.data(), taken, DropReason::kShutdown, drained_);
      source.done(taken);
    }
  }
}

// net_ring gives back none of the mbufs in its rings on stop or close (DPDK 22.11): they are taken out here and
// counted. Bounded, since what leaves one ring by its own TX side is not sent again.
void Runtime::drain_ports() {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    for (unsigned queue = 0; plan_.ports[i].drain_at_stop && queue < plan_.ports[i].rx_queues; ++queue) {
      PortSource source{.port = ports_[i].id(), .queue = static_cast<std::uint16_t>(queue), .burst = kMaxBurst};
      drained_.drop_tap = drop_tap_of({i, queue});
      for (Burst burst; source.fill(burst) > 0;) {
        drained_.received.add(burst.size());
        drop(burst.data(), burst.size(), DropReason::kShutdown, drained_);
      }
    }
  }
}

/// Who takes what is dropped of such packets; null: nobody.
TapLane* Runtime::drop_tap_of(const PortQueue& rx) const {
  const auto leg = std::find_if(planned_.begin(), planned_.end(), [&rx](const auto& planned) {
    return planned.first->rx() != nullptr && *planned.first->rx() == rx;
  });
  return leg == planned_.end() ? nullptr : leg->second->counters().drop_tap;
}

// Some drivers free what the device has sent only inside a later TX burst, and close without doing so
// (net_af_xdp, 22.11).
void Runtime::reap_outputs() {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    for (unsigned queue = 0; queue < plan_.ports[i].tx_queues; ++queue) {
      PortOutput(ports_[i].id(), static_cast<std::uint16_t>(queue)).reap();
    }
  }
}

std::vector<PoolTotals> Runtime::audit_pools() {
  std::vector<PoolTotals> all;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const PoolAudit audit = pools_[i].audit();
    PoolTotals pool{.name = plan_.pools[i].name, .size = audit.size, .free = audit.free};
    LostMbufs lost;
    for (const PortPlan& port : plan_.ports) {
      const LostMbufs one = port.pool == i ? mbufs_lost_at_close(port) : LostMbufs{};
      lost = {lost.least + one.least, lost.most + one.most};
    }
    pool.held_by_driver = std::clamp<std::uint64_t>(pool.size - std::min(pool.free, pool.size), lost.least, lost.most);
    pool.missing = static_cast<std::int64_t>(pool.size) - static_cast<std::int64_t>(pool.free + pool.held_by_driver);
    pool.freed_twice = audit.duplicates;
    all.push_back(pool);
  }
  for (const auto& [name, audit] : captures_->audit_pools()) {
    PoolTotals pool{.name = name, .size = audit.size, .free = audit.free, .freed_twice = audit.duplicates};
    pool.missing = static_cast<std::int64_t>(pool.size) - static_cast<std::int64_t>(pool.free);
    all.push_back(pool);
  }
  return all;
}

}  // namespace ringway
