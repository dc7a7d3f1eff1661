#include "plan/resolve.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

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
    return std::move(resolved_);
  }

 private:
  /// Index of a port, or kNone with a problem told.
  std::size_t port_named(const std::string& name, Location at, const std::string& path) {
    for (std::size_t i = 0; i < config_.ports.size(); ++i) {
      if (config_.ports[i].name == name) {
        return i;
      }
    }
    std::vector<std::string> names;
    for (const PortConfig& port : config_.ports) {
      names.push_back(port.name);
    }
    std::string expected = did_you_mean(name, names);
    if (expected.empty()) {
      expected = names.empty() ? "; define it under ports" : "; expected " + join(names, "or");
    }
    problems_.invalid(at, path, "no port is named '" + name + "'" + expected);
    return kNone;
  }

  bool is_port(const std::string& name) const {
    return std::any_of(config_.ports.begin(), config_.ports.end(),
                       [&](const PortConfig& port) { return port.name == name; });
  }

  void check_devices() {
    std::map<std::string, const PortConfig*> seen;
    for (const PortConfig& port : config_.ports) {
      const std::string device = device_name(port.device.value);
      if (device.empty()) {
        continue;  // the parser has said so
      }
      const auto [first, fresh] = seen.emplace(device, &port);
      if (!fresh) {
        problems_.invalid(port.device.at, "ports." + port.name + ".device",
                          "is the same device as port '" + first->second->name + "' on line " +
                              std::to_string(first->second->device.at.line) + "; expected another device");
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
    }
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

unsigned rx_queues_of(const PortConfig& port) {
  return port.rx_queues ? port.rx_queues->value : 1;
}

Resolved resolve(const Config& config, Diagnostics& problems) {
  return Resolver(config, problems).run();
}

}  // namespace ringway
