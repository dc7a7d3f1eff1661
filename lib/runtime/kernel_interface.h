#pragma once

#include <cstdint>
#include <string>

namespace ringway {

/// A kernel interface's own counters (proc_net_dev). Drivers that stand on one do not see what the kernel dropped.
struct KernelCounters {
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_dropped = 0;
  std::uint64_t tx_packets = 0;
  std::uint64_t tx_dropped = 0;
};

/// The counters of an interface of this network namespace since it was made; all 0 when it is gone.
KernelCounters kernel_counters(const std::string& interface);

/// The MTU of an interface; `otherwise` when it is gone.
unsigned kernel_mtu(const std::string& interface, unsigned otherwise);

/// Whether an interface is up and has a carrier.
bool kernel_link_up(const std::string& interface);

}  // namespace ringway
