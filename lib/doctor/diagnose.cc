#include "doctor/diagnose.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "doctor/demand.h"
#include "doctor/rules.h"

namespace ringway {
namespace {

using Rule = void (*)(Case&);

/// In the order in which a start meets them.
constexpr std::array<Rule, 24> kRules = {rules::eal_arguments,
                                         rules::unreadable_lcores,
                                         rules::leftover_files,
                                         rules::hugepages,
                                         rules::eal_memory,
                                         rules::plugins,
                                         rules::cpus_of_lcores,
                                         rules::prefix,
                                         rules::hugetlbfs,
                                         rules::memory_nodes,
                                         rules::absent_nic,
                                         rules::iommu,
                                         rules::vfio_module,
                                         rules::kernel_driver,
                                         rules::shared_group,
                                         rules::vfio_nodes,
                                         rules::interfaces,
                                         rules::capabilities,
                                         rules::tun,
                                         rules::locked_memory,
                                         rules::planner,
                                         rules::governor,
                                         rules::isolation,
                                         rules::far_lcores};

std::size_t obstacles_in(const std::vector<Finding>& findings) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [](const Finding& finding) { return finding.obstacle(); }));
}

}  // namespace

namespace rules {

void plugins(Case& c) {
  if (!c.machine.open_plugin_folder.empty()) {
    c.denied("plugins", c.machine.open_plugin_folder,
             "everybody may write there, and EAL loads no drivers from below such a folder",
             "chmod o-w " + c.machine.open_plugin_folder + "   # as root");
  }
}

/// Only processes that others may join lock their prefix.
void prefix(Case& c) {
  for (const PrimaryFacts& primary : c.machine.primaries) {
    if (c.demand != nullptr && c.demand->shares_files && primary.prefix == c.demand->file_prefix) {
      c.missing(
          "prefix", "file prefix '" + primary.prefix + "'",
          "process " + std::to_string(primary.pid) + " has it: " + primary.command,
          "eal: {file_prefix: " + primary.prefix + "-2} in the configuration, or kill " + std::to_string(primary.pid));
    }
  }
}

}  // namespace rules

namespace {

/// The configuration with a port for each device below a bond, for rules that look at devices.
Config with_members(const Config& config) {
  Config all = config;
  for (const PortConfig& port : config.ports) {
    for (const auto& member : port.members) {
      PortConfig below = port;
      below.device = member;
      all.ports.push_back(std::move(below));
    }
  }
  return all;
}

}  // namespace

std::vector<Finding> diagnose(const MachineFacts& machine, const Config* config,
                              const std::vector<std::string>& command_line) {
  std::optional<Config> devices;
  std::optional<Demand> demand;
  if (config != nullptr) {
    devices = with_members(*config);
    demand = demand_of(*config, command_line, machine);
  }
  Case found{.machine = machine,
             .config = devices ? &*devices : nullptr,
             .demand = demand ? &*demand : nullptr,
             .findings = {}};
  for (const Rule rule : kRules) {
    rule(found);
  }
  std::stable_partition(found.findings.begin(), found.findings.end(),
                        [](const Finding& finding) { return finding.obstacle(); });
  return found.findings;
}

ExitStatus exit_status_of(const std::vector<Finding>& findings) {
  return findings.empty() ? ExitStatus::kClean : findings.front().status;  // obstacles stand first
}

std::string to_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += std::string(finding.obstacle() ? "obstacle " : "advice ") + finding.id + ": " + finding.subject +
            "\n  cause: " + finding.cause + "\n  fix:   " + finding.fix + "\n\n";
  }
  const std::size_t obstacles = obstacles_in(findings);
  const std::size_t advice = findings.size() - obstacles;
  return text + std::to_string(obstacles) + (obstacles == 1 ? " obstacle, " : " obstacles, ") + std::to_string(advice) +
         (advice == 1 ? " piece of advice\n" : " pieces of advice\n");
}

std::string to_json(const std::vector<Finding>& findings) {
  using Json = nlohmann::ordered_json;
  Json all = Json::array();
  for (const Finding& finding : findings) {
    all.push_back({{"id", finding.id},
                   {"severity", finding.obstacle() ? "obstacle" : "advice"},
                   {"subject", finding.subject},
                   {"cause", finding.cause},
                   {"fix", finding.fix}});
  }
  const std::size_t obstacles = obstacles_in(findings);
  const Json document = {{"findings", all}, {"obstacles", obstacles}, {"advice", findings.size() - obstacles}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';  // a command line may hold any bytes
}

}  // namespace ringway
