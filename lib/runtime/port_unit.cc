#include "runtime/port_unit.h"

#include <rte_dev.h>
#include <rte_errno.h>

#include <cerrno>

#include "core/text.h"
#include "datapath/source.h"

namespace ringway {
namespace {

PortSettings settings_of(const PortPlan& port, unsigned id) {
  PortSettings settings{.name = port.name,
                        .device = port.device,
                        .id = id,
                        .rx_queues = static_cast<std::uint16_t>(port.rx_queues),
                        .tx_queues = static_cast<std::uint16_t>(port.tx_queues),
                        .rx_descriptors = static_cast<std::uint16_t>(port.rx_descriptors),
                        .tx_descriptors = static_cast<std::uint16_t>(port.tx_descriptors),
                        .mtu = {},
                        .promiscuous = port.promiscuous,
                        .socket = port.socket,
                        .scatter = port.scatter,
                        .multi_segs = port.multi_segs,
                        .fast_free = port.fast_free,
                        .rss_types = port.rss_types,
                        .rss_hash = port.rss_hash};
  if (port.mtu_owner == MtuOwner::kDriver) {
    settings.mtu = static_cast<std::uint16_t>(port.mtu);
  }
  return settings;
}

/// What was counted between two moments; 0 when the interface has gone, or was made anew, in between.
KernelCounters since(const KernelCounters& before, const KernelCounters& now) {
  const auto difference = [](std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; };
  return {.rx_packets = difference(before.rx_packets, now.rx_packets),
          .rx_dropped = difference(before.rx_dropped, now.rx_dropped),
          .tx_packets = difference(before.tx_packets, now.tx_packets),
          .tx_dropped = difference(before.tx_dropped, now.tx_dropped)};
}

rte_device* device_of(unsigned id) {
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(static_cast<std::uint16_t>(id), &info);
  return info.device;
}

/// Why it failed; empty: it did not.
std::string release(rte_device* device) {
  const int result = device != nullptr ? rte_dev_remove(device) : -ENODEV;
  return result == 0 ? std::string() : std::string("rte_dev_remove: ") + rte_strerror(-result);
}

}  // namespace

PortUnit::PortUnit(const PortPlan& plan, unsigned id, rte_mempool* pool) : plan_(plan), pool_(pool) {
  if (!plan.interface.empty()) {
    interface_.emplace(plan.interface);
  }
  port_.emplace(settings_of(plan, id), pool);
}

PortUnit::~PortUnit() {
  stop();
  close();
}

// A bond lets go of its members and does not close them, so those would keep the mbufs of their rings (net_virtio,
// 22.11).
void PortUnit::close() noexcept {
  port_.reset();
  for (const std::string& member : plan_.members) {
    if (std::uint16_t id = 0; rte_eth_dev_get_port_by_name(device_name(member).c_str(), &id) == 0) {
      rte_eth_dev_close(id);
    }
  }
}

void PortUnit::start() {
  running_.emplace(*port_);
  rte_eth_stats_reset(id());  // forgiven where it is not supported: such counters start at 0
  if (interface_) {
    kernel_at_start_ = interface_->counters();
  }
}

std::uint16_t PortUnit::id() const noexcept {
  return port_ ? port_->id() : kNoPort;
}

// Drivers on a kernel interface do not follow its link (af_packet, 22.11).
std::string PortUnit::link() const {
  if (!port_) {
    return "lost";
  }
  return interface_ && !interface_->link_up() ? "down" : link_state(id());
}

PortTotals PortUnit::totals() const {
  rte_eth_stats stats = before_;
  add_counted(stats);
  PortTotals totals{.name = plan_.name,
                    .link = link(),
                    .rx_packets = stats.ipackets,
                    .rx_bytes = stats.ibytes,
                    .tx_packets = stats.opackets,
                    .tx_bytes = stats.obytes,
                    .rx_missed = stats.imissed,
                    .rx_errors = stats.ierrors,
                    .rx_no_mbuf = stats.rx_nombuf,
                    .tx_errors = stats.oerrors,
                    .tx_refused = 0,
                    .kernel = {}};
  if (interface_) {
    // Drivers on a kernel interface do not see what the kernel drops (af_packet, 22.11).
    totals.kernel = since(kernel_at_start_, interface_->counters());
  }
  return totals;
}

std::vector<std::string> PortUnit::notices() const {
  return port_ ? port_->notices() : std::vector<std::string>();
}

std::string PortUnit::lose() {
  add_counted(before_);
  rte_device* const device = device_of(id());
  stop();
  close();
  return release(device);
}

void PortUnit::come_back(unsigned id) {
  rte_device* const device = device_of(id);
  try {
    port_.emplace(settings_of(plan_, id), pool_);
    running_.emplace(*port_);
  } catch (...) {
    close();
    release(device);
    throw;
  }
}

void PortUnit::add_counted(rte_eth_stats& to) const {
  rte_eth_stats now{};
  if (!port_ || rte_eth_stats_get(id(), &now) != 0) {
    return;
  }
  to.ipackets += now.ipackets;
  to.ibytes += now.ibytes;
  to.opackets += now.opackets;
  to.obytes += now.obytes;
  to.imissed += now.imissed;
  to.ierrors += now.ierrors;
  to.rx_nombuf += now.rx_nombuf;
  to.oerrors += now.oerrors;
}

}  // namespace ringway
