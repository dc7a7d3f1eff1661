#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/config.h"
#include "config/replay.h"

namespace ringway {

/// Frame lengths in bytes without CRC, both ends included.
struct FrameRange {
  unsigned min = 0;
  unsigned max = 0;

  bool operator==(const FrameRange&) const = default;
};

/// One direction of forwarding; `from` and `to` are indices of ports. Equal for mode reflect.
struct Way {
  std::size_t from = 0;
  std::size_t to = 0;

  bool operator==(const Way&) const = default;
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
  std::string device;                     ///< as the configuration has it, devargs included
  std::vector<std::string> members = {};  ///< of a bond; likewise
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
  std::uint64_t rss_types = 0;        ///< 0: no RSS
  bool rss_hash = false;              ///< the device delivers its hash, for an lcore that spreads flows
  bool drain_at_stop = false;         ///< the driver gives nothing back on stop: its RX queues are emptied first
  bool lab = false;                   ///< made by ringway: generators feed its RX queues, checkers empty its TX queues
  std::optional<Replay> replay = {};  ///< of such a port: a capture feeds it instead, and what it sends is not checked
  bool shares_data = false;           ///< data of packets that it brings may be others' too, and is not to be written
  unsigned wait_ms = 0;               ///< how long packets wait for room in its TX queues; 0: they are dropped at once

  /// Whether generators feed it.
  bool generates() const noexcept { return lab && !replay; }

  bool operator==(const PortPlan&) const = default;
};

/// How lcores share the producing end of a ring. The consuming end always belongs to one lcore.
enum class RingKind {
  kSpSc,  ///< one lcore puts packets in
  kHts,   ///< several do, one after another (head/tail sync)
};

/// What a ring's packets wait for.
enum class RingUse {
  kWork,  ///< an lcore that works
  kTx,    ///< the lcore that transmits
};

/// A ring between two legs.
struct RingPlan {
  std::string name;  ///< `rx.east.1-3`, `tx.west.3-5`: packets from east, or to west, and the lcores at its ends
  RingUse use = RingUse::kWork;
  std::size_t port = 0;  ///< kWork: where its packets came in; kTx: where they go out
  RingKind kind = RingKind::kSpSc;
  unsigned size = 0;     ///< a power of two; it holds one packet fewer
  unsigned wait_ms = 0;  ///< how long packets wait for room; 0: they are dropped at once
  unsigned socket = 0;
  std::vector<unsigned> producers;  ///< lcores
  unsigned consumer = 0;            ///< lcore

  bool operator==(const RingPlan&) const = default;
};

/// An RX or TX queue of a port.
struct PortQueue {
  std::size_t port = 0;  ///< index into Plan::ports
  unsigned queue = 0;

  bool operator==(const PortQueue&) const = default;
};

/// A ring to take packets from.
struct FromRing {
  std::size_t ring = 0;  ///< index into Plan::rings

  bool operator==(const FromRing&) const = default;
};

/// Rings to put packets into; flows are spread over several.
struct ToRings {
  std::vector<std::size_t> rings;  ///< indices into Plan::rings

  bool operator==(const ToRings&) const = default;
};

/// Where a leg shows packets to captures.
enum class TapPoint {
  kRx,           ///< as they came in
  kLimitFrames,  ///< behind that stage
  kSwapMacs,     ///< behind that stage
  kTx,           ///< as they are offered to the port
  kDrop,         ///< those it drops: they go to the captures' writer instead of the pool
};

/// A tap of a leg: what it shows goes to the writer over a ring of its own.
struct TapPlan {
  TapPoint point = TapPoint::kRx;
  std::vector<std::size_t> captures;  ///< indices into Plan::captures
  unsigned size = 0;                  ///< of its ring, a power of two; it holds one packet fewer
  unsigned socket = 0;                ///< NUMA socket of the leg's lcore

  bool operator==(const TapPlan&) const = default;
};

/// Packets that are written to a file, and where they are taken: at ports, behind a stage, or where they are dropped.
struct CapturePlan {
  std::string name;
  std::string file;
  std::vector<std::size_t> ports;  ///< indices into Plan::ports
  CaptureDirection direction = CaptureDirection::kBoth;
  std::optional<CapturedStage> stage;
  DropReasons drops;
  std::string filter;              ///< as tcpdump takes it; empty: all packets
  unsigned snap = 0;               ///< most bytes of a packet in the file
  unsigned buffer = 0;             ///< size of the ring from each place
  std::uint64_t rotate_bytes = 0;  ///< of a file; 0: no limit
  unsigned rotate_seconds = 0;     ///< 0: no limit
  unsigned rotate_files = 0;       ///< that are kept; 0: all

