#pragma once

#include <string>
#include <vector>

#include "config/parse.h"
#include "plan/make_plan.h"

namespace ringway {

/// A NIC as most are: many queues, RSS, scatter, descriptors in steps of 8.
inline DeviceFacts nic(const std::string& device, int socket = 0) {
  return {.device = device,
          .driver = "net_e1000_igb",
          .socket = socket,
          .max_rx_queues = 8,
          .max_tx_queues = 8,
          .min_rx_descriptors = 32,
          .max_rx_descriptors = 4096,
          .rx_descriptor_align = 8,
          .min_tx_descriptors = 32,
          .max_tx_descriptors = 4096,
          .tx_descriptor_align = 8,
          .mtu = 1500,
          .min_mtu = 68,
          .max_mtu = 9216,
          .interface = {},
          .scatter = true,
          .multi_segs = true,
          .fast_free = true,
          .rss_types = 1,
          .rss_hash = true,
          .held_mbufs = 0};
}

/// A vdev: one queue each way, no offloads.
inline DeviceFacts vdev(const std::string& device, const std::string& driver) {
  DeviceFacts facts;
  facts.device = device;
  facts.driver = driver;
  return facts;
}

/// A machine with lcores 0 (main) to `lcores` - 1 spread evenly over `sockets` NUMA sockets, and hugepages on each.
inline Inventory machine(std::vector<DeviceFacts> devices, unsigned lcores = 4, unsigned sockets = 1) {
  Inventory inventory;
  for (unsigned id = 0; id < lcores; ++id) {
    inventory.lcores.push_back({.id = id, .cpus = {id}, .socket = id * sockets / lcores, .core = id, .main = id == 0});
  }
  for (unsigned socket = 0; socket < sockets; ++socket) {
    inventory.hugepages.push_back({.socket = socket, .page_kib = 2048, .total = 1024, .free = 1024});
  }
  inventory.devices = std::move(devices);
  return inventory;
}

/// Two NICs, east and west, both ways; `more` is appended.
inline std::string two_nics(const std::string& port_keys = "", const std::string& more = "") {
  return "ports:\n"
         "  east: {device: \"0000:03:00.0\"" +
         port_keys +
         "}\n"
         "  west: {device: \"0000:03:00.1\"" +
         port_keys +
         "}\n"
         "forwarding: {mode: cross_connect, pairs: [[east, west]]}\n" +
         more;
}

inline Inventory two_nic_machine(unsigned lcores = 4, unsigned sockets = 1) {
  return machine({nic("0000:03:00.0"), nic("0000:03:00.1", static_cast<int>(sockets) - 1)}, lcores, sockets);
}

/// Parses and plans; problems of both end up in the result.
inline Planning plan_text(const std::string& text, const Inventory& inventory) {
  Diagnostics problems;
  const Config config = parse_config(text, problems);
  if (problems.failed()) {
    Planning failed;
    failed.problems = problems;
    return failed;
  }
  return make_plan(config, inventory);
}

}  // namespace ringway
