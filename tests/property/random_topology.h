#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dice.h"
#include "plan/plan.h"

namespace ringway {

/// A configuration drawn from a seed, as text: lab ports, roles of lcores, rings and a pool. Most can be planned; in
/// some a mistake is on purpose.
class RandomTopology {
 public:
  explicit RandomTopology(Dice& dice);

  std::string text() const;

  /// Lcores that the machine is to have, the main lcore included.
  unsigned machine_lcores() const noexcept { return machine_lcores_; }

  /// Gives one of the plan's rings a size and a behaviour of its own.
  void override_ring(const std::vector<RingPlan>& rings);

  /// mbufs; without it the planner decides.
  void set_pool_size(unsigned size) { pool_size_ = size; }

 private:
  /// A port as drawn; `to` is the port its packets leave by, none: it only sends.
  struct Port {
    std::string name;
    std::string keys;  // of its mapping, behind `device: lab`
    unsigned mtu = 0;
    unsigned rx_queues = 1;
    std::optional<std::size_t> to;
  };
  /// What one lcore does.
  struct Lcore {
    std::vector<std::string> rx;
    std::vector<std::string> tx;
    bool work = false;
  };

  void draw_ways(std::size_t ports);
  void draw_port_keys(Port& port);
  void draw_lcores();
  void draw_transmitters();
  void draw_rings();
  void draw_pool();
  void make_a_mistake();
  std::string when_full(unsigned share_of_wait);
  std::string forwarding_text() const;
  std::string lcores_text() const;

  Dice& dice_;
  bool wide_;  // so many lcores that producers share rings
  bool all_wait_;
  bool reflect_ = false;
  unsigned wait_ms_;
  unsigned burst_ = 32;
  unsigned ring_size_ = 64;
  unsigned machine_lcores_ = 0;
  std::vector<Port> ports_;
  std::vector<Lcore> lcores_;  // from lcore 1 on; empty: the planner places the queues
  std::string symmetric_;
  std::string rings_;     // keys
  std::string override_;  // a mapping
  std::string pool_;      // keys
  std::optional<unsigned> pool_size_;
};

}  // namespace ringway
