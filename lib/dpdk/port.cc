#include "dpdk/port.h"

#include <rte_errno.h>
#include <rte_ethdev.h>

#include <utility>

#include "core/errors.h"

namespace ringway {

std::uint64_t wanted_rss_types() {
  return RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP;
}

Port::Port(const PortSettings& settings, rte_mempool* pool) : settings_(settings) {
  try {
    configure();
    set_up_queues(pool);
  } catch (...) {
    rte_eth_dev_close(id());
    throw;
  }
}

Port::Port(Port&& other) noexcept
    : settings_(std::move(other.settings_)),
      notices_(std::move(other.notices_)),
      open_(std::exchange(other.open_, false)) {}

Port::~Port() {
  if (open_) {
    rte_eth_dev_close(id());
  }
}

void Port::check(int result, const char* call) const {
  if (result < 0) {
    // Not -EPERM: drivers return -1 for anything.
    const auto status = result == -EACCES ? ExitStatus::kPermission : ExitStatus::kFailed;
    throw Error(status, std::string(call) + ": port '" + settings_.name + "' (" + settings_.device +
                            "): " + rte_strerror(-result));
  }
}

void Port::try_to(int result, const std::string& without) {
  if (result < 0) {
    notices_.push_back("port '" + settings_.name + "': " + without + " (" + rte_strerror(-result) + ")");
  }
}

void Port::configure() {
  rte_eth_conf conf{};
  if (settings_.mtu) {
    conf.rxmode.mtu = *settings_.mtu;
  }
  conf.rxmode.offloads =
      (settings_.scatter ? RTE_ETH_RX_OFFLOAD_SCATTER : 0) | (settings_.rss_hash ? RTE_ETH_RX_OFFLOAD_RSS_HASH : 0);
  conf.txmode.offloads = (settings_.multi_segs ? RTE_ETH_TX_OFFLOAD_MULTI_SEGS : 0) |
                         (settings_.fast_free ? RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE : 0);
  if (settings_.rss_types != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = settings_.rss_types;
  }
  check(rte_eth_dev_configure(id(), settings_.rx_queues, settings_.tx_queues, &conf), "rte_eth_dev_configure");
  if (settings_.mtu) {
    const int result = rte_eth_dev_set_mtu(id(), *settings_.mtu);
    check(result == -ENOTSUP ? 0 : result, "rte_eth_dev_set_mtu");
    try_to(result, "the driver sets no MTU; its own stays");
  }
}

void Port::set_up_queues(rte_mempool* pool) {
  rte_eth_dev_info info{};
  check(rte_eth_dev_info_get(id(), &info), "rte_eth_dev_info_get");
  for (std::uint16_t queue = 0; queue < settings_.rx_queues; ++queue) {
    check(rte_eth_rx_queue_setup(id(), queue, settings_.rx_descriptors, settings_.socket, nullptr, pool),
          "rte_eth_rx_queue_setup");
  }
  rte_eth_txconf txconf = info.default_txconf;
  txconf.offloads = (settings_.multi_segs ? RTE_ETH_TX_OFFLOAD_MULTI_SEGS : 0) |
                    (settings_.fast_free ? RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE : 0);
  for (std::uint16_t queue = 0; queue < settings_.tx_queues; ++queue) {
    check(rte_eth_tx_queue_setup(id(), queue, settings_.tx_descriptors, settings_.socket, &txconf),
          "rte_eth_tx_queue_setup");
  }
}

RunningPort::RunningPort(Port& port) : port_(&port) {
  port.check(rte_eth_dev_start(port.id()), "rte_eth_dev_start");
  if (port.settings_.promiscuous) {
    port.try_to(rte_eth_promiscuous_enable(port.id()), "promiscuous mode is not supported; done without");
  } else {
    port.try_to(rte_eth_promiscuous_disable(port.id()), "promiscuous mode cannot be switched off");
  }
}

RunningPort::RunningPort(RunningPort&& other) noexcept : port_(std::exchange(other.port_, nullptr)) {}

RunningPort::~RunningPort() {
  if (port_ != nullptr) {
    rte_eth_dev_stop(port_->id());
  }
}

std::string link_state(std::uint16_t port) {
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(port, &link) < 0 || link.link_status == RTE_ETH_LINK_DOWN) {
    return "down";
  }
  if (link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN || link.link_speed == RTE_ETH_SPEED_NUM_NONE) {
    return "up";
  }
  return "up, " + std::to_string(link.link_speed) + " Mbit/s";
}

}  // namespace ringway