  /// Whether it goes on to a new file now and then.
  bool rotates() const noexcept { return rotate_bytes > 0 || rotate_seconds > 0; }

  bool operator==(const CapturePlan&) const = default;
};

/// One leg of a way: where packets are taken, what happens, where they are put.
struct LegPlan {
  std::variant<PortQueue, FromRing> source;
  std::variant<PortQueue, ToRings> output;
  std::optional<std::size_t> own_headers;  ///< pool of headers for packets whose data is shared; none: it never is
  bool swap_macs = false;
  std::optional<FrameRange> limit;  ///< frames outside are dropped; none: the source cannot bring such a frame
  std::vector<TapPlan> taps;        ///< by TapPoint, at most one each

  /// The RX queue that it polls; null: it takes from a ring.
  const PortQueue* rx() const noexcept { return std::get_if<PortQueue>(&source); }
  /// The TX queue that it sends to; null: it puts into rings.
  const PortQueue* tx() const noexcept { return std::get_if<PortQueue>(&output); }
  PortQueue* tx() noexcept { return std::get_if<PortQueue>(&output); }
  /// The ring that it takes from; only without rx().
  std::size_t from_ring() const noexcept { return std::get<FromRing>(source).ring; }
  /// The rings that it puts into; only without tx().
  const std::vector<std::size_t>& to_rings() const noexcept { return std::get<ToRings>(output).rings; }

  bool operator==(const LegPlan&) const = default;
};

/// An lcore and its legs, in the order in which it polls them: those nearest to the end of the way first, to make room.
struct LcorePlan {
  unsigned id = 0;
  unsigned socket = 0;
  std::vector<LegPlan> legs;
  std::vector<std::size_t> generate;  ///< lab ports whose RX queues it feeds
  std::vector<std::size_t> check;     ///< lab ports whose TX queues it empties

  bool operator==(const LcorePlan&) const = default;
};

/// What the generators of lab ports send; a port means each of them.
struct TrafficPlan {
  unsigned frame_bytes = 60;  ///< without CRC, before VLAN tags; 0: IMIX
  unsigned flows = 1;         ///< a port
  unsigned ipv6_ppm = 0;      ///< of the flows, in a million
  unsigned vlans = 0;         ///< VLAN ids in use
  double packets_per_s = 0;   ///< a port; 0: as fast as the port takes them
  std::uint64_t packets = 0;  ///< a port; 0: no limit
  double seconds = 0;         ///< 0: no limit
  unsigned faults_ppm = 0;    ///< bad frames in a million

  bool operator==(const TrafficPlan&) const = default;
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
  bool symmetric = false;  ///< both directions of a flow are spread alike
  unsigned burst = 0;
  std::vector<PoolPlan> pools;
  std::vector<PortPlan> ports;
  std::vector<Way> ways;  ///< at most one from each port
  std::vector<RingPlan> rings;
  unsigned wait_ms = 0;  ///< how long outputs wait that do and have no time of their own
  std::vector<LcorePlan> lcores;
  std::optional<TrafficPlan> traffic;  ///< none: no port is a lab port
  std::vector<CapturePlan> captures;
  std::vector<PoolPlan> clone_pools;  ///< of mbufs without data, by which captures share packets; one a NUMA socket
  IdlePlan idle;

  bool operator==(const Plan&) const = default;
};

/// Both ends of a leg: `east.0 to west.1`, `east.0 to ring rx.east.1-2, rx.east.1-3`.
std::string leg_name(const Plan& plan, const LegPlan& leg);

/// Whether the leg keeps packets that its output has no room for.
bool leg_waits(const Plan& plan, const LegPlan& leg);

/// A port and the way that packets go there.
struct TapPort {
  std::size_t port = 0;  ///< index into Plan::ports
  bool outbound = false;

  bool operator==(const TapPort&) const = default;
};

/// Where the packets of a leg go out, with `outbound` and if it sends; else where they came in, as far as it knows.
TapPort tap_port(const Plan& plan, const LegPlan& leg, bool outbound);

/// Why a number is what it is: key path to sentence.
using Reasons = std::multimap<std::string, std::string>;

}  // namespace ringway
