#include "runtime/lab_port.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "core/errors.h"

namespace ringway {
namespace {

std::vector<rte_ring*> pointers(const std::vector<Ring>& rings) {
  std::vector<rte_ring*> all;
  for (const Ring& ring : rings) {
    all.push_back(ring.get());
  }
  return all;
}

bool are_empty(const std::vector<Ring>& rings) noexcept {
  return std::all_of(rings.begin(), rings.end(), [](const Ring& ring) { return rte_ring_empty(ring.get()) == 1; });
}

/// DPDK's names are short: rings and devices are named by number, once in the life of the process.
unsigned next_number() {
  static unsigned next = 0;
  return next++;
}

}  // namespace

LabPort::LabPort(const PortPlan& port) {
  const std::string name = "lab" + std::to_string(next_number());
  for (unsigned queue = 0; queue < port.rx_queues; ++queue) {
    rx_.emplace_back(name + "rx" + std::to_string(queue), port.rx_descriptors, false, port.socket);
  }
  for (unsigned queue = 0; queue < port.tx_queues; ++queue) {
    tx_.emplace_back(name + "tx" + std::to_string(queue), port.tx_descriptors, false, port.socket);
  }
  const std::vector<rte_ring*> rx = pointers(rx_);
  const std::vector<rte_ring*> tx = pointers(tx_);
  const int id = rte_eth_from_rings(name.c_str(), rx.data(), port.rx_queues, tx.data(), port.tx_queues, port.socket);
  if (id < 0) {
    throw Error(ExitStatus::kFailed, "rte_eth_from_rings: port '" + port.name + "' (lab): " + rte_strerror(rte_errno));
  }
  id_ = static_cast<std::uint16_t>(id);
  device_ = "net_ring_" + name;
}

bool LabPort::rx_empty() const noexcept {
  return are_empty(rx_);
}

bool LabPort::tx_empty() const noexcept {
  return are_empty(tx_);
}

LabPort::~LabPort() {
  for (const auto* rings : {&rx_, &tx_}) {
    for (const Ring& ring : *rings) {
      for (void* mbuf = nullptr; rte_ring_dequeue(ring.get(), &mbuf) == 0;) {
        rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
      }
    }
  }
  rte_eal_hotplug_remove("vdev", device_.c_str());
}

}  // namespace ringway
