#include <algorithm>
#include <set>

#include "core/frames.h"
#include "plan/context.h"
#include "plan/drivers.h"

namespace ringway {
namespace {

constexpr unsigned kDefaultCache = 256;
constexpr unsigned kDefaultDataRoom = 2048;

/// Pools and frames; each member function is one step, in the order of `run`.
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
    plan_pools(context_);
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

  /// Who writes to packets does so in private where others may have their data, too.
  void plan_headers() {
    for (LcorePlan& lcore : plan_.lcores) {
      for (LegPlan& leg : lcore.legs) {
        const std::size_t from = leg.rx() != nullptr ? leg.rx()->port : plan_.rings[leg.from_ring()].port;
        if (leg.swap_macs && owns_headers(plan_, from)) {
          leg.own_headers = pool_with_room(plan_, from);
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
        const bool headers = owns_headers(plan_, way.from);
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
    plan_taps(context_);
    const std::vector<bool> captured = outputs_of([](const LegPlan& leg) {
      return std::any_of(leg.taps.begin(), leg.taps.end(),
                         [](const auto& tap) { return tap.point != TapPoint::kDrop; });
    });
    for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
      PortPlan& port = plan_.ports[i];
      plan_scatter(i, port);
      plan_chains(i, port, chained[i]);
      if (captured[i] && rewrites_packets(port.device)) {
        problems().invalid(port_at(i), "ports." + port.name,
                           "is a bond that writes its MAC addresses into what it sends, which captures share; expected "
                           "another mode than 5 and 6, or captures of drops only");
      }
      port.fast_free = context_.facts[i]->fast_free && !port.multi_segs && !captured[i] && feeding[i].size() == 1 &&
                       *feeding[i].begin() < plan_.pools.size();
    }
  }

  /// Ports that packets of such legs leave by.
  template <class Is>
  std::vector<bool> outputs_of(Is is) const {
    std::vector<bool> ports(plan_.ports.size());
    for (const LcorePlan& lcore : plan_.lcores) {
      for (const LegPlan& leg : lcore.legs) {
        const TapPort at = tap_port(plan_, leg, true);
        const std::size_t to = at.outbound ? at.port : context_.resolved.way_from(at.port)->to;
        ports[to] = ports[to] || is(leg);
      }
    }
    return ports;
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
                             (shares_before_work(plan_, i) ? "captures to take packets behind swap_macs, or with "
                                                             "direction: tx"
                              : owns_headers(plan_, i)     ? "mode: cross_connect, which writes no headers"
                                                           : "a pool.data_room of " + number(longest_frame(port.mtu))));
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
