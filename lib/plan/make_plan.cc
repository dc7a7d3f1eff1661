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
        build_lcores();
        plan_tx_queues();
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
      const std::string name = device_name(port.device.value);
      const auto found = std::find_if(inventory_.devices.begin(), inventory_.devices.end(),
                                      [&](const DeviceFacts& device) { return device.device == name; });
      if (found != inventory_.devices.end() && found->max_rx_queues > 0 && found->max_tx_queues > 0) {
        context_.facts.push_back(&*found);
        continue;
      }
      all = false;
      if (!name.empty()) {
        problems().missing(port.device.at, "ports." + port.name + ".device",
                           "'" + name +
                               (found == inventory_.devices.end() ? "' is not in the inventory" : "' has no queues") +
                               "; expected one of its devices that can forward");
      }
    }
    return all;
  }

  const LcoreFacts* lcore_facts(unsigned id) const {
    for (const LcoreFacts& lcore : inventory_.lcores) {
      if (lcore.id == id) {
        return &lcore;
      }
    }
    return nullptr;
  }

  void place_queues() {
    for (const LcoreConfig& lcore : config_.lcores) {
      check_lcore(lcore);
    }
    if (config_.lcores_at.line != 0) {
      placed_ = context_.resolved.assignments;
      return;
    }
    std::vector<LcoreFacts> workers;
    std::copy_if(inventory_.lcores.begin(), inventory_.lcores.end(), std::back_inserter(workers),
                 [](const LcoreFacts& lcore) { return !lcore.main; });
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
    placed_ = place(queues, workers, plan().ports, context_.result.reasons);
    warn_of_idle_lcores(workers);
  }

  void check_lcore(const LcoreConfig& lcore) {
    const LcoreFacts* facts = lcore_facts(lcore.id);
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
    return !placed_.empty() && std::all_of(placed_.begin(), placed_.end(), [this](const Assignment& assignment) {
      return lcore_facts(assignment.lcore) != nullptr;
    });
  }

  void warn_of_idle_lcores(const std::vector<LcoreFacts>& workers) {
    std::vector<std::string> idle;
    for (const LcoreFacts& lcore : workers) {
      const bool used =
          std::any_of(placed_.begin(), placed_.end(), [&](const Assignment& a) { return a.lcore == lcore.id; });
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

  void build_lcores() {
    std::set<unsigned> ids;
    for (const Assignment& assignment : placed_) {
      ids.insert(assignment.lcore);
    }
    for (const unsigned id : ids) {
      const LcoreFacts& facts = *lcore_facts(id);
      LcorePlan lcore{.id = id, .socket = facts.socket, .legs = {}};
      for (const Assignment& assignment : placed_) {
        if (assignment.lcore == id) {
          add_leg(lcore, assignment);
        }
      }
      plan().lcores.push_back(std::move(lcore));
    }
    warn_of_shared_cores();
  }

  void add_leg(LcorePlan& lcore, const Assignment& assignment) {
    LegPlan leg;
    leg.from = assignment.port;
    leg.rx_queue = assignment.queue;
    leg.to = context_.resolved.way_from(assignment.port)->to;
    leg.swap_macs = plan().mode == Mode::kReflect;
    lcore.legs.push_back(leg);
    for (const std::size_t i : std::set{leg.from, leg.to}) {
      const PortPlan& port = plan().ports[i];
      if (port.socket != lcore.socket) {
        problems().warn(assignment.at, "lcores." + number(lcore.id),
                        "is on NUMA socket " + number(lcore.socket) + ", port '" + port.name + "' on " +
                            number(port.socket) + ": every packet crosses sockets");
      }
    }
  }

  void warn_of_shared_cores() {
    const std::vector<LcorePlan>& lcores = plan().lcores;
    for (std::size_t i = 0; i < lcores.size(); ++i) {
      for (std::size_t j = i + 1; j < lcores.size(); ++j) {
        const LcoreFacts& a = *lcore_facts(lcores[i].id);
        const LcoreFacts& b = *lcore_facts(lcores[j].id);
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

  void plan_tx_queues() {
    for (std::size_t i = 0; i < plan().ports.size(); ++i) {
      unsigned queues = 0;
      for (LcorePlan& lcore : plan().lcores) {
        bool sends = false;
        for (LegPlan& leg : lcore.legs) {
          if (leg.to == i) {
            leg.tx_queue = queues;
            sends = true;
          }
        }
        queues += sends ? 1 : 0;
      }
      fit_tx_queues(i, queues);
    }
  }

  void fit_tx_queues(std::size_t i, unsigned senders) {
    PortPlan& port = plan().ports[i];
    const unsigned max = usable_tx_queues(*context_.facts[i], port.rx_queues);
    port.tx_queues = value_or(asked(i).tx_queues, std::max(senders, 1U));
    const Location at = place_of(asked(i).tx_queues, asked(i).at);
    if (port.tx_queues > max) {
      problems().missing(at, context_.path(i, "tx_queues"),
                         "is " + number(port.tx_queues) + "; " + port.driver + " has " + number(max) + " here" +
                             (asked(i).tx_queues ? ""
                                                 : ", and each lcore that sends needs its own: give all "
                                                   "queues that lead to this port to " +
                                                       number(max) + " lcore(s)"));
    } else if (port.tx_queues < senders) {
      problems().invalid(at, context_.path(i, "tx_queues"),
                         "is " + number(port.tx_queues) + ", but " + number(senders) +
                             " lcores send out of this port; expected a TX queue for each");
    }
    if (!asked(i).tx_queues) {
      context_.why(context_.path(i, "tx_queues"), "one for each lcore that sends out of it");
    }
  }

  PlanContext context_;
  const Config& config_;
  const Inventory& inventory_;
  std::vector<Assignment> placed_;
};

}  // namespace

Planning make_plan(const Config& config, const Inventory& inventory) {
  return Planner(config, inventory).run();
}

}  // namespace ringway
