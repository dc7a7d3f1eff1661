#include <algorithm>
#include <set>

#include "core/frames.h"
#include "plan/context.h"
#include "plan/drivers.h"
#include "plan/pool_size.h"

namespace ringway {
namespace {

constexpr unsigned kDefaultCache = 256;
constexpr unsigned kDefaultDataRoom = 2048;

/// Pools, frames and memory; each member function is one step, in the order of `run`.
class MemoryPlanner {
 public:
  explicit MemoryPlanner(PlanContext& context)
      : context_(context),
        config_(context.config),
        plan_(context.plan()),
        data_room_(value_or(config_.pool.data_room, std::max(kDefaultDataRoom, longest_made()))) {}

  void run() {
    spread_shared_data();
    make_pools();
    plan_headers();
    plan_frames();
    size_pools();
    check_memory();
  }

 private:
  Diagnostics& problems() { return context_.problems(); }
  Location port_at(std::size_t i) const { return config_.ports[i].at; }

  /// Bytes of the longest frame that generators make: each fits one mbuf. 0 without lab ports.
  unsigned longest_made() const {
    unsigned longest = 0;
    for (const Way& way : plan_.ways) {
      if (plan_.ports[way.from].generates()) {
        longest = std::max(longest, longest_frame(plan_.ports[way.to].mtu) + kMostOversize);
      }
    }
    return longest;
  }

  /// What goes into a net_ring port comes out of it again.
  void spread_shared_data() {
    for (std::size_t i = 0; i < plan_.ways.size(); ++i) {  // as often as a packet can change ports
      for (const Way& way : plan_.ways) {
        PortPlan& to = plan_.ports[way.to];
        to.shares_data = to.shares_data || (plan_.ports[way.from].shares_data && to.driver == "net_ring");
      }
    }
  }

  /// One pool a NUMA socket, so that ports on one socket share it and TX queues see mbufs of one pool only.
  void make_pools() {
    for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
      PortPlan& port = plan_.ports[i];
      const auto known = std::find_if(plan_.pools.begin(), plan_.pools.end(),
                                      [&](const PoolPlan& pool) { return pool.socket == port.socket; });
      port.pool = static_cast<std::size_t>(known - plan_.pools.begin());
      if (known == plan_.pools.end()) {
        plan_.pools.push_back({.name = "socket" + number(port.socket),
                               .socket = port.socket,
                               .size = 0,
                               .cache = value_or(config_.pool.cache, kDefaultCache),
                               .data_room = data_room_});
      }
      const DeviceFacts& facts = *context_.facts[i];
      if (port.generates() && data_room_ < longest_made()) {
        problems().invalid(place_of(config_.pool.data_room, port_at(i)), "pool.data_room",
                           "is " + number(data_room_) + ", and the longest frame made for lab port '" + port.name +
                               "' has " + number(longest_made()) + " bytes; expected at least that");
      }
      for (const Part& part : parts_of(port.device, facts)) {
        check_data_room(i, part);
      }
    }
    for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
      add_replay_pool(i);
    }
  }

  /// A replay's mbufs have no room of their own: their data is in the file. Behind all others, whose sizes the file may
  /// ask for.
  void add_replay_pool(std::size_t i) {
    PortPlan& port = plan_.ports[i];
    if (port.replay) {
      PoolPlan pool = plan_.pools[port.pool];
      pool.name = "replay" + number(i);
      pool.data_room = 0;
      port.pool = plan_.pools.size();
      plan_.pools.push_back(pool);
    }
  }

  /// Whether packets of that port get headers of their own before they leave.
  bool owns_headers(std::size_t from) const { return plan_.mode == Mode::kReflect && plan_.ports[from].shares_data; }

  /// The pool of mbufs with room on a port's NUMA socket.
  std::size_t pool_with_room(std::size_t port) const {
    std::size_t pool = 0;
    while (plan_.pools[pool].socket != plan_.ports[port].socket) {
      ++pool;  // make_pools has made one
    }
    return pool;
  }

