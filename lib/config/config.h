#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/diagnostics.h"
#include "core/drop.h"

namespace ringway {

/// What a file may ask for at most; lib/runtime checks these at compile time against DPDK and the fast path.
inline constexpr unsigned kLastLcore = 127;   ///< highest lcore id: RTE_MAX_LCORE of Debian's DPDK is 128
inline constexpr unsigned kMostPorts = 31;    ///< RTE_MAX_ETHPORTS of Debian's DPDK, less kNoPort
inline constexpr unsigned kMostBurst = 64;    ///< packets a poll: kMaxBurst
inline constexpr unsigned kMostWorkers = 32;  ///< lcores that one lcore spreads flows over: kMaxLanes
inline constexpr unsigned kMostCaptures = 8;  ///< kMaxCaptures

/// A value and the place in the file where it stands.
template <class T>
struct At {
  T value{};
  Location at{};
};

/// A key that the file may leave out.
template <class T>
using Maybe = std::optional<At<T>>;

/// What becomes of packets that an output has no room for.
enum class WhenFull {
  kDrop,  ///< counted and freed at once
  kWait,  ///< kept, and nothing new is taken until they are gone: back-pressure up to the source
};

/// The device of a port in memory that `traffic` feeds and checks.
inline constexpr std::string_view kLabDevice = "lab";

/// `ports.NAME`: a device and what to ask of it.
struct PortConfig {
  std::string name;
  Location at;
  At<std::string> device;                ///< PCI address, vdev string, `lab` or `replay`; empty after a parse error
  std::vector<At<std::string>> members;  ///< devices that a net_bonding port joins; each as `device`
  Maybe<unsigned> rx_queues;             ///< 1 to 1024
  Maybe<unsigned> tx_queues;             ///< 1 to 1024
  Maybe<unsigned> rx_descriptors;        ///< a queue; 1 to 32768
  Maybe<unsigned> tx_descriptors;        ///< a queue; 1 to 32768
  Maybe<unsigned> mtu;                   ///< bytes of payload a frame, 68 to 65535
  Maybe<bool> promiscuous;
  Maybe<unsigned> socket;     ///< NUMA socket of the port's mbufs, 0 to 31
  Maybe<WhenFull> when_full;  ///< of the port as an output
};

/// What happens to packets.
enum class Mode {
  kCrossConnect,  ///< whatever enters one port leaves by its partner
  kReflect,       ///< source and destination MAC swapped, back out of the same port
};

/// One entry of `forwarding.pairs`.
struct PairConfig {
  At<std::string> from;
  At<std::string> to;
  bool both_ways = true;
  Location at;
};

/// `forwarding`.
struct ForwardingConfig {
  Location at;
  At<Mode> mode;
  std::vector<PairConfig> pairs;       ///< cross_connect
  std::vector<At<std::string>> ports;  ///< reflect
  Maybe<bool> symmetric;               ///< both directions of a flow meet on one worker
};

/// `east.0`, or `east.*` for every queue of the port.
struct QueueRef {
  std::string port;
  std::optional<unsigned> queue;
  Location at;
};

/// `lcores.ID`: what one lcore does.
struct LcoreConfig {
  unsigned id = 0;
  Location at;
  std::vector<QueueRef> rx;               ///< queues it polls
  Maybe<bool> work;                       ///< takes packets that receiving lcores spread
  std::vector<At<std::string>> tx;        ///< ports it transmits out of, for everybody
  std::vector<At<std::string>> generate;  ///< lab ports it feeds
  std::vector<At<std::string>> check;     ///< lab ports it empties and checks
};

/// How rings are made: all of them, or one by its name.
struct RingConfig {
  Maybe<unsigned> size;  ///< packets, a power of two; it holds one fewer
  Maybe<WhenFull> when_full;
  Maybe<unsigned> wait_ms;  ///< longest wait with kWait, 1 to 60000; then the packets are dropped
};

/// `rings`.
struct RingsConfig {
  RingConfig all;
  struct Override {
    std::string name;
    Location at;
    RingConfig ring;
  };
  std::vector<Override> overrides;
};

/// How fast a generator sends.
struct Rate {
  enum class Unit { kMax, kPacketsPerSecond, kPercent };
  Unit unit = Unit::kMax;
  double value = 0;
};

/// `traffic`: what the generators of lab ports send.
struct TrafficConfig {
  Location at;                   ///< line 0: not in the file
  Maybe<unsigned> size;          ///< bytes with CRC, 64 to 9000; 0: IMIX
  Maybe<unsigned> flows;         ///< a port, 1 to 1000000
  Maybe<double> ipv6;            ///< per cent of the flows
  Maybe<unsigned> vlans;         ///< VLAN ids in use, 0 to 4094
  Maybe<Rate> rate;              ///< a port
  Maybe<double> duration;        ///< seconds
  Maybe<std::uint64_t> packets;  ///< a port
  Maybe<double> faults;          ///< per cent of the frames
};

/// Which packets of a port a capture takes.
enum class CaptureDirection {
  kBoth,
  kRx,  ///< as they come in
  kTx,  ///< as they are offered to the port
};

/// Stages behind which a capture can look at packets.
enum class CapturedStage { kLimitFrames, kSwapMacs };

/// Their names, in that order.
inline constexpr std::array<const char*, 2> kCapturedStageNames = {"limit_frames", "swap_macs"};

/// `capture.NAME`: packets that are written to a file. One of `ports`, `stage` and `drops` says where they are taken.
struct CaptureConfig {
  std::string name;
  Location at;
  Maybe<std::string> file;
  std::vector<At<std::string>> ports;
  bool all_ports = false;
  Maybe<CaptureDirection> direction;  ///< with ports
  Maybe<CapturedStage> stage;
  Maybe<DropReasons> drops;
  Maybe<std::string> filter;         ///< as tcpdump takes it
  Maybe<unsigned> snap;              ///< most bytes of a packet in the file, 14 to 262144
  Maybe<unsigned> buffer;            ///< packets that may wait for the writer at each place, 64 to 1048576
  Maybe<std::uint64_t> rotate_size;  ///< bytes of a file, whole KiB
  Maybe<unsigned> rotate_seconds;    ///< 1 to 604800
  Maybe<unsigned> rotate_files;      ///< that are kept, 1 to 99999
};

/// `pool`: overrides of what the planner computes.
struct PoolConfig {
  Maybe<unsigned> size;       ///< mbufs in each pool, 1 to 16777215
  Maybe<unsigned> cache;      ///< mbufs an lcore may keep, 0 to 512
  Maybe<unsigned> data_room;  ///< bytes of packet data an mbuf holds, headroom not included, 128 to 65407
};

/// `idle`: how an lcore without packets backs off.
struct IdleConfig {
  Maybe<unsigned> spin_polls;   ///< empty polls before it pauses, 0 to 1000000000
  Maybe<unsigned> pause_polls;  ///< paused polls before it sleeps, 0 to 1000000000
  Maybe<unsigned> sleep_us;     ///< length of a sleep; 0: never sleep; 0 to 1000
};

/// `eal`: typed keys with the names of EAL's own options. Free text never reaches EAL from a file.
struct EalConfig {
  Location at;
  Maybe<std::string> lcores;                  ///< --lcores
  Maybe<unsigned> main_lcore;                 ///< --main-lcore
  Maybe<unsigned> memory;                     ///< -m, MiB
  Maybe<bool> no_huge;                        ///< --no-huge
  Maybe<bool> in_memory;                      ///< --in-memory
  Maybe<bool> no_pci;                         ///< --no-pci
  Maybe<bool> no_telemetry;                   ///< --no-telemetry
  Maybe<bool> huge_unlink;                    ///< --huge-unlink
  Maybe<bool> single_file_segments;           ///< --single-file-segments
  Maybe<std::vector<unsigned>> socket_mem;    ///< --socket-mem, MiB a NUMA socket
  Maybe<std::vector<unsigned>> socket_limit;  ///< --socket-limit, MiB a NUMA socket
  Maybe<std::string> file_prefix;             ///< --file-prefix
  Maybe<std::string> huge_dir;                ///< --huge-dir, absolute path
  Maybe<std::string> iova_mode;               ///< --iova-mode, `pa` or `va`
  Maybe<std::string> log_level;               ///< --log-level, such as `lib.eal:debug`
};

/// What the file says, before anything is decided: names, places, optionals.
struct Config {
  std::vector<PortConfig> ports;
  ForwardingConfig forwarding;
  std::vector<LcoreConfig> lcores;
  Location lcores_at;  ///< line 0: the file leaves placement to the planner
  RingsConfig rings;
  TrafficConfig traffic;
  std::vector<CaptureConfig> captures;
  Maybe<unsigned> burst;  ///< packets a poll, 1 to 64
  PoolConfig pool;
  IdleConfig idle;
  EalConfig eal;
};

}  // namespace ringway
