#pragma once

#include <rte_ethdev.h>

#include <optional>
#include <string>
#include <vector>

#include "dpdk/port.h"
#include "plan/plan.h"
#include "runtime/kernel_interface.h"
#include "runtime/report.h"

namespace ringway {

/// A port of a plan: its device for as long as that is there, and all that it has counted. Main thread only.
class PortUnit {
 public:
  /// Configures the ethdev port `id` and its queues. `plan` and `pool` outlive it. Throws Error.
  PortUnit(const PortPlan& plan, unsigned id, rte_mempool* pool);
  ~PortUnit();
  PortUnit(const PortUnit&) = delete;  // it keeps pointers into itself
  PortUnit& operator=(const PortUnit&) = delete;

  /// Counts from 0. Throws Error.
  void start();
  void stop() noexcept { running_.reset(); }
  /// Behind stop().
  void close() noexcept;

  const PortPlan& plan() const noexcept { return plan_; }
  /// The ethdev port; kNoPort while there is none.
  std::uint16_t id() const noexcept;
  /// `up, 10000 Mbit/s`, `up`, `down`, or `lost` while there is no device.
  std::string link() const;
  PortTotals totals() const;
  /// What the driver could not do and was done without, a line each.
  std::vector<std::string> notices() const;

  /// Stops and closes the port and lets go of its device, which is being unplugged. No lcore uses it any more. Returns
  /// why the device could not be let go of; empty: it was.
  std::string lose();
  /// The device is back as ethdev port `id`: set up and started as before. Throws Error; the port is then lost still,
  /// and its device let go of.
  void come_back(unsigned id);

 private:
  void add_counted(rte_eth_stats& to) const;

  const PortPlan& plan_;
  rte_mempool* pool_;
  std::optional<KernelInterface> interface_;  // none: there is none below
  KernelCounters kernel_at_start_;
  rte_eth_stats before_{};  // counted by devices that are gone
  std::optional<Port> port_;
  std::optional<RunningPort> running_;
};

}  // namespace ringway
