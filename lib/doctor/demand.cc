#include "doctor/demand.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "config/device.h"
#include "core/text.h"
#include "doctor/host.h"
#include "plan/drivers.h"
#include "plan/eal_args.h"
#include "plan/resolve.h"

namespace ringway {
namespace {

constexpr unsigned kMostQueues = 1024;  // what the configuration takes

/// The value of `--option=value`, `--option value`, `-xvalue` or `-x value`, the last one given; empty: none.
std::string value_of(const std::vector<std::string>& argv, std::string_view option) {
  std::string value;
  const bool spelt_out = option.starts_with("--");
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (argv[i] == option && i + 1 < argv.size()) {
      value = argv[i + 1];
    } else if (argv[i].starts_with(option) && argv[i].size() > option.size()) {
      const bool assigned = argv[i][option.size()] == '=';
      value = !spelt_out ? argv[i].substr(option.size()) : assigned ? argv[i].substr(option.size() + 1) : value;
    }
  }
  return value;
}

/// The numbers of `7`, `1-3` or `(0,2-3)`.
std::vector<unsigned> numbers_of_set(std::string_view set) {
  if (set.starts_with('(') && set.ends_with(')')) {
    return numbers_of(set.substr(1, set.size() - 2));
  }
  return set.find(',') == std::string_view::npos ? numbers_of(set) : std::vector<unsigned>{};
}

/// The parts of a list at its commas, those within parentheses left out.
std::vector<std::string_view> parts_of(std::string_view map) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= map.size(); ++i) {
    if (i == map.size() || (map[i] == ',' && depth == 0)) {
      parts.push_back(map.substr(start, i - start));
      start = i + 1;
    } else {
      depth += map[i] == '(' ? 1 : map[i] == ')' ? -1 : 0;
    }
  }
  return parts;
}

/// EAL's lcores with what the machine knows of their CPUs.
std::vector<LcoreFacts> lcores_here(const std::vector<std::string>& argv, const MachineFacts& machine) {
  const std::string map = value_of(argv, "--lcores");
  std::vector<LcoreFacts> lcores = lcores_of(map.empty() ? value_of(argv, "-l") : map);
  if (lcores.empty()) {
    return lcores;
  }
  unsigned main = lcores.front().id;
  const std::string given = value_of(argv, "--main-lcore");
  std::from_chars(given.data(), given.data() + given.size(), main);
  for (LcoreFacts& lcore : lcores) {
    lcore.main = lcore.id == main;
    lcore.core = lcore.cpus.front();
    for (const CpuFacts& cpu : machine.cpus) {
      if (cpu.id == lcore.cpus.front()) {
        lcore.socket = cpu.socket;
        lcore.core = cpu.core;
      }
    }
  }
  return lcores;
}

/// A device that takes whatever is asked of it: what it really takes, only its driver tells.
DeviceFacts assumed_facts(const std::string& device, unsigned rx_queues, const MachineFacts& machine) {
  DeviceFacts facts;
  facts.device = device_name(device);
  facts.driver = is_pci(device) ? "the NIC's driver" : std::string(vdev_driver(device));
  facts.max_rx_queues = rx_queues;
  facts.max_tx_queues = kMostQueues;
  facts.scatter = facts.multi_segs = true;
  facts.rss_types = 1;
  facts.held_mbufs = loops_capture(device) ? 1 : 0;  // a looped capture has frames
  facts.interface = interface_below(device);
  for (const InterfaceFacts& interface : machine.interfaces) {
    facts.mtu = interface.name == facts.interface ? interface.mtu : facts.mtu;
  }
  for (const PciFacts& nic : machine.pci) {
    facts.socket = nic.address == facts.device ? nic.socket : facts.socket;
  }
  return facts;
}

}  // namespace

std::vector<LcoreFacts> lcores_of(std::string_view map) {
  std::map<unsigned, std::vector<unsigned>> cpus_of;
  for (const std::string_view part : parts_of(map)) {
    const std::size_t at = part.find('@');
    const std::vector<unsigned> ids = numbers_of_set(part.substr(0, at));
    const std::vector<unsigned> cpus = at == std::string_view::npos ? ids : numbers_of_set(part.substr(at + 1));
    if (ids.empty() || cpus.empty()) {
      return {};
    }
    const bool each_its_own = at == std::string_view::npos && !part.starts_with('(');
    for (const unsigned id : ids) {
      cpus_of[id] = each_its_own ? std::vector<unsigned>{id} : cpus;
    }
  }
  std::vector<LcoreFacts> lcores;
  for (const auto& [id, cpus] : cpus_of) {
    lcores.push_back({.id = id, .cpus = cpus, .socket = 0, .core = 0, .main = false});
  }
  return lcores;
}

std::string interface_below(const std::string& device) {
  const std::string_view driver = vdev_driver(device);
  if (driver == "net_pcap") {
    for (const char* key : {"iface", "rx_iface", "rx_iface_in", "tx_iface"}) {
      if (const std::string name = devarg(device, key); !name.empty()) {
        return name;
      }
    }
    return {};
  }
  return driver == "net_af_packet" || driver == "net_af_xdp" ? devarg(device, "iface") : std::string{};
}

Demand demand_of(const Config& config, const std::vector<std::string>& command_line, const MachineFacts& machine) {
  Demand demand;
  demand.argv = eal_args(config, command_line, machine.host, demand.problems);
  demand.no_huge = has_option(demand.argv, "--no-huge");
  demand.in_memory = has_option(demand.argv, "--in-memory");
  demand.shares_files = !demand.in_memory && !demand.no_huge && !has_option(demand.argv, "--no-shconf");
  demand.file_prefix = value_of(demand.argv, "--file-prefix");
  demand.huge_dir = value_of(demand.argv, "--huge-dir");
  const std::string memory = value_of(demand.argv, "-m");
  std::from_chars(memory.data(), memory.data() + memory.size(), demand.memory_mib);
  demand.socket_mem = numbers_of(value_of(demand.argv, "--socket-mem"));
  demand.lcores = lcores_here(demand.argv, machine);
  if (demand.lcores.empty()) {
    return demand;
  }
  Inventory inventory;
  inventory.lcores = demand.lcores;
  inventory.hugepages = machine.hugepages;
  inventory.no_huge = demand.no_huge;
  inventory.memory_mib = demand.memory_mib;
  for (const PortConfig& port : config.ports) {
    if (is_made_here(port)) {
      continue;
    }
    inventory.devices.push_back(assumed_facts(port.device.value, rx_queues_of(port), machine));
    for (const auto& member : port.members) {
      inventory.devices.push_back(assumed_facts(member.value, rx_queues_of(port), machine));
    }
  }
  demand.planning = make_plan(config, inventory);
  return demand;
}

}  // namespace ringway
