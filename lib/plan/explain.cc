#include "plan/explain.h"

#include <set>
#include <sstream>
#include <utility>

#include "plan/drivers.h"

namespace ringway {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + '"';
}

/// A port's name; quoted where YAML would read something else into it.
std::string named(const std::string& name) {
  return name == "null" || name == "Null" || name == "NULL" ? quoted(name) : name;
}

/// Writes the sections one after another; a key's reasons become comments above it.
class Explainer {
 public:
  Explainer(const Config& config, const Planning& planning)
      : config_(config), plan_(planning.plan), reasons_(planning.reasons), problems_(planning.problems) {}

  std::string run() {
    out_ << "# The resolved configuration: every number decided. It is itself a valid configuration.\n";
    for (const Problem& problem : problems_.problems()) {
      out_ << "# warning: " << problem.path << ": " << problem.text << '\n';
    }
    ports();
    forwarding();
    lcores();
    rest();
    eal();
    return out_.str();
  }

 private:
  void comments(const std::string& path, const std::string& indent) {
    const auto [first, last] = reasons_.equal_range(path);
    for (auto reason = first; reason != last; ++reason) {
      out_ << indent << "# " << reason->second << '\n';
    }
  }

  template <class T>
  void key(const std::string& section, const std::string& indent, const std::string& name, const T& value) {
    comments(section + "." + name, indent);
    out_ << indent << name << ": " << value << '\n';
  }

  void ports() {
    out_ << "\nports:\n";
    for (const PortPlan& port : plan_.ports) {
      const std::string at = "ports." + port.name;
      out_ << "  " << named(port.name) << ":\n";
      comments(at, "    ");
      out_ << "    # driver " << port.driver << (port.rss_types != 0 ? ", RSS" : "")
           << (port.scatter ? ", scattered receive" : "") << (port.multi_segs ? ", chained transmit" : "")
           << (port.fast_free ? ", fast free (one pool, no chains)" : "") << '\n';
      key(at, "    ", "device", quoted(port.device));
      key(at, "    ", "rx_queues", port.rx_queues);
      key(at, "    ", "tx_queues", port.tx_queues);
      key(at, "    ", "rx_descriptors", port.rx_descriptors);
      key(at, "    ", "tx_descriptors", port.tx_descriptors);
      key(at, "    ", "mtu", port.mtu);
      key(at, "    ", "promiscuous", port.promiscuous ? "true" : "false");
      key(at, "    ", "socket", port.socket);
    }
  }

  /// The ways in the order in which the ports are named, a way and its return as one pair.
  void forwarding() {
    std::set<std::pair<std::size_t, std::size_t>> ways;
    for (const LcorePlan& lcore : plan_.lcores) {
      for (const LegPlan& leg : lcore.legs) {
        ways.emplace(leg.from, leg.to);
      }
    }
    out_ << "\nforwarding:\n";
    if (plan_.mode == Mode::kReflect) {
      out_ << "  mode: reflect\n  ports:\n";
      for (const auto& [from, to] : ways) {
        out_ << "    - " << name(from) << '\n';
      }
      return;
    }
    out_ << "  mode: cross_connect\n  pairs:\n";
    for (const auto& [from, to] : ways) {
      if (!ways.contains({to, from})) {
        out_ << "    - {from: " << name(from) << ", to: " << name(to) << "}\n";
      } else if (from < to) {
        out_ << "    - [" << name(from) << ", " << name(to) << "]\n";
      }
    }
  }

  void lcores() {
    out_ << "\nlcores:\n";
    for (const LcorePlan& lcore : plan_.lcores) {
      const std::string id = std::to_string(lcore.id);
      comments("lcores." + id, "  ");
      for (const LegPlan& leg : lcore.legs) {
        out_ << "  # " << queue(leg.from, leg.rx_queue) << (leg.swap_macs ? " -> swap MACs" : "");
        if (leg.limit) {
          out_ << " -> drop frames outside " << leg.limit->min << " to " << leg.limit->max << " bytes";
        }
        out_ << " -> TX queue " << queue(leg.to, leg.tx_queue) << '\n';
      }
      out_ << "  " << id << ": {rx: [";
      for (std::size_t i = 0; i < lcore.legs.size(); ++i) {
        out_ << (i > 0 ? ", " : "") << queue(lcore.legs[i].from, lcore.legs[i].rx_queue);
      }
      out_ << "]}\n";
    }
  }

  void rest() {
    out_ << "\nburst: " << plan_.burst << "\n\npool:\n";
    comments("pool", "  ");
    key("pool", "  ", "size", plan_.pools.front().size);
    key("pool", "  ", "cache", plan_.pools.front().cache);
    key("pool", "  ", "data_room", plan_.pools.front().data_room);
    out_ << "\nidle:\n";
    key("idle", "  ", "spin_polls", plan_.idle.spin_polls);
    key("idle", "  ", "pause_polls", plan_.idle.pause_polls);
    key("idle", "  ", "sleep_us", plan_.idle.sleep_us);
  }

  void eal() {
    const EalConfig& eal = config_.eal;
    std::ostringstream before;
    std::swap(out_, before);
    text("lcores", eal.lcores);
    plain("main_lcore", eal.main_lcore);
    plain("memory", eal.memory);
    flag("no_huge", eal.no_huge);
    flag("in_memory", eal.in_memory);
    flag("no_pci", eal.no_pci);
    flag("no_telemetry", eal.no_telemetry);
    flag("huge_unlink", eal.huge_unlink);
    flag("single_file_segments", eal.single_file_segments);
    list("socket_mem", eal.socket_mem);
    list("socket_limit", eal.socket_limit);
    text("file_prefix", eal.file_prefix);
    text("huge_dir", eal.huge_dir);
    text("iova_mode", eal.iova_mode);
    text("log_level", eal.log_level);
    std::swap(out_, before);
    if (!before.str().empty()) {
      out_ << "\neal:\n" << before.str();
    }
  }

  void text(const char* name, const Maybe<std::string>& value) {
    if (value) {
      out_ << "  " << name << ": " << quoted(value->value) << '\n';
    }
  }
  void plain(const char* name, const Maybe<unsigned>& value) {
    if (value) {
      out_ << "  " << name << ": " << value->value << '\n';
    }
  }
  void flag(const char* name, const Maybe<bool>& value) {
    if (value) {
      out_ << "  " << name << ": " << (value->value ? "true" : "false") << '\n';
    }
  }
  void list(const char* name, const Maybe<std::vector<unsigned>>& values) {
    if (!values) {
      return;
    }
    out_ << "  " << name << ": [";
    for (std::size_t i = 0; i < values->value.size(); ++i) {
      out_ << (i > 0 ? ", " : "") << values->value[i];
    }
    out_ << "]\n";
  }

  std::string name(std::size_t port) const { return named(plan_.ports[port].name); }
  std::string queue(std::size_t port, unsigned queue) const {
    return plan_.ports[port].name + "." + std::to_string(queue);
  }

  const Config& config_;
  const Plan& plan_;
  const Reasons& reasons_;
  const Diagnostics& problems_;
  std::ostringstream out_;
};

}  // namespace

std::string explain(const Config& config, const Planning& planning) {
  return Explainer(config, planning).run();
}

}  // namespace ringway
