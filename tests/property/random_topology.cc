#include "random_topology.h"

#include <algorithm>

#include "core/frames.h"
#include "plan/drivers.h"

namespace ringway {
namespace {

constexpr const char* kNames[] = {"east", "west", "north", "south"};
constexpr unsigned kMostLcores = 7;
constexpr unsigned kMostWideLcores = 20;

std::string number(unsigned value) {
  return std::to_string(value);
}

std::string list(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) {
    text += (text.empty() ? "" : ", ") + item;
  }
  return "[" + text + "]";
}

}  // namespace

RandomTopology::RandomTopology(Dice& dice)
    : dice_(dice), wide_(dice.percent(2)), all_wait_(dice.percent(25)), wait_ms_(dice.pick({1, 2, 20, 60000})) {
  const unsigned ports = wide_ ? 2 : dice_.between(1, 4);
  reflect_ = ports == 1 || dice_.percent(25);
  draw_rings();
  draw_ways(ports);
  for (Port& port : ports_) {
    draw_port_keys(port);
  }
  if (dice_.percent(30)) {
    symmetric_ = dice_.percent(80) ? ", symmetric: true" : ", symmetric: false";
  }
  draw_lcores();
  draw_pool();
  if (dice_.percent(6)) {
    make_a_mistake();
  }
}

std::string RandomTopology::when_full(unsigned share_of_wait) {
  return all_wait_ || dice_.percent(share_of_wait) ? "wait" : "drop";
}

void RandomTopology::draw_rings() {
  ring_size_ = dice_.percent(3) ? dice_.pick({512, 1024}) : 2U << dice_.below(wide_ ? 4 : 7);
  // A burst that just fits into a ring, and its neighbours on both sides, are where mistakes would be.
  burst_ = dice_.percent(40) ? ring_size_ - 2 + dice_.below(3) : dice_.between(1, 64);
  burst_ = std::clamp(burst_, 1U, 64U);
  rings_ = "size: " + number(ring_size_);
  if (all_wait_ || dice_.percent(60)) {
    rings_ += ", when_full: " + when_full(50) + ", wait_ms: " + number(wait_ms_);
  }
}

/// Each port is the source of one way at most, and every port is used.
void RandomTopology::draw_ways(std::size_t ports) {
  ports_.resize(ports);
  for (std::size_t i = 0; i < ports; ++i) {
    ports_[i].name = kNames[i];
    if (reflect_) {
      ports_[i].to = i;
    } else if (i == 0 || dice_.percent(70)) {
      ports_[i].to = (i + 1 + dice_.below(ports - 1)) % ports;
    }
  }
  for (std::size_t i = 1; i < ports; ++i) {
    const bool sends =
        std::any_of(ports_.begin(), ports_.end(), [i](const Port& port) { return port.to && *port.to == i; });
    if (!ports_[i].to && !sends) {
      ports_[i].to = i - 1;
    }
  }
}

void RandomTopology::draw_port_keys(Port& port) {
  port.mtu = dice_.percent(80) ? dice_.between(80, 250) : dice_.between(68, 1500);
  port.rx_queues = wide_ ? dice_.between(8, 12) : dice_.between(1, 3);
  const unsigned most_bits = wide_ ? 4 : 8;  // of descriptors
  port.keys = ", mtu: " + number(port.mtu) + ", rx_queues: " + number(port.rx_queues) +
              ", rx_descriptors: " + number(2U << dice_.below(most_bits)) +
              ", tx_descriptors: " + number(dice_.percent(10) ? dice_.between(1, 200) : 2U << dice_.below(most_bits));
  if (all_wait_ || dice_.percent(50)) {
    port.keys += ", when_full: " + when_full(50);
  }
  if (dice_.percent(4)) {
    port.keys += ", tx_queues: " + number(dice_.between(1, 8));
  }
}

/// Which lcores receive, work and transmit is drawn for each role by itself, so that an lcore may have several.
void RandomTopology::draw_lcores() {
  const unsigned count = wide_ ? dice_.between(14, kMostWideLcores) : dice_.between(1, kMostLcores);
  machine_lcores_ = count + 2;  // the main lcore, and one that the planner lets generate and check
  if (!wide_ && dice_.percent(12)) {
    return;
  }
  lcores_.resize(count);
  const unsigned receivers = wide_ ? count : dice_.between(1, count);
  for (const Port& port : ports_) {
    const unsigned sole = dice_.below(receivers);
    const bool together = dice_.percent(20);
    for (unsigned queue = 0; port.to && queue < (together ? 1 : port.rx_queues); ++queue) {
      const unsigned lcore = wide_ ? queue : together ? sole : dice_.below(receivers);
      lcores_[lcore].rx.push_back(port.name + "." + (together ? "*" : number(queue)));
    }
  }
  if (wide_ || dice_.percent(65)) {
    const unsigned workers = wide_ ? dice_.between(8, 12) : dice_.between(1, 4);
    for (unsigned i = 0; i < workers; ++i) {
      lcores_[wide_ ? i % count : dice_.below(count)].work = true;
    }
  }
  draw_transmitters();
}

