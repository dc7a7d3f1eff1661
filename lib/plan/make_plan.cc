#include "plan/make_plan.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "core/text.h"
#include "plan/context.h"
#include "plan/drivers.h"
#include "plan/place.h"

namespace ringway {
namespace {

constexpr unsigned kDefaultBurst = 32;

// Idle ladder. 20 us of sleep and its wake-up stay below 50 us; the polls before it cover gaps inside a flow.
constexpr IdlePlan kDefaultIdle = {.spin_polls = 1000, .pause_polls = 1000, .sleep_us = 20};

/// Makes one plan; each member function decides one thing, in the order of `run`.
class Planner {
 public:
  Planner(const Config& config, const Inventory& inventory)
      : context_{config, inventory, {}, {}, {}}, config_(config), inventory_(inventory) {}

  Planning run() {
    context_.resolved = resolve(config_, problems());
    plan().mode = config_.forwarding.mode.value;
    plan().burst = value_or(config_.burst, kDefaultBurst);
    plan().idle = {.spin_polls = value_or(config_.idle.spin_polls, kDefaultIdle.spin_polls),
                   .pause_polls = value_or(config_.idle.pause_polls, kDefaultIdle.pause_polls),
                   .sleep_us = value_or(config_.idle.sleep_us, kDefaultIdle.sleep_us)};
    if (find_devices()) {
      const bool resolved = !problems().failed();
      for (std::size_t i = 0; i < config_.ports.size(); ++i) {
        plan_port(context_, i);
      }
      place_queues();
      if (resolved && lcores_are_there()) {  // else what follows would only repeat it in other words
        plan_legs(context_);
        warn_of_shared_cores();
        plan_traffic(context_);
        plan().captures = context_.resolved.captures;
        plan_memory(context_);
      }
    }
    return std::move(context_.result);
  }

 private:
  Plan& plan() { return context_.plan(); }
  Diagnostics& problems() { return context_.problems(); }
  const PortConfig& asked(std::size_t port) const { return config_.ports[port]; }
  const std::vector<Way>& ways() const { return context_.resolved.ways; }

  bool find_devices() {
    bool all = true;
    for (const PortConfig& port : config_.ports) {
      if (is_made_here(port)) {
        context_.facts.push_back(is_lab(port) ? &lab_facts() : &replay_facts());
        continue;
      }
      const std::string path = "ports." + port.name;
      const DeviceFacts* own = find_device(port.device, path + ".device");
      std::vector<DeviceFacts> members;
      for (std::size_t i = 0; i < port.members.size(); ++i) {
        const At<std::string>& member = port.members[i];
        if (const DeviceFacts* facts = find_device(member, path + ".members[" + number(i) + "]")) {
          members.push_back(*facts);
          members.back().device = member.value;
        }
      }
      all = all && own != nullptr && members.size() == port.members.size();
      if (own != nullptr && !members.empty()) {
        own = &context_.bonds.emplace_back(bond_of(*own, std::move(members)));
      }
      context_.facts.push_back(own);
    }
    return all;
  }

  /// A device of the inventory; null with a problem told.
  const DeviceFacts* find_device(const At<std::string>& device, const std::string& path) {
    const std::string name = device_name(device.value);
    const auto found = std::find_if(inventory_.devices.begin(), inventory_.devices.end(),
                                    [&](const DeviceFacts& facts) { return facts.device == name; });
    const bool there = found != inventory_.devices.end();
    if (there && found->max_rx_queues > 0 && found->max_tx_queues > 0) {
      return &*found;
    }
    if (!name.empty()) {
      problems().missing(device.at, path,
                         "'" + name + (there ? "' has no queues" : "' is not in the inventory") +
                             "; expected one of its devices that can forward");
    }
    return nullptr;
  }

  void place_queues() {
    for (const LcoreConfig& lcore : config_.lcores) {
      check_lcore(lcore);
    }
    std::vector<LcoreFacts> workers;
    std::copy_if(inventory_.lcores.begin(), inventory_.lcores.end(), std::back_inserter(workers),
                 [&](const auto& lcore) {
                   return !lcore.main && std::none_of(config_.lcores.begin(), config_.lcores.end(),
                                                      [&](const LcoreConfig& given) { return given.id == lcore.id; });
                 });
    place_traffic(workers);
    if (config_.lcores_at.line != 0) {
      return;
    }
    if (workers.empty()) {
      problems().missing({}, "lcores",
                         "there is no lcore to forward on: the main lcore forwards nothing; expected two "
                         "lcores, such as eal: {lcores: \"0@0,1@0\"} on a single CPU");
      return;
    }
    std::vector<QueueToPlace> queues;
    for (const Way& way : ways()) {
      const unsigned usable = usable_tx_queues(*context_.facts[way.to], plan().ports[way.to].rx_queues);
      const unsigned senders = std::min(value_or(asked(way.to).tx_queues, usable), usable);
      for (unsigned queue = 0; queue < plan().ports[way.from].rx_queues; ++queue) {
        queues.push_back({way.from, queue, plan().ports[way.from].socket, way.to, senders});
      }
    }
    context_.resolved.assignments = place(queues, workers, plan().ports, context_.result.reasons);
    warn_of_idle_lcores(workers);
  }

