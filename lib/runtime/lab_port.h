#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dpdk/ring.h"
#include "plan/plan.h"

namespace ringway {

/// A port in memory whose far side is here: an ethdev port (net_ring) of rings, one an RX and TX queue. What is put
/// into rx() is received by the port, what the port sends comes out of tx().
class LabPort {
 public:
  /// Throws Error with the call and the port. Close the ethdev port first, then destroy this.
  explicit LabPort(const PortPlan& port);
  /// Frees what is left in the rings.
  ~LabPort();
  LabPort(const LabPort&) = delete;
  LabPort& operator=(const LabPort&) = delete;

  /// The ethdev port's.
  std::uint16_t id() const noexcept { return id_; }
  rte_ring* rx(std::size_t queue) const noexcept { return rx_[queue].get(); }
  rte_ring* tx(std::size_t queue) const noexcept { return tx_[queue].get(); }
  /// Whether no frame waits in any RX, or TX, queue.
  bool rx_empty() const noexcept;
  bool tx_empty() const noexcept;

 private:
  std::string device_;
  std::vector<Ring> rx_;
  std::vector<Ring> tx_;
  std::uint16_t id_ = 0;
};

}  // namespace ringway
