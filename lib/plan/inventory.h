#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ringway {

/// An EAL lcore, or before EAL starts a CPU that one could run on.
struct LcoreFacts {
  unsigned id = 0;
  std::vector<unsigned> cpus;  ///< CPUs that its thread may run on
  unsigned socket = 0;         ///< NUMA socket
  unsigned core = 0;           ///< first CPU of its physical core; lcores of one core are hyper-thread siblings
  bool main = false;           ///< the main lcore forwards nothing

  bool operator==(const LcoreFacts&) const = default;
};

/// What a device says of itself; numbers as in `rte_eth_dev_info`.
struct DeviceFacts {
  std::string device;  ///< as the configuration names it, without the devargs behind the first comma
  std::string driver;  ///< the PMD's name, such as `net_e1000_em`
  int socket = -1;     ///< NUMA socket; -1: the device does not say
  unsigned max_rx_queues = 1;
  unsigned max_tx_queues = 1;
  unsigned min_rx_descriptors = 1;
  unsigned max_rx_descriptors = 65535;
  unsigned rx_descriptor_align = 1;
  unsigned min_tx_descriptors = 1;
  unsigned max_tx_descriptors = 65535;
  unsigned tx_descriptor_align = 1;
  unsigned mtu = 1500;  ///< at the time of asking; a kernel interface's own MTU where the port stands on one
  unsigned min_mtu = 68;
  unsigned max_mtu = 65535;
  std::string interface;                  ///< the kernel interface below the port; empty: none
  bool scatter = false;                   ///< receives a frame into several mbufs
  bool multi_segs = false;                ///< transmits chained mbufs
  bool fast_free = false;                 ///< can free transmitted mbufs without looking at each
  std::uint64_t rss_types = 0;            ///< RSS hash types it offers among those that ringway wants; 0: no RSS
  bool rss_hash = false;                  ///< delivers the hash with each packet
  unsigned held_mbufs = 0;                ///< mbufs that the driver keeps for itself, such as a looped capture
  std::vector<DeviceFacts> members = {};  ///< of a bond, put together by the planner; their `device` has the devargs

  bool operator==(const DeviceFacts&) const = default;
};

/// Pages of one size on one NUMA socket.
struct HugepageFacts {
  unsigned socket = 0;
  unsigned page_kib = 2048;
  unsigned total = 0;
  unsigned free = 0;

  bool operator==(const HugepageFacts&) const = default;
};

/// What the machine offers: a value. The runtime probes it, a file can hold it, a test writes it by hand.
struct Inventory {
  std::vector<LcoreFacts> lcores;
  std::vector<DeviceFacts> devices;
  std::vector<HugepageFacts> hugepages;  ///< before EAL took any
  bool no_huge = false;                  ///< EAL runs on ordinary memory
  unsigned memory_mib = 0;               ///< with no_huge: all that EAL may hand out

  bool operator==(const Inventory&) const = default;
};

}  // namespace ringway
