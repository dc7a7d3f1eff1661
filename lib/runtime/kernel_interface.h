#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/proc_file.h"

namespace ringway {

/// A kernel interface's own counters (proc_net_dev). Drivers that stand on one do not see what the kernel dropped.
struct KernelCounters {
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_dropped = 0;
  std::uint64_t tx_packets = 0;
  std::uint64_t tx_dropped = 0;
};

/// The names of this network namespace's interfaces.
std::vector<std::string> kernel_interfaces();

/// An interface of this network namespace. Whatever it asks, it asks through what it opened when it was made.
class KernelInterface {
 public:
  explicit KernelInterface(const std::string& name);
  ~KernelInterface();
  KernelInterface(KernelInterface&& other) noexcept;
  KernelInterface& operator=(KernelInterface&&) = delete;
  KernelInterface(const KernelInterface&) = delete;
  KernelInterface& operator=(const KernelInterface&) = delete;

  /// Counted since the interface was made; all 0 when it is gone.
  KernelCounters counters() const;
  /// `otherwise` when it is gone.
  unsigned mtu(unsigned otherwise) const;
  /// Whether it is up and has a carrier.
  bool link_up() const;

 private:
  std::string name_;
  ProcFile table_;
  int socket_;  // sysfs may belong to another network namespace, a socket never does
};

}  // namespace ringway
