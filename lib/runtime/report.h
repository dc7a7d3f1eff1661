#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/exit_status.h"
#include "datapath/drop.h"
#include "runtime/kernel_interface.h"

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
  std::vector<LcoreTotals> lcores;

  std::uint64_t all_dropped() const noexcept;
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

  /// received + cloned - transmitted - dropped - in_flight: not 0 means that ringway lost count of packets.
  std::int64_t unaccounted() const noexcept;
  /// Nothing unaccounted for, no pool with mbufs missing or freed twice.
  bool balanced() const noexcept;
  /// kClean, or kUnbalanced.
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

/// Writes a file so that a reader sees the old content or all of the new one; a device or pipe is written to as it is.
/// Throws Error with path and cause.
void write_atomically(const std::string& name, const std::string& content);

}  // namespace ringway
