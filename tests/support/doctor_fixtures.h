#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "doctor/diagnose.h"
#include "inventory_fixtures.h"

namespace ringway {

inline constexpr std::uint64_t kEveryCapability = (std::uint64_t{1} << 41U) - 1;

inline PciFacts device_on(const std::string& address, unsigned kind, const std::string& driver,
                          const std::string& group) {
  return {.address = address,
          .kind = kind,
          .driver = driver,
          .iommu_group = group,
          .socket = 0,
          .interfaces = {},
          .vfio = Access::kGranted};
}

inline PciFacts nic_on(const std::string& address, const std::string& driver, const std::string& group) {
  return device_on(address, 0x0200, driver, group);
}

/// Four isolated CPUs, 2 GiB of hugepages, two NICs on vfio-pci, root: nothing to complain of.
inline MachineFacts good_machine() {
  MachineFacts machine;
  machine.host = {.cpus = {0, 1, 2, 3}, .memory_mib = 4096};
  machine.process = {.program = "/usr/bin/ringway",
                     .uid = 0,
                     .capabilities = kEveryCapability,
                     .memlock_bytes = kNoLimit,
                     .cpus = {0, 1, 2, 3},
                     .nodes = {0, 1},
                     .container = false};
  for (unsigned id = 0; id < 4; ++id) {
    machine.cpus.push_back(
        {.id = id, .socket = 0, .core = id, .governor = "performance", .isolated = true, .tickless = true});
  }
  machine.hugepages = {{.socket = 0, .page_kib = 2048, .total = 1024, .free = 1024}};
  machine.hugetlbfs = {{.path = "/dev/hugepages", .page_kib = 2048, .writable = true, .leftovers = {}}};
  machine.pci = {nic_on("0000:03:00.0", "vfio-pci", "12"), nic_on("0000:03:00.1", "vfio-pci", "13")};
  machine.interfaces = {{.name = "lo", .mtu = 65536, .up = true, .routed = false, .default_route = false},
                        {.name = "veth0", .mtu = 1500, .up = true, .routed = false, .default_route = false}};
  machine.iommu = machine.vfio_pci = true;
  machine.vfio_container = machine.tun = Access::kGranted;
  return machine;
}

inline const std::string kNulls =
    "ports: {a: {device: net_null0}, b: {device: net_null1}}\nforwarding: {mode: cross_connect, pairs: [[a, b]]}\n";

inline std::string on_device(const std::string& device, const std::string& more = "") {
  return "ports: {a: {device: \"" + device +
         "\"}, b: {device: net_null1}}\nforwarding: {mode: cross_connect, pairs: [[a, b]]}\n" + more;
}

inline std::vector<Finding> examined(const MachineFacts& machine, const std::string& text,
                                     const std::vector<std::string>& command_line = {}) {
  Diagnostics problems;
  const Config config = parse_config(text, problems);
  EXPECT_FALSE(problems.failed()) << problems.text("f");
  return diagnose(machine, &config, command_line);
}

/// `hugepages prefix isolation?`: ids in order, advice with a question mark.
inline std::string ids(const std::vector<Finding>& findings) {
  std::string all;
  for (const Finding& finding : findings) {
    all += (all.empty() ? "" : " ") + finding.id + (finding.obstacle() ? "" : "?");
  }
  return all;
}

inline constexpr auto kMissing = ExitStatus::kResourceMissing;
inline constexpr auto kDenied = ExitStatus::kPermission;

inline void expect_words(const std::string& text, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    EXPECT_NE(text.find(word), std::string::npos) << "no '" << word << "' in: " << text;
  }
}

/// One finding and nothing else, with these words in its cause, and this command.
inline void expect_only(const std::vector<Finding>& findings, const std::string& id, ExitStatus status,
                        const std::vector<std::string>& cause, const std::string& fix) {
  ASSERT_EQ(ids(findings), id) << to_text(findings);
  EXPECT_EQ(exit_status_of(findings), status);
  expect_words(findings[0].subject + ": " + findings[0].cause, cause);
  expect_words(findings[0].fix, {fix});
}

}  // namespace ringway
