#include "runtime/probe.h"

#include <net/if.h>
#include <pcap/pcap.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/errors.h"
#include "core/text.h"
#include "dpdk/eal.h"
#include "dpdk/port.h"
#include "plan/drivers.h"
#include "plan/eal_args.h"
#include "plan/resolve.h"
#include "runtime/device_needs.h"
#include "runtime/kernel_interface.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

unsigned read_number(const fs::path& path, unsigned otherwise) {
  unsigned value = otherwise;
  std::ifstream(path) >> value;
  return value;
}

std::vector<unsigned> cpus_of(const rte_cpuset_t& set) {
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

std::vector<LcoreFacts> probe_lcores() {
  std::vector<LcoreFacts> lcores;
  unsigned id = 0;
  RTE_LCORE_FOREACH(id) {
    LcoreFacts facts;
    facts.id = id;
    const rte_cpuset_t set = rte_lcore_cpuset(id);
    facts.cpus = cpus_of(set);
    facts.socket = rte_lcore_to_socket_id(id);
    facts.main = id == rte_get_main_lcore();
    const unsigned cpu = facts.cpus.empty() ? id : facts.cpus.front();
    // The first of the siblings, not core_id: that is unique within a package only.
    facts.core =
        read_number("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list", cpu);
    lcores.push_back(std::move(facts));
  }
  return lcores;
}

/// Packets of a capture that net_pcap loads into mbufs when it loops; 0 when it does not loop or cannot be read.
unsigned looped_packets(const std::string& device) {
  if (!loops_capture(device)) {
    return 0;
  }
  char error[PCAP_ERRBUF_SIZE];
  pcap_t* capture = pcap_open_offline(devarg(device, "rx_pcap").c_str(), error);
  if (capture == nullptr) {
    return 0;
  }
  unsigned packets = 0;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  while (pcap_next_ex(capture, &header, &data) == 1) {
    ++packets;
  }
  pcap_close(capture);
  return packets;
}

DeviceFacts probe_device(const std::string& device, std::uint16_t id) {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(id, &info) < 0) {
    throw Error(ExitStatus::kFailed, "rte_eth_dev_info_get: " + device);
  }
  DeviceFacts facts;
  facts.device = device_name(device);
  facts.driver = info.driver_name;
  facts.socket = rte_eth_dev_socket_id(id);
  facts.max_rx_queues = info.max_rx_queues;
  facts.max_tx_queues = info.max_tx_queues;
  facts.min_rx_descriptors = info.rx_desc_lim.nb_min;
  facts.max_rx_descriptors = info.rx_desc_lim.nb_max;
  facts.rx_descriptor_align = info.rx_desc_lim.nb_align;
  facts.min_tx_descriptors = info.tx_desc_lim.nb_min;
  facts.max_tx_descriptors = info.tx_desc_lim.nb_max;
  facts.tx_descriptor_align = info.tx_desc_lim.nb_align;
  facts.min_mtu = info.min_mtu;
  facts.max_mtu = info.max_mtu;
  std::uint16_t mtu = 0;
  rte_eth_dev_get_mtu(id, &mtu);
  facts.mtu = mtu;
  char interface[IF_NAMESIZE];
  if (info.if_index > 0 && if_indextoname(info.if_index, interface) != nullptr) {
    facts.interface = interface;
    facts.mtu = KernelInterface(interface).mtu(mtu);
  }
  facts.scatter = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
  facts.multi_segs = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
  facts.fast_free = (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0;
  facts.rss_types = info.flow_type_rss_offloads & wanted_rss_types();
  facts.rss_hash = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH) != 0;
  facts.held_mbufs = facts.driver == "net_pcap" ? looped_packets(device) : 0;
  return facts;
}

}  // namespace

Inventory probe(const Config& config, const std::vector<HugepageFacts>& hugepages, const std::vector<std::string>& argv,
                HeldOutput& output, PortIds& ids, Diagnostics& problems) {
  Inventory inventory;
  inventory.lcores = probe_lcores();
  inventory.hugepages = hugepages;
  inventory.no_huge = has_option(argv, "--no-huge");
  if (inventory.no_huge) {
    rte_malloc_socket_stats stats{};
    rte_malloc_get_socket_stats(static_cast<int>(rte_socket_id_by_idx(0)), &stats);
    inventory.memory_mib = static_cast<unsigned>(stats.heap_totalsz_bytes >> 20U);
  }
  const auto attempt = [&](const At<std::string>& told, const std::string& path, const auto& what) {
    try {
      what();
    } catch (const Error& error) {
      const std::string text = "'" + told.value + "': " + error.what();
      if (error.status() == ExitStatus::kPermission) {
        problems.denied(told.at, path, text);
      } else {
        problems.missing(told.at, path, text);
      }
    }
  };
  const auto attach = [&](const std::string& device, const At<std::string>& told, const std::string& path) {
    unsigned id = RTE_MAX_ETHPORTS;
    attempt(told, path, [&] {
      std::uint16_t known = 0;
      if (rte_eth_dev_get_port_by_name(device_name(device).c_str(), &known) != 0) {  // else EAL has it: --vdev
        require_needs(device);
      }
      const unsigned attached = attach_port(device, output);
      inventory.devices.push_back(probe_device(device, static_cast<std::uint16_t>(attached)));
      id = attached;
    });
    return id;
  };
  for (const PortConfig& port : config.ports) {
    if (is_made_here(port)) {
      attempt(port.device, "ports." + port.name + ".device", [&] { require_needs(port.device.value); });
      ids.push_back(RTE_MAX_ETHPORTS);  // made with the plan, and known to the planner without asking
      continue;
    }
    const std::string path = "ports." + port.name;
    std::string device = port.device.value;
    for (std::size_t i = 0; i < port.members.size(); ++i) {  // a bond finds its members by name, so they come first
      attach(port.members[i].value, port.members[i], path + ".members[" + std::to_string(i) + "]");
      device += ",slave=" + device_name(port.members[i].value);
    }
    ids.push_back(attach(device, port.device, path + ".device"));
  }
  return inventory;
}

}  // namespace ringway
