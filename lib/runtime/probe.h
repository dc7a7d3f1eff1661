#pragma once

#include <vector>

#include "config/config.h"
#include "core/diagnostics.h"
#include "dpdk/held_output.h"
#include "plan/inventory.h"

namespace ringway {

/// Ethdev ports of a configuration, in its order.
using PortIds = std::vector<unsigned>;

/// Attaches the configuration's devices and asks them and EAL what they offer. A device that cannot be attached is told
/// in `problems`, with the driver's words; `ids` gets one port id a port: RTE_MAX_ETHPORTS for such a device and for
/// lab ports, which Runtime makes. `hugepages` was probed before EAL started, `argv` is what EAL was started with.
Inventory probe(const Config& config, const std::vector<HugepageFacts>& hugepages, const std::vector<std::string>& argv,
                HeldOutput& output, PortIds& ids, Diagnostics& problems);

}  // namespace ringway
