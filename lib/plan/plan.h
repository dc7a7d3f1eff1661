#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace ringway {

/// Frame lengths in bytes without CRC, both ends included.
struct FrameRange {
  unsigned min = 0;
  unsigned max = 0;

  bool operator==(const FrameRange&) const = default;
};

/// Who sets a port's MTU.
enum class MtuOwner {
  kDriver,   ///< the PMD: ringway asks it
  kKernel,   ///< the kernel interface below: ringway only reads it
  kRingway,  ///< nobody below: ringway drops what is longer
};

/// A memory pool of mbufs.
struct PoolPlan {
  std::string name;
  unsigned socket = 0;
  unsigned size = 0;       ///< mbufs
  unsigned cache = 0;      ///< mbufs an lcore may keep; DPDK 22.11 lets it grow to 1.5 times as many
  unsigned data_room = 0;  ///< bytes of packet data an mbuf holds, headroom not included

  bool operator==(const PoolPlan&) const = default;
};

/// A port, every number decided.
struct PortPlan {
  std::string name;
  std::string device;  ///< as the configuration has it, devargs included
  std::string driver;
  std::string interface;  ///< the kernel interface below; empty: none
  unsigned rx_queues = 0;
  unsigned tx_queues = 0;
  unsigned rx_descriptors = 0;
  unsigned tx_descriptors = 0;
  unsigned mtu = 0;
  MtuOwner mtu_owner = MtuOwner::kDriver;
  bool promiscuous = true;
  unsigned socket = 0;
  std::size_t pool = 0;  ///< index into Plan::pools
  bool scatter = false;
  bool multi_segs = false;
  bool fast_free = false;
  std::uint64_t rss_types = 0;  ///< 0: no RSS
  bool drain_at_stop = false;   ///< the driver gives nothing back on stop: its RX queues are emptied first

  bool operator==(const PortPlan&) const = default;
};

/// One way of packets: a port's RX queue, what happens, a port's TX queue.
struct LegPlan {
  std::size_t from = 0;  ///< index into Plan::ports
  unsigned rx_queue = 0;
  std::size_t to = 0;
  unsigned tx_queue = 0;
  bool swap_macs = false;
  std::optional<FrameRange> limit;  ///< frames outside are dropped; none: the source cannot bring such a frame

  bool operator==(const LegPlan&) const = default;
};

/// An lcore and its legs, in the order in which it polls them.
struct LcorePlan {
  unsigned id = 0;
  unsigned socket = 0;
  std::vector<LegPlan> legs;

  bool operator==(const LcorePlan&) const = default;
};

/// How an lcore without packets backs off.
struct IdlePlan {
  unsigned spin_polls = 0;   ///< empty polls before it pauses
  unsigned pause_polls = 0;  ///< paused polls before it sleeps
  unsigned sleep_us = 0;     ///< 0: it never sleeps

  bool operator==(const IdlePlan&) const = default;
};

/// Everything that will be built: every number decided, every name resolved. A value.
struct Plan {
  Mode mode = Mode::kCrossConnect;
  unsigned burst = 0;
  std::vector<PoolPlan> pools;
  std::vector<PortPlan> ports;
  std::vector<LcorePlan> lcores;
  IdlePlan idle;

  bool operator==(const Plan&) const = default;
};

/// Why a number is what it is: key path to sentence.
using Reasons = std::multimap<std::string, std::string>;

}  // namespace ringway
