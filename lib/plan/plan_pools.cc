#include <algorithm>
#include <map>
#include <set>

#include "plan/context.h"
#include "plan/drivers.h"
#include "plan/pool_size.h"

namespace ringway {
namespace {

/// Sizes of pools and the memory for them; each member function is one step, in the order of `run`.
class PoolPlanner {
 public:
  explicit PoolPlanner(PlanContext& context) : context_(context), config_(context.config), plan_(context.plan()) {}

  void run() {
    size_pools();
    size_clone_pools();
    check_clones_of_replays();
    check_memory();
  }

 private:
  Diagnostics& problems() { return context_.problems(); }

  /// Every place where mbufs of a pool can be at one moment.
  PoolDemand demand(std::size_t pool) const {
    PoolDemand demand;
    std::set<std::size_t> outputs;
    for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
      const PortPlan& port = plan_.ports[i];
      if (port.pool != pool) {
        continue;
      }
      for (const Part& part : parts_of(port.device, *context_.facts[i])) {
        demand.add("RX descriptors of " + port.name, port.rx_queues, port.rx_descriptors);
        demand.add("kept by " + port.name + "'s driver", port.rx_queues, extra_mbufs_per_queue(part.facts.driver));
      }
      demand.add("held by " + port.name + "'s device", 1, context_.facts[i]->held_mbufs);
    }
    for (const Way& way : plan_.ways) {
      if (passes(way, pool)) {
        outputs.insert(way.to);
      }
    }
    for (const std::size_t output : outputs) {
      const PortPlan& port = plan_.ports[output];
      demand.add("TX descriptors of " + port.name, port.tx_queues * std::max<std::size_t>(port.members.size(), 1),
                 port.tx_descriptors);
    }
    add_rings(demand, pool);
    const unsigned segments = most_segments();
    demand.add("1.5 caches of the lcores and the main lcore", plan_.lcores.size() + 1,
               cache_reach(plan_.pools[pool].cache));
    demand.add(segments > 1 ? "lcores' bursts of " + number(segments) + "-mbuf frames" : "lcores' bursts",
               plan_.lcores.size(), std::uint64_t{plan_.burst} * segments);
    add_taps(demand);
    return demand;
  }

  /// Whether mbufs of the pool go that way: packets, or headers in front of them; or copies of other pools' packets,
  /// which af_xdp puts into its own.
  bool passes(const Way& way, std::size_t pool) const {
    const PortPlan& to = plan_.ports[way.to];
    return plan_.ports[way.from].pool == pool ||
           (owns_headers(plan_, way.from) && pool_with_room(plan_, way.from) == pool) ||
           (to.driver == "net_af_xdp" && to.pool == pool);
  }

  /// mbufs of the longest frame.
  unsigned most_segments() const {
    const unsigned room = plan_.pools.front().data_room;
    unsigned segments = 1;
    for (const PortPlan& port : plan_.ports) {
      segments = std::max(segments, (longest_frame(port.mtu) + room - 1) / room);
    }
    return segments;
  }

  /// What waits for the captures' writer, or is in its hands; and the headers of packets that captures share.
  void add_taps(PoolDemand& demand) const {
    for (const LcorePlan& lcore : plan_.lcores) {
      for (const LegPlan& leg : lcore.legs) {
        for (const TapPlan& tap : leg.taps) {
          demand.add("taps of " + leg_name(plan_, leg), most_segments(), tap.size - 1);
        }
      }
    }
    if (!plan_.captures.empty()) {
      demand.add("1.5 caches of the captures' writer", 1, cache_reach(plan_.pools.front().cache));
    }
    demand.add("headers of their own, where captures share packets", any_captured_before_work() ? 1 : 0,
               demand.mbufs());
  }

  bool any_captured_before_work() const {
    return std::any_of(plan_.ways.begin(), plan_.ways.end(), [this](const Way& way) {
      return plan_.mode == Mode::kReflect && shares_before_work(plan_, way.from);
    });
  }

  bool any_owns_headers() const {
    return std::any_of(plan_.ways.begin(), plan_.ways.end(),
                       [this](const Way& way) { return owns_headers(plan_, way.from); });
  }

  /// What a replay's mbufs and their clones refer to has a count of 16 bits, of which the clones get a quarter: the
  /// replay waits when half is in use.
  void check_clones_of_replays() {
    constexpr std::uint64_t kMostClones = 16384;
    std::uint64_t clones = 0;
    for (const LcorePlan& lcore : plan_.lcores) {
      for (const LegPlan& leg : lcore.legs) {
        for (const TapPlan& tap : leg.taps) {
          clones += tap.point != TapPoint::kDrop ? tap.size : 0;
        }
      }
    }
    const bool replays =
        std::any_of(plan_.ports.begin(), plan_.ports.end(), [](const PortPlan& port) { return port.replay; });
    if (replays && clones > kMostClones) {
      problems().invalid(config_.captures.front().at, "capture",
                         "has buffers of " + number(clones) + " packets in all, and of a replay at most " +
                             number(kMostClones) + " can be shared; expected smaller buffers, or fewer places");
    }
  }

