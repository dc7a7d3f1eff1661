#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/drop.h"
#include "core/exit_status.h"
#include "datapath/copy_reason.h"
#include "runtime/histogram_export.h"
#include "runtime/kernel_interface.h"
#include "traffic/replayer.h"

namespace ringway {

/// One port's totals since start, as ethdev counts them, but for tx_refused, which only ringway sees.
struct PortTotals {
  std::string name;
  std::string link;  ///< `up, 10000 Mbit/s` or `down`
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_bytes = 0;  ///< without CRC; 0 where the driver does not count bytes (net_ring)
  std::uint64_t tx_packets = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_missed = 0;  ///< dropped by the device: nobody took them in time
  std::uint64_t rx_errors = 0;
  std::uint64_t rx_no_mbuf = 0;
  std::uint64_t tx_errors = 0;                ///< accepted by the driver and then not sent
  std::uint64_t tx_refused = 0;               ///< not accepted by the driver: dropped under tx_full
  std::optional<KernelCounters> kernel = {};  ///< of the interface below, since start; none: there is none
};

/// One lcore's totals since start.
struct LcoreTotals {
  unsigned id = 0;
  std::uint64_t packets = 0;
  std::uint64_t bursts = 0;
  std::uint64_t busy_cycles = 0;  ///< TSC cycles in rounds that took packets
  std::uint64_t idle_cycles = 0;
  std::uint64_t voluntary_context_switches = 0;
  std::uint64_t involuntary_context_switches = 0;
};

/// A ring's totals since start.
struct RingTotals {
  std::string name;
  std::string kind;  ///< `SP/SC` or `HTS`
  std::uint64_t size = 0;
  std::uint64_t fill = 0;        ///< packets in it at this moment
  std::uint64_t high_water = 0;  ///< most packets seen in it
  std::uint64_t enqueued = 0;
  std::uint64_t dequeued = 0;
  std::uint64_t refused = 0;  ///< packets dropped because it was full
};

/// A capture's totals since start.
struct CaptureTotals {
  std::string name;
  std::string file;
  std::uint64_t matched = 0;  ///< packets seen where it looks that its filter takes; at the end: written + missed
  std::uint64_t written = 0;  ///< packets in its files, those deleted since included
  std::uint64_t missed = 0;   ///< packets that its writer was too late for, or could not write
  std::uint64_t bytes = 0;    ///< of its files
  std::uint64_t files = 0;
  std::string error;  ///< why nothing is written any more; empty: it is
};

/// Percentiles in reports, and their names.
inline constexpr std::array<double, 5> kLatencyPercents = {50, 90, 99, 99.9, 99.99};
inline constexpr std::array<const char*, 5> kLatencyNames = {"p50", "p90", "p99", "p99_9", "p99_99"};

/// What generators made and checkers found, since start.
struct TrafficTotals {
  std::uint64_t sent = 0;            ///< frames made, missed ones included
  std::uint64_t unchecked = 0;       ///< of these, frames on ways that no checker ends
  std::uint64_t expected_drops = 0;  ///< of the others, frames bad in a way that the forwarder must drop
  std::uint64_t missed = 0;          ///< of these, frames that a port's RX queue had no room for
  std::uint64_t forgone = 0;         ///< frames that were due and never made: the generator was too far behind
  std::uint64_t received = 0;        ///< frames that came back
  std::uint64_t unique = 0;          ///< of these, intact and for the first time
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;    ///< behind a later one of their flow
  std::uint64_t altered = 0;      ///< payload or stamp not as made; other headers are not checked
  std::uint64_t stale = 0;        ///< too far behind a later one of their flow to tell duplicates
  std::uint64_t unknown = 0;      ///< not made here
  std::uint64_t not_dropped = 0;  ///< must have been dropped
  std::array<double, kLatencyPercents.size()> latency_ns{};
  double latency_max_ns = 0;
  std::vector<HistogramBucket> latency_buckets;

