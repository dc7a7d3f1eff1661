#include "plan/resolve.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "config/device.h"
#include "config/replay.h"
#include "core/text.h"

namespace ringway {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// Walks a Config once, section by section; each member function is one section's rules.
class Resolver {
 public:
  Resolver(const Config& config, Diagnostics& problems) : config_(config), problems_(problems) {}

  Resolved run() {
    check_devices();
    resolve_ways();
    check_unused_ports();
    check_lcore_sections();
    check_traffic();
    resolve_captures(config_, resolved_, problems_);
    return std::move(resolved_);
  }

 private:
  /// Index of a port, or kNone with a problem told.
  std::size_t port_named(const std::string& name, Location at, const std::string& path) {
    return find_port(config_, name, at, path, problems_).value_or(kNone);
  }

  bool is_port(const std::string& name) const {
    return std::any_of(config_.ports.begin(), config_.ports.end(),
                       [&](const PortConfig& port) { return port.name == name; });
  }

  void check_devices() {
    std::map<std::string, const PortConfig*> seen;
    for (const PortConfig& port : config_.ports) {
      if (!is_made_here(port)) {  // each of those is a device of its own
        check_only_here(port, port.device, "device", seen);
      }
      check_members(port, seen);
    }
  }

  /// A device serves one port, as its device or as one of its members.
  void check_only_here(const PortConfig& port, const At<std::string>& device, const std::string& key,
                       std::map<std::string, const PortConfig*>& seen) {
    const std::string name = device_name(device.value);
    if (name.empty()) {
      return;  // the parser has said so
    }
    const auto [first, fresh] = seen.emplace(name, &port);
    if (!fresh) {
      problems_.invalid(device.at, "ports." + port.name + "." + key,
                        "is the same device as port '" + first->second->name + "' on line " +
                            std::to_string(first->second->device.at.line) + "; expected another device");
    }
  }

  void check_members(const PortConfig& port, std::map<std::string, const PortConfig*>& seen) {
    const bool bond = vdev_driver(port.device.value) == kBondDriver;
    if (bond && port.members.empty()) {
      problems_.invalid(port.device.at, "ports." + port.name,
                        "joins no devices; expected members: [DEVICE, ...] beside device");
    } else if (!bond && !port.members.empty() && !port.device.value.empty()) {
      problems_.invalid(port.members.front().at, "ports." + port.name + ".members",
                        "belongs to a net_bonding device; expected device: \"net_bonding0,mode=1\" or no members");
    }
    for (std::size_t i = 0; i < port.members.size(); ++i) {
      const At<std::string>& member = port.members[i];
      const std::string key = "members[" + std::to_string(i) + "]";
      if (member.value == kLabDevice || is_replay_device(member.value) || vdev_driver(member.value) == kBondDriver) {
        problems_.invalid(member.at, "ports." + port.name + "." + key,
                          "cannot be a member; expected a PCI address or a vdev that is no bond");
      } else {
        check_only_here(port, member, key, seen);
      }
    }
  }

  void add_way(const At<std::string>& from, const At<std::string>& to, const std::string& path) {
    const std::size_t from_port = port_named(from.value, from.at, path);
    const std::size_t to_port = port_named(to.value, to.at, path);
    if (from_port == kNone || to_port == kNone) {
      return;
    }
    if (const Way* taken = resolved_.way_from(from_port)) {
      const std::string& partner = config_.ports[taken->to].name;
      problems_.invalid(from.at, path,
                        "packets from '" + from.value + "' already go to '" + partner +
                            "'; expected each port to be the source of one way");
      return;
    }
    resolved_.ways.push_back({from_port, to_port});
  }

  void resolve_ways() {
    const ForwardingConfig& forwarding = config_.forwarding;
    for (std::size_t i = 0; i < forwarding.pairs.size(); ++i) {
      const PairConfig& pair = forwarding.pairs[i];
      const std::string path = "forwarding.pairs[" + std::to_string(i) + "]";
      if (pair.from.value == pair.to.value) {
        problems_.invalid(pair.at, path,
                          "joins '" + pair.from.value + "' to itself; expected two ports, or mode: reflect");
        continue;
      }
      add_way(pair.from, pair.to, path);
      if (pair.both_ways && is_port(pair.from.value) && is_port(pair.to.value)) {  // else it has been told
        add_way(pair.to, pair.from, path);
      }
    }
    for (std::size_t i = 0; i < forwarding.ports.size(); ++i) {
      const At<std::string>& port = forwarding.ports[i];
      add_way(port, port, "forwarding.ports[" + std::to_string(i) + "]");
    }
  }