  /// A pool of clones for the lcores of each NUMA socket that have taps.
  void size_clone_pools() {
    std::map<unsigned, PoolDemand> needed;  // socket
    for (const LcorePlan& lcore : plan_.lcores) {
      bool clones = false;
      for (const LegPlan& leg : lcore.legs) {
        for (const TapPlan& tap : leg.taps) {
          if (tap.point != TapPoint::kDrop) {
            needed[tap.socket].add("taps of " + leg_name(plan_, leg), most_segments() + (any_owns_headers() ? 1 : 0),
                                   tap.size - 1);
            clones = true;
          }
        }
      }
      if (clones) {
        needed[lcore.socket].add("1.5 caches of lcore " + number(lcore.id) + " and the captures' writer", 2,
                                 cache_reach(plan_.pools.front().cache));
      }
    }
    for (const auto& [socket, demand] : needed) {
      plan_.clone_pools.push_back({.name = "clones" + number(socket),
                                   .socket = socket,
                                   .size = static_cast<unsigned>(round_up_pool(demand.mbufs())),
                                   .cache = plan_.pools.front().cache,
                                   .data_room = 0});
      context_.why("pool", plan_.clone_pools.back().name + ", by which captures share packets: " + demand.formula());
    }
  }

  /// Rings that packets of the pool pass, and what legs keep that wait for room.
  void add_rings(PoolDemand& demand, std::size_t pool) const {
    for (const RingPlan& ring : plan_.rings) {
      const bool in_it = std::any_of(plan_.ways.begin(), plan_.ways.end(), [&](const Way& way) {
        return (ring.use == RingUse::kWork ? way.from : way.to) == ring.port && passes(way, pool);
      });
      demand.add("ring " + ring.name, in_it ? 1 : 0, ring.size - 1);
    }
    std::uint64_t waiting = 0;
    for (const LcorePlan& lcore : plan_.lcores) {
      for (const LegPlan& leg : lcore.legs) {
        waiting += leg_waits(plan_, leg) ? 1 : 0;
      }
      for (const std::size_t port : lcore.generate) {
        const bool waits = plan_.ports[port].replay || plan_.traffic->packets_per_s == 0;
        waiting += waits ? plan_.ports[port].rx_queues : 0;
      }
    }
    demand.add("kept by legs that wait for room", waiting, plan_.burst);
  }

  /// All pools get the size of the largest, so that one number says it.
  void size_pools() {
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < plan_.pools.size(); ++i) {
      const PoolDemand needed = demand(i);
      size = std::max(size, round_up_pool(needed.mbufs()));
      context_.why("pool.size", plan_.pools[i].name + ": " + needed.formula() + ", up to the next 2^k - 1");
      if (config_.pool.size && config_.pool.size->value < needed.mbufs()) {
        problems().invalid(config_.pool.size->at, "pool.size",
                           "is " + number(config_.pool.size->value) + " and cannot fill the descriptors of " +
                               plan_.pools[i].name + "; expected at least " + needed.formula());
      }
    }
    size = config_.pool.size ? config_.pool.size->value : size;
    for (PoolPlan& pool : plan_.pools) {
      pool.size = static_cast<unsigned>(size);
    }
    if (cache_reach(plan_.pools.front().cache) > size) {
      problems().invalid(place_of(config_.pool.cache, {}), "pool.cache",
                         "is " + number(plan_.pools.front().cache) + ", and 1.5 times that is more than the pool's " +
                             number(size) + " mbufs; expected less");
    }
  }

  void check_memory() {
    std::set<unsigned> sockets;
    for (const auto* pools : {&plan_.pools, &plan_.clone_pools}) {
      for (const PoolPlan& pool : *pools) {
        sockets.insert(pool.socket);
      }
    }
    std::uint64_t all = 0;
    for (const unsigned socket : sockets) {
      const std::uint64_t needed = memory_mib(plan_, socket, context_.inventory.no_huge);
      all += needed;
      if (!context_.inventory.no_huge) {
        check_hugepages(socket, needed);
      }
    }
    if (context_.inventory.no_huge) {
      check_ordinary_memory(all);
    }
  }

  void check_ordinary_memory(std::uint64_t needed) {
    const unsigned there = context_.inventory.memory_mib;
    context_.why("pool", number(needed) + " MiB of ordinary memory (no_huge), of " + number(there));
    if (needed > there) {
      problems().missing(config_.eal.at, "eal.memory",
                         "is " + number(there) + " MiB, and the pools need " + number(needed) +
                             "; expected eal: {memory: " + number(needed) + "}");
    }
  }

  void check_hugepages(unsigned socket, std::uint64_t needed) {
    const std::uint64_t there = free_mib(context_.inventory.hugepages, socket);
    const std::string command = reserve_command(context_.inventory.hugepages, socket, needed);
    context_.why("pool", number(needed) + " MiB of hugepages on NUMA socket " + number(socket) + ": " + command);
    if (needed > there) {
      problems().missing({}, "pool",
                         "needs " + number(needed) + " MiB of hugepages on NUMA socket " + number(socket) + ", and " +
                             number(there) + " MiB are free; expected: " + command);
    }
  }

  PlanContext& context_;
  const Config& config_;
  Plan& plan_;
};

}  // namespace

bool owns_headers(const Plan& plan, std::size_t from) {
  return plan.mode == Mode::kReflect && (plan.ports[from].shares_data || shares_before_work(plan, from));
}

std::size_t pool_with_room(const Plan& plan, std::size_t port) {
  std::size_t pool = 0;
  while (plan.pools[pool].socket != plan.ports[port].socket) {
    ++pool;  // there is one
  }
  return pool;
}

void plan_pools(PlanContext& context) {
  PoolPlanner(context).run();
}

}  // namespace ringway
