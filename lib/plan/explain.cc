#include "plan/explain.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <utility>

#include "config/characters.h"
#include "core/text.h"
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

std::string quoted_list(const std::vector<std::string>& texts) {
  std::vector<std::string> all;
  std::transform(texts.begin(), texts.end(), std::back_inserter(all), quoted);
  return "[" + joined(all, ", ") + "]";
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
    rings();
    traffic();
    captures();
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
      out_ << "    # driver " << shown(port.driver) << (port.rss_types != 0 ? ", RSS" : "")
           << (port.rss_hash ? " with hashes" : "") << (port.scatter ? ", scattered receive" : "")
           << (port.multi_segs ? ", chained transmit" : "")
           << (port.fast_free ? ", fast free (one pool, no chains)" : "") << '\n';
      key(at, "    ", "device", quoted(port.device));
      if (!port.members.empty()) {
        key(at, "    ", "members", quoted_list(port.members));
      }
      key(at, "    ", "rx_queues", port.rx_queues);
      key(at, "    ", "tx_queues", port.tx_queues);
      key(at, "    ", "rx_descriptors", port.rx_descriptors);
      key(at, "    ", "tx_descriptors", port.tx_descriptors);
      key(at, "    ", "mtu", port.mtu);
      key(at, "    ", "promiscuous", port.promiscuous ? "true" : "false");
      key(at, "    ", "socket", port.socket);
      key(at, "    ", "when_full", port.wait_ms > 0 ? "wait" : "drop");
    }
  }

  /// A way and its return as one pair.
  void forwarding() {
    const auto there = [this](std::size_t from, std::size_t to) {
      return std::find(plan_.ways.begin(), plan_.ways.end(), Way{from, to}) != plan_.ways.end();
    };
    out_ << "\nforwarding:\n";
    if (plan_.mode == Mode::kReflect) {
      out_ << "  mode: reflect\n  ports:\n";
      for (const Way& way : plan_.ways) {
        out_ << "    - " << name(way.from) << '\n';
      }
    } else {
      out_ << "  mode: cross_connect\n  pairs:\n";
      for (const Way& way : plan_.ways) {
        if (!there(way.to, way.from)) {
          out_ << "    - {from: " << name(way.from) << ", to: " << name(way.to) << "}\n";
        } else if (way.from < way.to) {
          out_ << "    - [" << name(way.from) << ", " << name(way.to) << "]\n";
        }
      }
    }
    if (plan_.symmetric) {
      out_ << "  symmetric: true\n";
    }
  }

  void lcores() {
    out_ << "\nlcores:\n";
    for (const LcorePlan& lcore : plan_.lcores) {
      const std::string id = std::to_string(lcore.id);
      comments("lcores." + id, "  ");
      for (const LegPlan& leg : lcore.legs) {
        out_ << "  # " << describe(leg) << '\n';
      }
      out_ << "  " << id << ": {" << roles(lcore) << "}\n";
    }
  }

  /// `east.0 -> drop frames outside 14 to 1522 bytes -> flows over rx.east.1-3 and rx.east.1-4`.
  std::string describe(const LegPlan& leg) const {
    std::string text = leg.rx() != nullptr ? queue(leg.rx()->port, leg.rx()->queue) : plan_.rings[leg.from_ring()].name;
    text += tapped(leg, TapPoint::kRx);
    if (leg.limit) {
      text += " -> drop frames outside " + std::to_string(leg.limit->min) + " to " + std::to_string(leg.limit->max) +
              " bytes";
    }
    text += tapped(leg, TapPoint::kLimitFrames);
    text += leg.own_headers ? " -> own headers where data is shared" : "";
    text += leg.swap_macs ? " -> swap MACs" : "";
    text += tapped(leg, TapPoint::kSwapMacs) + tapped(leg, TapPoint::kTx);
    if (leg.tx() != nullptr) {
      return text + " -> TX queue " + queue(leg.tx()->port, leg.tx()->queue);
    }
    std::vector<std::string> names;
    for (const std::size_t ring : leg.to_rings()) {
      names.push_back(plan_.rings[ring].name);
    }
    return text + (names.size() > 1 ? " -> flows over " : " -> ") + join(names);
  }

  /// ` -> capture web`, or nothing.
  std::string tapped(const LegPlan& leg, TapPoint point) const {
    std::string text;
    for (const TapPlan& tap : leg.taps) {
      for (std::size_t i = 0; tap.point == point && i < tap.captures.size(); ++i) {
        text += " -> capture " + plan_.captures[tap.captures[i]].name;
      }
    }
    return text;
  }

  /// The roles that make this lcore's legs: `rx: [east.0], work: true`.
  std::string roles(const LcorePlan& lcore) const {
    std::vector<std::string> queues;
    std::set<std::string> sends;
    bool works = false;
    for (const LegPlan& leg : lcore.legs) {
      if (leg.rx() != nullptr) {
        queues.push_back(queue(leg.rx()->port, leg.rx()->queue));
      } else if (const RingPlan& ring = plan_.rings[leg.from_ring()]; ring.use == RingUse::kWork) {
        works = true;
      } else {
        sends.insert(name(ring.port));
      }
    }
    std::vector<std::string> all;
    add_list(all, "rx", queues);
    if (works) {
      all.emplace_back("work: true");
    }
    add_list(all, "tx", {sends.begin(), sends.end()});
    add_list(all, "generate", names_of(lcore.generate));
    add_list(all, "check", names_of(lcore.check));
    return joined(all, ", ");
  }

  static void add_list(std::vector<std::string>& all, const std::string& key, const std::vector<std::string>& items) {
    if (!items.empty()) {
      all.push_back(key + ": [" + joined(items, ", ") + "]");
    }
  }

  std::vector<std::string> names_of(const std::vector<std::size_t>& ports) const {
    std::vector<std::string> names;
    for (const std::size_t port : ports) {
      names.push_back(name(port));
    }
    return names;
  }

  /// All rings alike but those that differ from the first.
  void rings() {
    out_ << "\nrings:\n";
    comments("rings", "  ");
    if (plan_.rings.empty()) {
      key("rings", "  ", "wait_ms", plan_.wait_ms);
      return;
    }
    const RingPlan& common = plan_.rings.front();
    const unsigned common_wait = common.wait_ms > 0 ? plan_.wait_ms : 0;
    key("rings", "  ", "size", common.size);
    key("rings", "  ", "when_full", common_wait > 0 ? "wait" : "drop");
    key("rings", "  ", "wait_ms", plan_.wait_ms);
    std::string overrides;
    for (const RingPlan& ring : plan_.rings) {
      out_ << "  # " << ring.name << ": " << (ring.kind == RingKind::kHts ? "HTS" : "SP/SC") << " of " << ring.size
           << ", NUMA socket " << ring.socket << '\n';
      if (ring.size != common.size || ring.wait_ms != common_wait) {
        overrides += "    " + ring.name + ": {size: " + std::to_string(ring.size) +
                     ", when_full: " + (ring.wait_ms > 0 ? "wait, wait_ms: " + std::to_string(ring.wait_ms) : "drop") +
                     "}\n";
      }
    }
    if (!overrides.empty()) {
      out_ << "  override:\n" << overrides;
    }
  }

  void traffic() {
    if (!plan_.traffic) {
      return;
    }
    const TrafficPlan& traffic = *plan_.traffic;
    out_ << "\ntraffic:\n";
    key("traffic", "  ", "size", traffic.frame_bytes == 0 ? "imix" : std::to_string(traffic.frame_bytes + 4));
    key("traffic", "  ", "flows", traffic.flows);
    key("traffic", "  ", "ipv6", decimal(traffic.ipv6_ppm / 1e4) + "%");
    key("traffic", "  ", "vlans", traffic.vlans);
    key("traffic", "  ", "rate", traffic.packets_per_s > 0 ? decimal(traffic.packets_per_s) + "pps" : "max");
    if (traffic.seconds > 0) {
      key("traffic", "  ", "duration", decimal(traffic.seconds));
    }
    if (traffic.packets > 0) {
      key("traffic", "  ", "packets", traffic.packets);
    }
    key("traffic", "  ", "faults", decimal(traffic.faults_ppm / 1e4) + "%");
  }

  void captures() {
    out_ << (plan_.captures.empty() ? "" : "\ncapture:\n");
    for (const CapturePlan& capture : plan_.captures) {
      const std::string at = "capture." + capture.name;
      out_ << "  " << named(capture.name) << ":\n";
      key(at, "    ", "file", quoted(capture.file));
      if (!capture.ports.empty()) {
        const char* const directions[] = {"both", "rx", "tx"};
        key(at, "    ", "ports", "[" + joined(names_of(capture.ports), ", ") + "]");
        key(at, "    ", "direction", directions[static_cast<std::size_t>(capture.direction)]);
      }
      if (capture.stage) {
        key(at, "    ", "stage", kCapturedStageNames[static_cast<std::size_t>(*capture.stage)]);
      }
      if (capture.drops.any()) {
        key(at, "    ", "drops", "[" + joined(drop_reasons(capture.drops), ", ") + "]");
      }
      if (!capture.filter.empty()) {
        key(at, "    ", "filter", quoted(capture.filter));
      }
      key(at, "    ", "snap", capture.snap);
      key(at, "    ", "buffer", capture.buffer);
      if (capture.rotates()) {
        key(at, "    ", "rotate", "{" + joined(rotation(capture), ", ") + "}");
      }
    }
  }

  static std::vector<std::string> drop_reasons(const DropReasons& reasons) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < kDropReasons; ++i) {
      if (reasons.test(i)) {
        names.emplace_back(kDropReasonNames[i]);
      }
    }
    return names;
  }

  static std::vector<std::string> rotation(const CapturePlan& capture) {
    std::vector<std::string> all;
    if (capture.rotate_bytes > 0) {
      const bool mib = capture.rotate_bytes % (1U << 20U) == 0;
      all.push_back("size: " + std::to_string(capture.rotate_bytes >> (mib ? 20U : 10U)) + (mib ? "MiB" : "KiB"));
    }
    if (capture.rotate_seconds > 0) {
      all.push_back("seconds: " + std::to_string(capture.rotate_seconds));
    }
    if (capture.rotate_files > 0) {
      all.push_back("files: " + std::to_string(capture.rotate_files));
    }
    return all;
  }

  /// The shortest text that reads back as the same number.
  static std::string decimal(double value) {
    char text[64];
    const auto result = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
    return {text, result.ptr};
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
