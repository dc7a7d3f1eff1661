#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "plan/eal_args.h"
#include "plan/inventory.h"

namespace ringway {

/// What this process may do with a file.
enum class Access {
  kMissing,  ///< it is not there
  kDenied,   ///< it is there, and not for this user
  kGranted,  ///< it may be read and written
};

/// A CPU that is online.
struct CpuFacts {
  unsigned id = 0;
  unsigned socket = 0;    ///< NUMA socket
  unsigned core = 0;      ///< first CPU of its physical core
  std::string governor;   ///< of its frequency; empty: it has none
  bool isolated = false;  ///< the scheduler leaves it alone (isolcpus)
  bool tickless = false;  ///< no timer tick while one thread runs on it (nohz_full)
};

/// A network interface of this process's network namespace.
struct InterfaceFacts {
  std::string name;
  unsigned mtu = 1500;
  bool up = true;
  bool routed = false;         ///< a route leads out of it
  bool default_route = false;  ///< the default route does
};

/// A PCI device.
struct PciFacts {
  std::string address;                  ///< `dddd:bb:dd.f`
  unsigned kind = 0;                    ///< base class and subclass, such as 0x0200 for Ethernet
  std::string driver;                   ///< the kernel's; empty: none
  std::string iommu_group;              ///< empty: none
  int socket = -1;                      ///< NUMA socket; -1: it does not say
  std::vector<std::string> interfaces;  ///< the kernel's, on top of it
  Access vfio = Access::kMissing;       ///< /dev/vfio/GROUP
};

/// Files of one name prefix in a hugetlbfs that no process holds.
struct LeftoverFacts {
  std::string pattern;  ///< shell pattern of their paths
  unsigned files = 0;
  std::uint64_t bytes = 0;  ///< of hugepages that they keep
};

/// A mounted hugetlbfs.
struct HugetlbfsFacts {
  std::string path;
  unsigned page_kib = 0;
  bool writable = false;
  std::vector<LeftoverFacts> leftovers;
};

/// A primary DPDK process that holds the lock of its file prefix.
struct PrimaryFacts {
  std::string prefix;
  unsigned pid = 0;     ///< 0: in another PID namespace
  std::string command;  ///< its command line; empty: not to be read
};

/// This process.
struct ProcessFacts {
  std::string program;              ///< path of the binary
  unsigned uid = 0;                 ///< effective
  std::uint64_t capabilities = 0;   ///< effective, a bit each
  std::uint64_t memlock_bytes = 0;  ///< most memory it may lock
  std::vector<unsigned> cpus;       ///< those it may move to: those of its cpuset
  std::vector<unsigned> nodes;      ///< NUMA nodes whose memory it may use
  bool container = false;
};

inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// What stands between a machine and a start, as the kernel tells it: a value, probed or written by hand.
struct MachineFacts {
  HostFacts host;
  ProcessFacts process;
  std::vector<CpuFacts> cpus;
  std::vector<HugepageFacts> hugepages;
  std::vector<HugetlbfsFacts> hugetlbfs;
  std::vector<PciFacts> pci;
  std::vector<InterfaceFacts> interfaces;
  std::vector<PrimaryFacts> primaries;
  bool amd = false;                          ///< the CPU's maker, which names the IOMMU's switch
  bool iommu = false;                        ///< switched on
  bool vfio_pci = false;                     ///< the driver is there
  bool vfio_without_iommu = false;           ///< vfio's unsafe mode is switched on
  Access vfio_container = Access::kMissing;  ///< /dev/vfio/vfio
  Access tun = Access::kMissing;             ///< /dev/net/tun
  std::string open_plugin_folder;            ///< of DPDK's plugins or above them, writable for everybody; empty: none
};

/// Reads all of it below `root`. Starts nothing and changes nothing; takes milliseconds.
MachineFacts probe_machine(const std::filesystem::path& root = "/");

}  // namespace ringway