  /// Who writes to packets does so in private where others may have their data, too.
  void plan_headers() {
    for (LcorePlan& lcore : plan_.lcores) {
      for (LegPlan& leg : lcore.legs) {
        const std::size_t from = leg.rx() != nullptr ? leg.rx()->port : plan_.rings[leg.from_ring()].port;
        if (leg.swap_macs && owns_headers(from)) {
          leg.own_headers = pool_with_room(from);
        }
      }
    }
    for (const Way& way : plan_.ways) {
      if (plan_.ports[way.from].shares_data) {
        check_external_data(way);
      }
    }
  }

  void check_external_data(const Way& way) {
    const PortPlan& to = plan_.ports[way.to];
    for (const Part& part : parts_of(to.device, *context_.facts[way.to])) {
      const std::string fault = external_data_fault(part.device, part.facts);
      if (!fault.empty() && told_.insert(way.to).second) {
        problems().invalid(port_at(way.to), "ports." + to.name,
                           "cannot send what port '" + plan_.ports[way.from].name +
                               "' replays, straight out of a mapped file: " + fault +
                               "; expected another output, or net_pcap0,rx_pcap=PATH as the source, whose driver "
                               "copies each frame into an mbuf");
      }
    }
  }

  /// Drivers that put a frame into one mbuf, whatever that holds.
  void check_data_room(std::size_t i, const Part& part) {
    const Location at = place_of(config_.pool.data_room, port_at(i));
    const unsigned null_bytes =
        part.facts.driver == "net_null" ? received_frames(part.device, part.facts, plan_.ports[i].mtu).max : 0;
    if (null_bytes > data_room_) {
      problems().invalid(at, "pool.data_room",
                         "is " + number(data_room_) + ", and net_null's frames on port '" + plan_.ports[i].name +
                             "' have " + number(null_bytes) +
                             " bytes, which it puts into one mbuf unchecked; expected at least that");
    }
    if (part.facts.driver == "net_af_packet" && data_room_ < af_packet_data_room(part.device)) {
      problems().invalid(at, "pool.data_room",
                         "is " + number(data_room_) + ", but af_packet's ring frame on port '" + plan_.ports[i].name +
                             "' needs " + number(af_packet_data_room(part.device)) + "; expected at least that");
    }
  }

