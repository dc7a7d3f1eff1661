#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "core/diagnostics.h"
#include "doctor/facts.h"
#include "plan/inventory.h"
#include "plan/make_plan.h"

namespace ringway {

/// What a start with a configuration would ask of the machine, as far as that can be known without EAL.
struct Demand {
  std::vector<std::string> argv;  ///< EAL's
  Diagnostics problems;           ///< found while making `argv`
  bool no_huge = false;
  bool in_memory = false;
  bool shares_files = false;         ///< other processes could join: EAL keeps files, and locks its prefix
  unsigned memory_mib = 0;           ///< taken at start; 0: as pools take it
  std::vector<unsigned> socket_mem;  ///< MiB of hugepages taken at start on each NUMA socket
  std::string file_prefix;
  std::string huge_dir;            ///< empty: any mounted hugetlbfs
  std::vector<LcoreFacts> lcores;  ///< empty: what they are mapped to could not be read
  Planning planning;               ///< for devices that take whatever is asked of them; only when lcores are there
};

/// The demand of a configuration that is resolved without problems; `command_line` is what stood before `--`.
Demand demand_of(const Config& config, const std::vector<std::string>& command_line, const MachineFacts& machine);

/// Lcores of EAL's `--lcores`, such as `0@0,(1-2)@(0,3),4`, in order of their ids, with their CPUs only; none when it
/// is not of that form.
std::vector<LcoreFacts> lcores_of(std::string_view map);

/// The kernel interface that a device string names, for the drivers that stand on one that is there: net_af_packet,
/// net_af_xdp and net_pcap. Empty: none.
std::string interface_below(const std::string& device);

}  // namespace ringway