  /// Frames that should have come back and did not; while packets flow, those on their way, too.
  std::int64_t lost() const noexcept { return static_cast<std::int64_t>(sent - unchecked - expected_drops - unique); }
  /// Nothing came back that should not have, nor otherwise than it should have.
  bool sound() const noexcept { return duplicated + reordered + altered + stale + unknown + not_dropped == 0; }
};

/// What became of a capture that is replayed, since start.
struct ReplayTotals {
  std::string port;
  std::string file;
  std::uint64_t sent = 0;  ///< frames
  std::uint64_t bytes = 0;
  std::uint64_t passes = 0;  ///< through the file, to its end
  std::array<std::uint64_t, kReplaySkips> skipped{};
  std::uint64_t missed = 0;     ///< of the sent ones, frames that the port's RX queue had no room for at the stop
  std::uint64_t discarded = 0;  ///< frames sent out of the port, which end there
  std::uint64_t no_mbuf = 0;    ///< times that it waited for mbufs
  std::uint64_t unread = 0;     ///< times that it waited for the file to be read
  double late_ms = 0;           ///< by which a frame missed its own time, at most
  std::string fault;            ///< what ended it before its end; empty: nothing
};

/// Everything counted since start, at one moment.
struct Totals {
  double seconds = 0;
  std::uint64_t received = 0;
  std::uint64_t cloned = 0;
  std::uint64_t transmitted = 0;
  std::array<std::uint64_t, kDropReasons> dropped{};
  std::array<std::uint64_t, kCopyReasons> copied_packets{};
  std::array<std::uint64_t, kCopyReasons> copied_bytes{};
  std::vector<PortTotals> ports;
  std::vector<RingTotals> rings;
  std::vector<LcoreTotals> lcores;
  std::vector<CaptureTotals> captures;
  std::optional<TrafficTotals> traffic;  ///< none: no lab port
  std::vector<ReplayTotals> replays;     ///< one a replay port

  std::uint64_t all_dropped() const noexcept;
  /// Packets received and neither transmitted nor dropped so far.
  std::int64_t on_their_way() const noexcept;
};

/// A pool after everything has stopped.
struct PoolTotals {
  std::string name;
  std::uint64_t size = 0;
  std::uint64_t free = 0;            ///< different mbufs found in the pool
  std::uint64_t held_by_driver = 0;  ///< known never to come back (af_xdp's fill ring)
  std::int64_t missing = 0;          ///< size - free - held_by_driver
  std::uint64_t freed_twice = 0;
};

/// The closing balance.
struct Report {
  Totals totals;
  std::uint64_t in_flight = 0;  ///< packets held by ringway itself when everything had stopped
  std::vector<PoolTotals> pools;
  std::uint64_t in_other_buffers = 0;  ///< packets sent in a buffer that no port received; looked for in test builds

  /// received + cloned - transmitted - dropped - in_flight: not 0 means that ringway lost count of packets.
  std::int64_t unaccounted() const noexcept;
  /// Nothing unaccounted for, by captures neither, no packet in another buffer than it came in, no pool with mbufs
  /// missing or freed twice.
  bool balanced() const noexcept;
  /// kClean; kUnbalanced; or kFailed when all is balanced, but traffic was not sound, a replay ended by a fault, or a
  /// capture could not go on.
  ExitStatus exit_status() const noexcept;
};

/// The report as indented JSON.
std::string to_json(const Report& report);
/// One screen of the state so far, as tables for people.
std::string to_text(const Totals& totals);
/// The report as tables for people: the state, the balance, and whether it closes.
std::string to_text(const Report& report);

/// Rates between two moments, one JSON object on one line.
std::string rates_to_json(const Totals& before, const Totals& now);
/// Rates between two moments, as a table for people.
std::string rates_to_text(const Totals& before, const Totals& now);

}  // namespace ringway