  /// Frame limits of each leg, chained mbufs, and the offloads that follow from both.
  void plan_frames() {
    std::vector<bool> chained(plan_.ports.size());
    std::vector<std::set<std::size_t>> feeding(plan_.ports.size());  // output: pools
    for (LcorePlan& lcore : plan_.lcores) {
      for (LegPlan& leg : lcore.legs) {
        if (leg.rx() == nullptr) {
          continue;  // frames are limited where they come in: the driver has just touched the mbuf there
        }
        const Way& way = *context_.resolved.way_from(leg.rx()->port);
        const PortPlan& from = plan_.ports[way.from];
        const PortPlan& to = plan_.ports[way.to];
        const FrameRange in = received_frames(from.device, *context_.facts[way.from], from.mtu);
        const bool headers = owns_headers(way.from);
        // What a mapped file holds of a frame is one segment; with a header of its own each is a chain.
        const unsigned one_segment = headers ? 0 : from.replay ? in.max : data_room_;
        const FrameRange out = accepted_frames(to.device, *context_.facts[way.to], to.mtu, one_segment);
        if (in.min < out.min || in.max > out.max) {
          leg.limit = out;
          tell_lower_limit(way.to, out.max);
        }
        chained[way.to] = chained[way.to] || std::min(in.max, out.max) > one_segment;
        // A ring brings mbufs of whoever filled it: as good as one more pool. So do those that share data.
        const bool any_pool = from.driver == "net_ring" || from.shares_data;
        feeding[way.to].insert(any_pool ? plan_.pools.size() : from.pool);
      }
    }
    for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
      PortPlan& port = plan_.ports[i];
      plan_scatter(i, port);
      plan_chains(i, port, chained[i]);
      port.fast_free = context_.facts[i]->fast_free && !port.multi_segs && feeding[i].size() == 1 &&
                       *feeding[i].begin() < plan_.pools.size();
    }
  }

  /// A driver that carries less than the MTU asks for is not to be found out by a drop.
  void tell_lower_limit(std::size_t i, unsigned longest) {
    const unsigned asked_for = kernel_longest_frame(plan_.ports[i].mtu);
    if (longest < asked_for) {
      context_.notice(context_.path(i, "mtu"), plan_.ports[i].driver + " sends frames of up to " + number(longest) +
                                                   " bytes here, fewer than the MTU's " + number(asked_for) +
                                                   "; longer ones are dropped under frame_too_long");
    }
  }

  bool all_af_packet(std::size_t i) const {
    const std::vector<Part> parts = parts_of(plan_.ports[i].device, *context_.facts[i]);
    return std::all_of(parts.begin(), parts.end(), [](const Part& p) { return p.facts.driver == "net_af_packet"; });
  }

  void plan_scatter(std::size_t i, PortPlan& port) {
    const unsigned longest = longest_frame(port.mtu);
    const DriverTraits traits = traits_of(*context_.facts[i]);
    const bool receives = context_.resolved.way_from(i) != nullptr;
    if (!receives || longest <= data_room_ || traits.makes_chains || traits.passes_pointers || all_af_packet(i)) {
      return;  // af_packet takes a frame into one mbuf only, which make_pools has checked
    }
    port.scatter = context_.facts[i]->scatter;
    if (port.scatter) {
      context_.notice(context_.path(i, "mtu"), "a frame of " + number(longest) +
                                                   " bytes is received into several mbufs of " + number(data_room_));
    } else {
      problems().invalid(place_of(config_.ports[i].mtu, port_at(i)), context_.path(i, "mtu"),
                         "makes frames of " + number(longest) + " bytes, an mbuf holds " + number(data_room_) +
                             " and " + port.driver + " cannot chain; expected pool: {data_room: " + number(longest) +
                             "}");
    }
  }

  void plan_chains(std::size_t i, PortPlan& port, bool chained) {
    port.multi_segs = chained && context_.facts[i]->multi_segs;
    if (chained && !port.multi_segs && !traits_of(*context_.facts[i]).sends_chains) {
      problems().invalid(port_at(i), "ports." + port.name,
                         "frames of several mbufs leave by this port and " + port.driver + " cannot send them; " +
                             "expected " +
                             (owns_headers(i) ? "mode: cross_connect, which writes no headers"
                                              : "a pool.data_room of " + number(longest_frame(port.mtu))));
    }
  }

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
    unsigned segments = 1;
    for (const PortPlan& port : plan_.ports) {
      segments = std::max(segments, (longest_frame(port.mtu) + data_room_ - 1) / data_room_);
    }
    demand.add("1.5 caches of the lcores and the main lcore", plan_.lcores.size() + 1,
               cache_reach(plan_.pools[pool].cache));
    demand.add(segments > 1 ? "lcores' bursts of " + number(segments) + "-mbuf frames" : "lcores' bursts",
               plan_.lcores.size(), std::uint64_t{plan_.burst} * segments);
    return demand;
  }

  /// Whether mbufs of the pool go that way: packets, or headers in front of them; or copies of other pools' packets,
  /// which af_xdp puts into its own.
  bool passes(const Way& way, std::size_t pool) const {
    const PortPlan& to = plan_.ports[way.to];
    return plan_.ports[way.from].pool == pool || (owns_headers(way.from) && pool_with_room(way.from) == pool) ||
           (to.driver == "net_af_xdp" && to.pool == pool);
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
    std::uint64_t all = 0;
    for (const PoolPlan& pool : plan_.pools) {
      const std::uint64_t needed = memory_mib(plan_, pool.socket, context_.inventory.no_huge);
      all += needed;
      if (!context_.inventory.no_huge) {
        check_hugepages(pool.socket, needed);
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
  unsigned data_room_;
  std::set<std::size_t> told_;  // outputs
};

}  // namespace

void plan_memory(PlanContext& context) {
  MemoryPlanner(context).run();
}

}  // namespace ringway
