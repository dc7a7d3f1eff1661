#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "plan/make_plan.h"
#include "plan/resolve.h"

namespace ringway {

/// What the planner's steps share: what was asked, what there is, and the plan as far as it is made.
struct PlanContext {
  const Config& config;
  const Inventory& inventory;
  Resolved resolved;
  std::vector<const DeviceFacts*> facts;  ///< one a port of the configuration, once the devices are found
  std::deque<DeviceFacts> bonds = {};     ///< what bonds make of their members; `facts` points here
  Planning result = {};

  Plan& plan() noexcept { return result.plan; }
  Diagnostics& problems() noexcept { return result.problems; }

  /// Null: no such lcore.
  const LcoreFacts* lcore_facts(unsigned id) const {
    for (const LcoreFacts& lcore : inventory.lcores) {
      if (lcore.id == id) {
        return &lcore;
      }
    }
    return nullptr;
  }

  /// The reason behind a number: a comment in --plan.
  void why(const std::string& path, const std::string& sentence) { result.reasons.emplace(path, sentence); }

  /// A reason that also is to be told at start: the device forced it.
  void notice(const std::string& path, const std::string& sentence) {
    why(path, sentence);
    result.notices.push_back(path + ": " + sentence);
  }

  /// `ports.east.mtu`.
  std::string path(std::size_t port, const std::string& key) const {
    return "ports." + config.ports[port].name + "." + key;
  }
};

inline std::string number(std::uint64_t value) {
  return std::to_string(value);
}

inline unsigned value_or(const Maybe<unsigned>& maybe, unsigned otherwise) {
  return maybe ? maybe->value : otherwise;
}

inline Location place_of(const Maybe<unsigned>& maybe, Location otherwise) {
  return maybe ? maybe->at : otherwise;
}

/// Decides everything about one port but its TX queues, its pool and its offloads.
void plan_port(PlanContext& context, std::size_t port);

/// Decides legs, rings and TX queues, once it is known which lcore polls which queue.
void plan_legs(PlanContext& context);

/// Decides which legs show packets to captures, and where; once their frame limits are there.
void plan_taps(PlanContext& context);

/// Whether captures may share packets from a port with whoever works on them.
bool shares_before_work(const Plan& plan, std::size_t port);

/// Whether packets from a port get headers of their own before they leave.
bool owns_headers(const Plan& plan, std::size_t from);

/// The pool of mbufs with room on a port's NUMA socket, once the pools are there.
std::size_t pool_with_room(const Plan& plan, std::size_t port);

/// Sizes the pools, and checks the memory for them.
void plan_pools(PlanContext& context);

/// Decides what generators send, once the ports are there.
void plan_traffic(PlanContext& context);

/// Bytes without CRC of the longest frame that is no fault.
unsigned longest_generated(const TrafficPlan& traffic);

/// Decides pools, frame limits, chains and offloads, once legs and TX queues are there, and checks the memory for it.
void plan_memory(PlanContext& context);

}  // namespace ringway
