#include "config/parse.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "config/characters.h"
#include "config/device.h"
#include "config/document.h"
#include "config/parse_capture.h"
#include "config/parse_traffic.h"
#include "config/reader.h"

namespace ringway {
namespace {

constexpr std::size_t kMostSockets = 32;  // DPDK's RTE_MAX_NUMA_NODES
constexpr unsigned kLastQueue = 1023;
constexpr unsigned kMostMemory = 1048576;  // MiB

constexpr std::string_view kQueueForms = "PORT.QUEUE or PORT.*, such as east.0 or east.*";
constexpr std::string_view kPairForms = "[PORT, PORT] or {from: PORT, to: PORT}";

bool is_lcore_list(std::string_view text) {
  return consists_of(text, {kDigits, ",@-()"});
}

bool is_file_prefix(std::string_view text) {
  return text.size() <= 64 && consists_of(text, {kLowerLetters, kUpperLetters, kDigits, "_.-"}) &&
         !text.starts_with('-') && !text.starts_with('.');
}

bool is_huge_dir(std::string_view text) {
  return text.starts_with('/') && is_printable(text) && text.find_first_of(",\"'") == std::string_view::npos;
}

bool is_log_level(std::string_view text) {
  return consists_of(text, {kLowerLetters, kUpperLetters, kDigits, "_.*,:-"}) && !text.starts_with('-');
}

/// `east.0` or `east.*`; nothing for anything else.
std::optional<QueueRef> queue_ref(std::string_view text) {
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::string_view queue = text.substr(std::min(dot + 1, text.size()));
  const auto number = whole_number(queue, 0, kLastQueue);
  if (!is_name(text.substr(0, dot)) || (queue != "*" && !number)) {
    return {};
  }
  return QueueRef{std::string(text.substr(0, dot)), number, {}};
}

bool is_queue_ref(std::string_view text) {
  return queue_ref(text).has_value();
}

void read_port_name(const YamlNode& node, At<std::string>& name, Diagnostics& problems) {
  if (auto text = read_text(node, is_name, kNameForm, problems)) {
    name = std::move(*text);
  }
}

void read_device(const YamlNode& node, At<std::string>& device, Diagnostics& problems) {
  device.at = node.at;
  if (!is_a(YamlNode::Kind::kScalar, node, kDeviceForms, problems)) {
    return;
  }
  auto normal = normal_device(node.text);
  if (!normal) {
    refuse(node, kDeviceForms, problems, device_advice(node.text));
  } else if (const std::string fault = argument_fault(*normal); !fault.empty()) {
    problems.invalid(node.at, node.path, fault);
  } else {
    device.value = std::move(*normal);
  }
}

Read devices_into(std::vector<At<std::string>>& devices) {
  return [&devices](const YamlNode& value, Diagnostics& told) {
    for (const YamlNode& item : read_list(value, kMostPorts, "devices", told)) {
      read_device(item, devices.emplace_back(), told);
    }
  };
}

PortConfig read_port(const YamlNode& node, Diagnostics& problems) {
  PortConfig port;
  port.name = node.key;
  port.at = node.key_at;
  const Read device = [&](const YamlNode& value, Diagnostics& told) { read_device(value, port.device, told); };
  read_mapping(node,
               {{"device", device, kDeviceForms},
                {"members", devices_into(port.members)},
                {"rx_queues", number_into(port.rx_queues, 1, 1024)},
                {"tx_queues", number_into(port.tx_queues, 1, 1024)},
                {"rx_descriptors", number_into(port.rx_descriptors, 1, 32768)},
                {"tx_descriptors", number_into(port.tx_descriptors, 1, 32768)},
                {"mtu", number_into(port.mtu, 68, 65535)},
                {"promiscuous", boolean_into(port.promiscuous)},
                {"socket", number_into(port.socket, 0, 31)},
                {"when_full", choice_into(port.when_full, {"drop", "wait"})}},
               problems);
  return port;
}

void read_ports(const YamlNode& node, std::vector<PortConfig>& ports, Diagnostics& problems) {
  const std::string most = std::to_string(kMostPorts);
  const std::string expected = "a mapping of 1 to " + most + " ports";
  if (!is_a(YamlNode::Kind::kMap, node, expected, problems)) {
    return;
  }
  if (node.children.empty()) {
    refuse(node, expected, problems);
  }
  if (node.children.size() > kMostPorts) {
    problems.invalid(node.at, node.path,
                     "has " + std::to_string(node.children.size()) + " ports; expected at most " + most);
  }
  for (const YamlNode& child : node.children) {
    PortConfig port = read_port(child, problems);
    if (is_name(child.key)) {
      ports.push_back(std::move(port));
    } else {
      problems.invalid(child.key_at, child.path, "is not a port's name; expected " + std::string(kNameForm));
    }
  }
}

std::optional<PairConfig> read_pair(const YamlNode& node, Diagnostics& problems) {
  PairConfig pair;
  pair.at = node.at;
  if (node.kind == YamlNode::Kind::kMap) {
    pair.both_ways = false;
    read_mapping(
        node,
        {{"from", [&](const YamlNode& value, Diagnostics& told) { read_port_name(value, pair.from, told); }, "a port"},
         {"to", [&](const YamlNode& value, Diagnostics& told) { read_port_name(value, pair.to, told); }, "a port"}},
        problems);
  } else if (is_a(YamlNode::Kind::kSequence, node, kPairForms, problems)) {
    if (node.children.size() != 2) {
      problems.invalid(node.at, node.path,
                       "a pair names two ports; " + std::to_string(node.children.size()) + " given");
      return {};
    }
    read_port_name(node.children[0], pair.from, problems);
    read_port_name(node.children[1], pair.to, problems);
  }
  if (pair.from.value.empty() || pair.to.value.empty()) {
    return {};
  }
  return pair;
}

/// Each mode has a key of its own.
void check_mode(const YamlNode& node, Mode mode, Diagnostics& problems) {
  const bool is_cross = mode == Mode::kCrossConnect;
  if (is_cross && node.find("pairs") == nullptr) {
    refuse_missing(node, "pairs", "a list of " + std::string(kPairForms), problems);
  }
  if (!is_cross && node.find("ports") == nullptr) {
    refuse_missing(node, "ports", "a list of ports", problems);
  }
  if (const YamlNode* stray = node.find(is_cross ? "ports" : "pairs")) {
    problems.invalid(stray->key_at, stray->path,
                     is_cross ? "belongs to mode reflect; expected pairs with mode cross_connect"
                              : "belongs to mode cross_connect; expected ports with mode reflect");
  }
}

void read_forwarding(const YamlNode& node, ForwardingConfig& forwarding, Diagnostics& problems) {
  forwarding.at = node.key_at;
  std::optional<Mode> mode;
  const Read read_mode = [&](const YamlNode& value, Diagnostics& told) {
    if (const auto chosen = read_word(value, {"cross_connect", "reflect"}, told)) {
      mode = *chosen == 0 ? Mode::kCrossConnect : Mode::kReflect;
      forwarding.mode = {*mode, value.at};
    }
  };
  const Read read_pairs = [&](const YamlNode& value, Diagnostics& told) {
    for (const YamlNode& item : read_list(value, kMostItems, kPairForms, told)) {
      if (auto pair = read_pair(item, told)) {
        forwarding.pairs.push_back(std::move(*pair));
      }
    }
  };
  const Read read_names = port_names_into(forwarding.ports);
  read_mapping(node,
               {{"mode", read_mode, "cross_connect or reflect"},
                {"pairs", read_pairs},
                {"ports", read_names},
                {"symmetric", boolean_into(forwarding.symmetric)}},
               problems);
  if (mode) {
    check_mode(node, *mode, problems);
  }
}

/// The number of an lcore; told and nothing otherwise.
std::optional<unsigned> read_lcore_id(const YamlNode& node, Diagnostics& problems) {
  const auto id = whole_number(node.key, 0, kLastLcore);
  if (!id) {
    const std::string advice = octal_advice(node.key);
    problems.invalid(
        node.key_at, node.path,
        advice.empty() ? "is not an lcore; expected a whole number from 0 to " + std::to_string(kLastLcore) : advice);
  }
  return id;
}

std::vector<QueueRef> read_queues(const YamlNode& node, Diagnostics& problems) {
  std::vector<QueueRef> queues;
  for (const YamlNode& item : read_list(node, kMostItems, "queues", problems)) {
    if (const auto text = read_text(item, is_queue_ref, kQueueForms, problems)) {
      queues.push_back(*queue_ref(text->value));
      queues.back().at = text->at;
    }
  }
  return queues;
}

void read_lcores(const YamlNode& node, Config& config, Diagnostics& problems) {
  constexpr std::string_view kExpected = "a mapping of lcores, or no lcores key at all";
  config.lcores_at = node.key_at;
  if (!is_a(YamlNode::Kind::kMap, node, kExpected, problems)) {
    return;
  }
  if (node.children.empty()) {
    refuse(node, kExpected, problems);
  }
  for (const YamlNode& child : node.children) {
    LcoreConfig lcore;
    lcore.at = child.key_at;
    const Read rx = [&](const YamlNode& value, Diagnostics& told) { lcore.rx = read_queues(value, told); };
    read_mapping(child,
                 {{"rx", rx},
                  {"work", boolean_into(lcore.work)},
                  {"tx", port_names_into(lcore.tx)},
                  {"generate", port_names_into(lcore.generate)},
                  {"check", port_names_into(lcore.check)}},
                 problems);
    if (child.kind == YamlNode::Kind::kMap && child.children.empty()) {
      refuse(child, "at least one of rx, work, tx, generate and check", problems);
    }
    if (const auto id = read_lcore_id(child, problems)) {
      lcore.id = *id;
      config.lcores.push_back(std::move(lcore));
    }
  }
}

Read ring_into(RingConfig& ring, std::vector<Key> more = {}) {
  more.insert(more.end(), {{"size", number_into(ring.size, 2, 1U << 20U)},
                           {"when_full", choice_into(ring.when_full, {"drop", "wait"})},
                           {"wait_ms", number_into(ring.wait_ms, 1, 60000)}});
  return mapping_of(std::move(more));
}

void read_overrides(const YamlNode& node, RingsConfig& rings, Diagnostics& problems) {
  if (!is_a(YamlNode::Kind::kMap, node, "a mapping of rings by the names that --plan prints", problems)) {
    return;
  }
  for (const YamlNode& child : node.children) {
    RingsConfig::Override override{child.key, child.key_at, {}};
    ring_into(override.ring)(child, problems);
    rings.overrides.push_back(std::move(override));
  }
}

void read_eal(const YamlNode& node, EalConfig& eal, Diagnostics& problems) {
  eal.at = node.key_at;
  read_mapping(
      node,
      {{"lcores", text_into(eal.lcores, is_lcore_list, "lcores as --lcores takes them, such as 0-3 or 0,1@(2,4)")},
       {"main_lcore", number_into(eal.main_lcore, 0, kLastLcore)},
       {"memory", number_into(eal.memory, 16, kMostMemory)},
       {"no_huge", boolean_into(eal.no_huge)},
       {"in_memory", boolean_into(eal.in_memory)},
       {"no_pci", boolean_into(eal.no_pci)},
       {"no_telemetry", boolean_into(eal.no_telemetry)},
       {"huge_unlink", boolean_into(eal.huge_unlink)},
       {"single_file_segments", boolean_into(eal.single_file_segments)},
       {"socket_mem", numbers_into(eal.socket_mem, kMostSockets, 0, kMostMemory)},
       {"socket_limit", numbers_into(eal.socket_limit, kMostSockets, 0, kMostMemory)},
       {"file_prefix", text_into(eal.file_prefix, is_file_prefix,
                                 "1 to 64 letters, digits, '_', '.' or '-', not starting with '.' or '-'")},
       {"huge_dir", text_into(eal.huge_dir, is_huge_dir, "an absolute path without commas or quotes")},
       {"iova_mode", word_into(eal.iova_mode, {"pa", "va"})},
       {"log_level", text_into(eal.log_level, is_log_level, "a level as --log-level takes it, such as lib.eal:debug")}},
      problems);
}

void read_config_node(const YamlNode& root, Config& config, Diagnostics& problems) {
  const Read ports = [&](const YamlNode& node, Diagnostics& told) { read_ports(node, config.ports, told); };
  const Read forwarding = [&](const YamlNode& node, Diagnostics& told) {
    read_forwarding(node, config.forwarding, told);
  };
  const Read lcores = [&](const YamlNode& node, Diagnostics& told) { read_lcores(node, config, told); };
  const Read overrides = [&](const YamlNode& node, Diagnostics& told) { read_overrides(node, config.rings, told); };
  const Read traffic = [&](const YamlNode& node, Diagnostics& told) { read_traffic(node, config.traffic, told); };
  const Read captures = [&](const YamlNode& node, Diagnostics& told) { read_captures(node, config.captures, told); };
  const Read eal = [&](const YamlNode& node, Diagnostics& told) { read_eal(node, config.eal, told); };
  read_mapping(root,
               {{"ports", ports, "a mapping of 1 to 31 ports"},
                {"forwarding", forwarding, "a mapping with mode"},
                {"lcores", lcores},
                {"rings", ring_into(config.rings.all, {{"override", overrides}})},
                {"traffic", traffic},
                {"capture", captures},
                {"burst", number_into(config.burst, 1, kMostBurst)},
                {"pool", mapping_of({{"size", number_into(config.pool.size, 1, 16777215)},
                                     {"cache", number_into(config.pool.cache, 0, 512)},
                                     {"data_room", number_into(config.pool.data_room, 128, 65407)}})},
                {"idle", mapping_of({{"spin_polls", number_into(config.idle.spin_polls, 0, 1000000000)},
                                     {"pause_polls", number_into(config.idle.pause_polls, 0, 1000000000)},
                                     {"sleep_us", number_into(config.idle.sleep_us, 0, 1000)}})},
                {"eal", eal}},
               problems);
}

}  // namespace

Config parse_config(std::string_view text, Diagnostics& problems) {
  Config config;
  if (const auto root = read_document(text, problems)) {
    read_config_node(*root, config, problems);
  }
  return config;
}

}  // namespace ringway
