#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "core/diagnostics.h"

namespace ringway {

/// What must be known of the machine before EAL starts.
struct HostFacts {
  std::vector<unsigned> cpus;    ///< CPUs of this process's affinity, ascending
  std::uint64_t memory_mib = 0;  ///< physical memory
};

/// EAL's argument vector, `ringway` first: what the file's `eal` section, its `lcores` and its PCI devices ask for,
/// then `command_line` (what stood before `--`). Where both speak of the same thing the command line wins and the
/// file's word is left out. Only typed values from the file get here, never its free text.
///
/// Defaults: `--in-memory` (nothing is left behind after a crash, no root needed), `--no-telemetry`,
/// `--file-prefix=ringway`, one lcore a CPU of the affinity, main the first that the file's `lcores` leave free; with
/// no_huge `--no-shconf` and 512 MiB.
std::vector<std::string> eal_args(const Config& config, const std::vector<std::string>& command_line,
                                  const HostFacts& host, Diagnostics& problems);

/// Whether an option without a value is among the arguments.
bool has_option(const std::vector<std::string>& argv, std::string_view option);

/// Where `--vdev` on the command line and the file name the same device, the command line's devargs are the port's.
void take_devices_of(const std::vector<std::string>& command_line, Config& config);

/// True when the device string is a PCI address.
bool is_pci(const std::string& device);

}  // namespace ringway