  /// Generators and checkers that the file gives to nobody go to the last lcore that has nothing to do.
  void place_traffic(std::vector<LcoreFacts>& free) {
    Resolved& resolved = context_.resolved;
    std::set<std::size_t> generate;
    std::set<std::size_t> check;
    for (const Way& way : ways()) {
      if (resolved.generate.empty() && is_made_here(asked(way.from))) {
        generate.insert(way.from);
      }
      if (resolved.check.empty() && is_made_here(asked(way.to))) {
        check.insert(way.to);
      }
    }
    if (generate.empty() && check.empty()) {
      return;
    }
    const bool forwards_here = config_.lcores_at.line == 0;
    if (free.size() < (forwards_here ? 2U : 1U)) {
      problems().missing(
          config_.lcores_at, "lcores",
          "no lcore is left for the generators and checkers of lab and replay ports; expected one more, such as "
          "eal: {lcores: \"0@0,1@1,2@0\"} on two CPUs, or generate and check under lcores");
      return;
    }
    const unsigned lcore = free.back().id;
    free.pop_back();
    for (const std::size_t port : generate) {
      resolved.generate.push_back({lcore, port, {}});
    }
    for (const std::size_t port : check) {
      resolved.check.push_back({lcore, port, {}});
    }
    context_.why("lcores." + number(lcore), "generates and checks: it had nothing else to do");
  }

  void check_lcore(const LcoreConfig& lcore) {
    const LcoreFacts* facts = context_.lcore_facts(lcore.id);
    const std::string at = "lcores." + number(lcore.id);
    if (facts == nullptr) {
      std::vector<std::string> ids;
      for (const LcoreFacts& other : inventory_.lcores) {
        ids.push_back(number(other.id));
      }
      problems().missing(lcore.at, at, "is not an lcore of this process; expected one of " + join(ids, "or"));
    } else if (facts->main) {
      problems().missing(lcore.at, at,
                         "is the main lcore, which forwards nothing; expected another lcore, or another "
                         "eal.main_lcore");
    }
  }

  bool lcores_are_there() const {
    const auto there = [this](const auto& given) { return context_.lcore_facts(given.id) != nullptr; };
    return !context_.resolved.assignments.empty() && std::all_of(config_.lcores.begin(), config_.lcores.end(), there);
  }

  void warn_of_idle_lcores(const std::vector<LcoreFacts>& workers) {
    const std::vector<Assignment>& placed = context_.resolved.assignments;
    std::vector<std::string> idle;
    for (const LcoreFacts& lcore : workers) {
      const bool used =
          std::any_of(placed.begin(), placed.end(), [&](const Assignment& a) { return a.lcore == lcore.id; });
      if (!used) {
        idle.push_back(number(lcore.id));
      }
    }
    for (const Way& way : ways()) {
      if (!idle.empty() && plan().ports[way.from].rx_queues == 1 && context_.facts[way.from]->max_rx_queues > 1) {
        problems().warn(asked(way.from).at, context_.path(way.from, "rx_queues"),
                        "is 1, so one lcore takes all its packets while " +
                            (idle.size() == 1 ? "lcore " + idle[0] + " has" : "lcores " + join(idle) + " have") +
                            " nothing to do; the device has up to " + number(context_.facts[way.from]->max_rx_queues));
      }
    }
  }

  void warn_of_shared_cores() {
    const std::vector<LcorePlan>& lcores = plan().lcores;
    for (std::size_t i = 0; i < lcores.size(); ++i) {
      for (std::size_t j = i + 1; j < lcores.size(); ++j) {
        const LcoreFacts& a = *context_.lcore_facts(lcores[i].id);
        const LcoreFacts& b = *context_.lcore_facts(lcores[j].id);
        const std::string both = "lcores " + number(a.id) + " and " + number(b.id);
        if (!a.cpus.empty() && a.cpus == b.cpus && a.cpus.size() == 1) {
          problems().warn(config_.lcores_at, "lcores",
                          both + " share CPU " + number(a.cpus.front()) + ": they take turns, which is for tests only");
        } else if (a.socket == b.socket && a.core == b.core) {
          problems().warn(config_.lcores_at, "lcores",
                          both + " are hyper-thread siblings on one physical core: each slows the other");
        }
      }
    }
  }

  PlanContext context_;
  const Config& config_;
  const Inventory& inventory_;
};

}  // namespace

Planning make_plan(const Config& config, const Inventory& inventory) {
  return Planner(config, inventory).run();
}

}  // namespace ringway