  void check_unused_ports() {
    if (resolved_.ways.empty()) {
      return;  // forwarding itself is broken, and said to be
    }
    for (std::size_t i = 0; i < config_.ports.size(); ++i) {
      const bool used = std::any_of(resolved_.ways.begin(), resolved_.ways.end(),
                                    [i](const Way& way) { return way.from == i || way.to == i; });
      if (!used) {
        problems_.invalid(config_.ports[i].at, "ports." + config_.ports[i].name,
                          "is not used by forwarding; expected it there, or to be left out here");
      }
    }
  }

  void assign(const LcoreConfig& lcore, std::size_t item) {
    const QueueRef& ref = lcore.rx[item];
    const std::string path = "lcores." + std::to_string(lcore.id) + ".rx[" + std::to_string(item) + "]";
    const std::size_t port = port_named(ref.port, ref.at, path);
    if (port == kNone) {
      return;
    }
    if (!resolved_.ways.empty() && resolved_.way_from(port) == nullptr) {
      problems_.invalid(ref.at, path,
                        "polls '" + ref.port + "', which only sends; expected a port that forwarding reads");
      return;
    }
    const unsigned queues = rx_queues_of(config_.ports[port]);
    if (ref.queue.value_or(0) >= queues) {
      problems_.invalid(ref.at, path,
                        "queue " + std::to_string(*ref.queue) + " of '" + ref.port + "' is not there; expected 0 to " +
                            std::to_string(queues - 1) + ", or more ports." + ref.port + ".rx_queues");
      return;
    }
    take_queues(lcore.id, port, ref, path);
  }

  /// Queue by queue, but one problem a reference: `*` over a thousand queues is one mistake.
  void take_queues(unsigned lcore, std::size_t port, const QueueRef& ref, const std::string& path) {
    std::vector<std::optional<std::size_t>>& owners = owners_[port];
    owners.resize(rx_queues_of(config_.ports[port]));
    const unsigned last = ref.queue.value_or(static_cast<unsigned>(owners.size()) - 1);
    bool told = false;
    for (unsigned queue = ref.queue.value_or(0); queue <= last; ++queue) {
      if (!owners[queue]) {
        owners[queue] = resolved_.assignments.size();
        resolved_.assignments.push_back({lcore, port, queue, ref.at});
      } else if (!told) {
        const Assignment& taken = resolved_.assignments[*owners[queue]];
        problems_.invalid(ref.at, path,
                          "queue " + ref.port + "." + std::to_string(queue) + " is already polled by lcore " +
                              std::to_string(taken.lcore) + " on line " + std::to_string(taken.at.line) +
                              "; expected one lcore a queue");
        told = true;
      }
    }
  }

  void check_lcore_sections() {
    for (const LcoreConfig& lcore : config_.lcores) {
      for (std::size_t item = 0; item < lcore.rx.size(); ++item) {
        assign(lcore, item);
      }
      if (lcore.work && lcore.work->value) {
        resolved_.workers.push_back(lcore.id);
      }
      take_role(lcore, lcore.tx, "tx", resolved_.tx);
      take_role(lcore, lcore.generate, "generate", resolved_.generate);
      take_role(lcore, lcore.check, "check", resolved_.check);
    }
    std::sort(resolved_.workers.begin(), resolved_.workers.end());
    if (config_.lcores_at.line == 0 || config_.lcores.empty()) {
      return;
    }
    for (const Way& way : resolved_.ways) {
      const PortConfig& port = config_.ports[way.from];
      std::vector<std::optional<std::size_t>>& owners = owners_[way.from];
      owners.resize(rx_queues_of(port));
      const auto unpolled = std::find(owners.begin(), owners.end(), std::nullopt);
      if (unpolled != owners.end()) {
        problems_.invalid(config_.lcores_at, "lcores",
                          "nobody polls queue " + port.name + "." + std::to_string(unpolled - owners.begin()) +
                              "; expected it under one lcore's rx");
      }
    }
  }

  bool is_source(std::size_t port) const { return resolved_.way_from(port) != nullptr; }
  bool is_output(std::size_t port) const {
    return std::any_of(resolved_.ways.begin(), resolved_.ways.end(), [port](const Way& way) { return way.to == port; });
  }