void RandomTopology::draw_transmitters() {
  for (const Port& port : ports_) {
    const bool sends = std::any_of(ports_.begin(), ports_.end(),
                                   [&](const Port& from) { return from.to && &ports_[*from.to] == &port; });
    if (sends && (wide_ || dice_.percent(40))) {
      std::vector<std::string>& first = lcores_[dice_.below(lcores_.size())].tx;
      first.push_back(port.name);
      std::vector<std::string>& second = lcores_[dice_.below(lcores_.size())].tx;
      if (&second != &first && dice_.percent(40)) {
        second.push_back(port.name);
      }
    }
  }
}

void RandomTopology::draw_pool() {
  pool_ = "cache: " + number(dice_.pick({0, 0, 1, 8, 32}));
  unsigned longest = 0;
  for (const Port& port : ports_) {
    longest = std::max(longest, longest_frame(port.mtu) + kMostOversize);
  }
  if (dice_.percent(90)) {
    pool_ += ", data_room: " + number(longest + dice_.below(64));
  }
}

void RandomTopology::make_a_mistake() {
  switch (dice_.below(6)) {
    case 0:
      rings_ = "size: 3";
      break;
    case 1:
      ports_[0].rx_queues = 17;
      ports_[0].keys = ", rx_queues: 17";
      break;
    case 2:
      pool_ += ", data_room: 128";
      break;
    case 3:
      lcores_.resize(machine_lcores_ + 1);
      lcores_.back().work = true;
      break;
    case 4:
      ports_.push_back({.name = "unused", .keys = {}, .mtu = 1500, .rx_queues = 1, .to = {}});
      break;
    default:
      ports_.back().keys += ", speed: 10";
      break;
  }
}

void RandomTopology::override_ring(const std::vector<RingPlan>& rings) {
  const RingPlan& ring = dice_.pick(rings);
  override_ = ring.name + ": {size: " + number(2U << dice_.below(6));
  if (dice_.percent(50)) {
    override_ += ", when_full: " + when_full(50) + ", wait_ms: " + number(wait_ms_);
  }
  override_ += "}";
}

std::string RandomTopology::forwarding_text() const {
  std::vector<std::string> items;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const Port& port = ports_[i];
    if (!port.to) {
      continue;
    }
    const Port& to = ports_[*port.to];
    if (reflect_) {
      items.push_back(port.name);
    } else if (to.to != i) {
      items.push_back("{from: " + port.name + ", to: " + to.name + "}");
    } else if (i < *port.to) {
      items.push_back("[" + port.name + ", " + to.name + "]");
    }
  }
  return std::string("forwarding: {mode: ") + (reflect_ ? "reflect, ports: " : "cross_connect, pairs: ") + list(items) +
         symmetric_ + "}\n";
}

std::string RandomTopology::lcores_text() const {
  std::string text;
  for (std::size_t i = 0; i < lcores_.size(); ++i) {
    const Lcore& lcore = lcores_[i];
    std::vector<std::string> roles;
    if (!lcore.rx.empty()) {
      roles.push_back("rx: " + list(lcore.rx));
    }
    if (lcore.work) {
      roles.push_back("work: true");
    }
    if (!lcore.tx.empty()) {
      roles.push_back("tx: " + list(lcore.tx));
    }
    if (!roles.empty()) {
      const std::string all = list(roles);
      text += "  " + std::to_string(i + 1) + ": {" + all.substr(1, all.size() - 2) + "}\n";
    }
  }
  return text.empty() ? text : "lcores:\n" + text;
}

std::string RandomTopology::text() const {
  std::string text = "ports:\n";
  for (const Port& port : ports_) {
    text += "  " + port.name + ": {device: lab" + port.keys + "}\n";
  }
  text += forwarding_text() + lcores_text();
  text += "rings: {" + rings_ + (override_.empty() ? "" : ", override: {" + override_ + "}") + "}\n";
  text += "burst: " + number(burst_) + "\n";
  text += "pool: {" + pool_ + (pool_size_ ? ", size: " + number(*pool_size_) : "") + "}\n";
  return text;
}

}  // namespace ringway
