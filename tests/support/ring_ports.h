#pragma once

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "plan/plan.h"

namespace ringway {

/// A port made of two rings that the test keeps the other ends of: what is put into `in` is received, what the port
/// sends comes out of `out`.
class RingPort {
 public:
  explicit RingPort(const std::string& name, unsigned size = 256)
      : in_(make(name + "_in", size)), out_(make(name + "_out", size)) {
    rte_ring* in = in_.get();
    rte_ring* out = out_.get();
    const int id = rte_eth_from_rings(name.c_str(), &in, 1, &out, 1, 0);
    if (id < 0) {
      throw std::runtime_error("rte_eth_from_rings");
    }
    id_ = static_cast<unsigned>(id);
  }

  unsigned id() const { return id_; }
  rte_ring* in() { return in_.get(); }
  rte_ring* out() { return out_.get(); }

 private:
  using Ring = std::unique_ptr<rte_ring, void (*)(rte_ring*)>;
  static Ring make(const std::string& name, unsigned size) {
    return {rte_ring_create(name.c_str(), size, 0, RING_F_SP_ENQ | RING_F_SC_DEQ), &rte_ring_free};
  }

  Ring in_;
  Ring out_;
  unsigned id_ = 0;
};

/// An lcore of socket 0 with those legs.
inline LcorePlan lcore(unsigned id, std::vector<LegPlan> legs = {}) {
  return {.id = id, .socket = 0, .legs = std::move(legs), .generate = {}, .check = {}};
}

/// A plan of `ports` ports of a driver on one pool, for lcore 1; legs are added by the test.
inline Plan small_plan(std::size_t ports, const std::string& driver, const std::string& pool) {
  Plan plan;
  plan.burst = 32;
  plan.idle = {.spin_polls = 100, .pause_polls = 100, .sleep_us = 20};
  plan.pools = {{.name = pool, .socket = 0, .size = 2047, .cache = 32, .data_room = 2048}};
  for (std::size_t i = 0; i < ports; ++i) {
    PortPlan port;
    port.name = std::string(1, static_cast<char>('a' + i));
    port.device = port.name;
    port.driver = driver;
    port.rx_queues = port.tx_queues = 1;
    port.rx_descriptors = port.tx_descriptors = 128;
    port.mtu = 1500;
    port.mtu_owner = MtuOwner::kRingway;
    port.drain_at_stop = driver == "net_ring";
    plan.ports.push_back(port);
  }
  plan.lcores = {lcore(1)};
  return plan;
}

inline LegPlan leg(std::size_t from, std::size_t to) {
  LegPlan plan;
  plan.source = PortQueue{from, 0};
  plan.output = PortQueue{to, 0};
  return plan;
}

}  // namespace ringway