  void take_role(const LcoreConfig& lcore, const std::vector<At<std::string>>& names, const std::string& role,
                 std::vector<PortRole>& taken) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string path = "lcores." + std::to_string(lcore.id) + "." + role + "[" + std::to_string(i) + "]";
      const std::size_t port = port_named(names[i].value, names[i].at, path);
      if (port == kNone) {
        continue;
      }
      const bool lab_role = role != "tx";
      const auto same = std::find_if(taken.begin(), taken.end(), [&](const PortRole& other) {
        return other.port == port && (lab_role || other.lcore == lcore.id);
      });
      if (same != taken.end()) {
        problems_.invalid(names[i].at, path,
                          "port '" + names[i].value + "' has this role already, on line " +
                              std::to_string(same->at.line) + "; expected it once");
      } else if (lab_role && !is_made_here(config_.ports[port])) {
        problems_.invalid(names[i].at, path,
                          "port '" + names[i].value +
                              "' is no lab port and no replay port; expected one with device: lab, or replay");
      } else if (!resolved_.ways.empty() && !(role == "generate" ? is_source(port) : is_output(port))) {
        problems_.invalid(names[i].at, path,
                          "nothing is " + std::string(role == "generate" ? "received from" : "sent out of") + " '" +
                              names[i].value + "'; expected a port that forwarding uses so");
      } else {
        taken.push_back({lcore.id, port, names[i].at});
      }
    }
  }

  /// Every port that is made here has its generator and its checker, or none has and the planner finds an lcore.
  void check_traffic() {
    const bool any_lab = std::any_of(config_.ports.begin(), config_.ports.end(), is_lab);
    if (config_.traffic.at.line != 0 && !any_lab) {
      problems_.invalid(config_.traffic.at, "traffic", "no port is a lab port; expected one with device: lab");
    }
    for (std::size_t i = 0; i < config_.ports.size(); ++i) {
      if (is_replay_device(config_.ports[i].device.value) && is_output(i) && !is_source(i)) {
        problems_.invalid(config_.ports[i].at, "ports." + config_.ports[i].name,
                          "replays nothing, since no way begins there; expected it as the source of one");
      }
      if (is_made_here(config_.ports[i]) && is_source(i)) {
        check_covered(i, resolved_.generate, "generate");
      }
      if (is_made_here(config_.ports[i]) && is_output(i)) {
        check_covered(i, resolved_.check, "check");
      }
    }
  }

  void check_covered(std::size_t port, const std::vector<PortRole>& taken, const std::string& role) {
    const bool covered =
        std::any_of(taken.begin(), taken.end(), [port](const PortRole& other) { return other.port == port; });
    if (!taken.empty() && !covered) {
      problems_.invalid(config_.lcores_at, "lcores",
                        "no lcore has " + role + ": [" + config_.ports[port].name +
                            "], while other ports in memory have one; expected all of them, or none");
    }
  }

  const Config& config_;
  Diagnostics& problems_;
  Resolved resolved_;
  std::map<std::size_t, std::vector<std::optional<std::size_t>>> owners_;  // port: queue: index of its assignment
};

}  // namespace

const Way* Resolved::way_from(std::size_t port) const {
  for (const Way& way : ways) {
    if (way.from == port) {
      return &way;
    }
  }
  return nullptr;
}

std::optional<std::size_t> find_port(const Config& config, const std::string& name, Location at,
                                     const std::string& path, Diagnostics& problems) {
  std::vector<std::string> names;
  for (const PortConfig& port : config.ports) {
    if (port.name == name) {
      return names.size();
    }
    names.push_back(port.name);
  }
  std::string expected = did_you_mean(name, names);
  if (expected.empty()) {
    expected = names.empty() ? "; define it under ports" : "; expected " + join(names, "or");
  }
  problems.invalid(at, path, "no port is named '" + name + "'" + expected);
  return {};
}

bool is_lab(const PortConfig& port) {
  return port.device.value == kLabDevice;
}

bool is_made_here(const PortConfig& port) {
  return is_lab(port) || is_replay_device(port.device.value);
}

unsigned rx_queues_of(const PortConfig& port) {
  return port.rx_queues ? port.rx_queues->value : 1;
}

Resolved resolve(const Config& config, Diagnostics& problems) {
  return Resolver(config, problems).run();
}

}  // namespace ringway
