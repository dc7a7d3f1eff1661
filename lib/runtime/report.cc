#include "runtime/report.h"

#include <algorithm>
#include <cinttypes>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/frames.h"
#include "datapath/custody.h"
#include "runtime/capture_report.h"
#include "runtime/print.h"
#include "runtime/replay_report.h"

namespace ringway {
namespace {

using Json = nlohmann::ordered_json;

template <std::size_t N>
std::uint64_t sum(const std::array<std::uint64_t, N>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

Json port_json(const PortTotals& port) {
  Json json = {{"rx_packets", port.rx_packets}, {"rx_bytes", port.rx_bytes},
               {"tx_packets", port.tx_packets}, {"tx_bytes", port.tx_bytes},
               {"rx_missed", port.rx_missed},   {"rx_errors", port.rx_errors},
               {"rx_no_mbuf", port.rx_no_mbuf}, {"tx_refused", port.tx_refused},
               {"tx_errors", port.tx_errors},   {"link", port.link}};
  if (port.kernel) {
    json["kernel"] = {{"rx_packets", port.kernel->rx_packets},
                      {"rx_dropped", port.kernel->rx_dropped},
                      {"tx_packets", port.kernel->tx_packets},
                      {"tx_dropped", port.kernel->tx_dropped}};
  }
  return json;
}

Json lcore_json(const LcoreTotals& lcore) {
  return {{"packets", lcore.packets},
          {"bursts", lcore.bursts},
          {"busy_cycles", lcore.busy_cycles},
          {"idle_cycles", lcore.idle_cycles},
          {"voluntary_context_switches", lcore.voluntary_context_switches},
          {"involuntary_context_switches", lcore.involuntary_context_switches}};
}

Json ring_json(const RingTotals& ring) {
  return {{"kind", ring.kind},         {"size", ring.size},
          {"fill", ring.fill},         {"high_water", ring.high_water},
          {"enqueued", ring.enqueued}, {"dequeued", ring.dequeued},
          {"refused", ring.refused}};
}

Json traffic_json(const TrafficTotals& traffic) {
  Json latency = Json::object();
  for (std::size_t i = 0; i < kLatencyNames.size(); ++i) {
    latency[kLatencyNames[i]] = traffic.latency_ns[i];
  }
  latency["max"] = traffic.latency_max_ns;
  latency["histogram"] = Json::array();
  for (const HistogramBucket& bucket : traffic.latency_buckets) {
    latency["histogram"].push_back({bucket.ns, bucket.count});
  }
  return {{"sent", traffic.sent},
          {"received", traffic.received},
          {"lost", traffic.lost()},
          {"missed", traffic.missed},
          {"unchecked", traffic.unchecked},
          {"expected_drops", traffic.expected_drops},
          {"duplicated", traffic.duplicated},
          {"reordered", traffic.reordered},
          {"altered", traffic.altered},
          {"stale", traffic.stale},
          {"unknown", traffic.unknown},
          {"not_dropped", traffic.not_dropped},
          {"forgone", traffic.forgone},
          {"latency_ns", latency}};
}

Json drops_json(const std::array<std::uint64_t, kDropReasons>& dropped) {
  Json drops = Json::object();
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    drops[kDropReasonNames[i]] = dropped[i];
  }
  return drops;
}

Json copies_json(const Totals& totals) {
  Json by_reason = Json::object();
  for (std::size_t i = 0; i < kCopyReasons; ++i) {
    if (totals.copied_packets[i] > 0) {
      by_reason[kCopyReasonNames[i]] = {{"packets", totals.copied_packets[i]}, {"bytes", totals.copied_bytes[i]}};
    }
  }
  return {{"packets", sum(totals.copied_packets)}, {"bytes", sum(totals.copied_bytes)}, {"by_reason", by_reason}};
}

/// Rates of one direction of a port over an interval.
struct Rates {
  double packets = 0;          // a second
  std::optional<double> bits;  // a second, on the wire; none: the driver counts no bytes

  Json bits_json() const { return bits ? Json(*bits) : Json(nullptr); }
};

Rates rates_of(std::uint64_t packets, std::uint64_t bytes, double seconds) {
  Rates rates{.packets = static_cast<double>(packets) / seconds, .bits = {}};
  if (bytes > 0 || packets == 0) {
    rates.bits = 8 * static_cast<double>(bytes + kWireOverhead * packets) / seconds;
  }
  return rates;
}

Rates rx_rates(const PortTotals& before, const PortTotals& now, double seconds) {
  return rates_of(now.rx_packets - before.rx_packets, now.rx_bytes - before.rx_bytes, seconds);
}

Rates tx_rates(const PortTotals& before, const PortTotals& now, double seconds) {
  return rates_of(now.tx_packets - before.tx_packets, now.tx_bytes - before.tx_bytes, seconds);
}

void print_rates(std::string& text, const Rates& rates) {
  print(text, "  %9.3f", rates.packets / 1e6);
  if (rates.bits) {
    print(text, "   %9.3f", *rates.bits / 1e9);
  } else {
    print(text, "   %9s", "-");
  }
}

double busy_share(const LcoreTotals& before, const LcoreTotals& now) {
  const auto busy = static_cast<double>(now.busy_cycles - before.busy_cycles);
  const auto idle = static_cast<double>(now.idle_cycles - before.idle_cycles);
  return busy + idle > 0 ? busy / (busy + idle) : 0;
}

double seconds_between(const Totals& before, const Totals& now) {
  return std::max(now.seconds - before.seconds, 1e-9);
}

void print_latency(std::string& text, const TrafficTotals& traffic) {
  print(text, "  latency in us ");
  for (std::size_t i = 0; i < kLatencyPercents.size(); ++i) {
    print(text, "   p%g %.1f", kLatencyPercents[i], traffic.latency_ns[i] / 1e3);
  }
  print(text, "   max %.1f\n", traffic.latency_max_ns / 1e3);
}

void print_traffic(std::string& text, const TrafficTotals& traffic) {
  print(text, "\ntraffic               sent       received           lost   expected drops\n");
  print(text, "  %20" PRIu64 " %14" PRIu64 " %14" PRId64 " %16" PRIu64 "\n", traffic.sent, traffic.received,
        traffic.lost(), traffic.expected_drops);
  print(text,
        "  altered %" PRIu64 ", reordered %" PRIu64 ", stale %" PRIu64 ", duplicated %" PRIu64
        ", not made here %" PRIu64 ", not dropped %" PRIu64 "\n",
        traffic.altered, traffic.reordered, traffic.stale, traffic.duplicated, traffic.unknown, traffic.not_dropped);
  print(text, "  missed by full RX queues %" PRIu64, traffic.missed);
  if (traffic.unchecked > 0) {
    print(text, ", unchecked %" PRIu64, traffic.unchecked);
  }
  if (traffic.forgone > 0) {
    print(text, ", forgone for want of time %" PRIu64, traffic.forgone);
  }
  text += '\n';
  print_latency(text, traffic);
}

void print_copies(std::string& text, const char* indent, const Totals& totals) {
  print(text, "%scopied by the forwarder  %18" PRIu64 " packets, %" PRIu64 " bytes\n", indent,
        sum(totals.copied_packets), sum(totals.copied_bytes));
  for (std::size_t i = 0; i < kCopyReasons; ++i) {
    if (totals.copied_packets[i] > 0) {
      print(text, "%s    %-18s   %18" PRIu64 " packets, %" PRIu64 " bytes\n", indent, kCopyReasonNames[i],
            totals.copied_packets[i], totals.copied_bytes[i]);
    }
  }
}

void print_ring_rates(std::string& text, const RingTotals& before, const RingTotals& now, double seconds) {
  const auto rate = [seconds](std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(to - from) / seconds;
  };
  print(text, "  %-20s %5" PRIu64 " %7" PRIu64 " %11" PRIu64 " %8.3f %9.3f %10.0f\n", now.name.c_str(), now.fill,
        now.size, now.high_water, rate(before.enqueued, now.enqueued) / 1e6, rate(before.dequeued, now.dequeued) / 1e6,
        rate(before.refused, now.refused));
}

void print_drops(std::string& text, const std::array<std::uint64_t, kDropReasons>& dropped) {
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    if (dropped[i] > 0) {
      print(text, "    %-18s %20" PRIu64 "\n", kDropReasonNames[i], dropped[i]);
    }
  }
}

}  // namespace

std::uint64_t Totals::all_dropped() const noexcept {
  return sum(dropped);
}

std::int64_t Totals::on_their_way() const noexcept {
  return static_cast<std::int64_t>(received + cloned - transmitted - all_dropped());
}

std::int64_t Report::unaccounted() const noexcept {
  return totals.on_their_way() - static_cast<std::int64_t>(in_flight);
}

bool Report::balanced() const noexcept {
  return unaccounted() == 0 && in_other_buffers == 0 &&
         std::all_of(
             totals.captures.begin(), totals.captures.end(),
             [](const CaptureTotals& capture) { return capture.matched == capture.written + capture.missed; }) &&
         std::all_of(pools.begin(), pools.end(),
                     [](const PoolTotals& pool) { return pool.missing == 0 && pool.freed_twice == 0; });
}

ExitStatus Report::exit_status() const noexcept {
  if (!balanced()) {
    return ExitStatus::kUnbalanced;
  }
  const bool ended = std::any_of(totals.captures.begin(), totals.captures.end(),
                                 [](const CaptureTotals& capture) { return !capture.error.empty(); });
  const bool faults = std::any_of(totals.replays.begin(), totals.replays.end(),
                                  [](const ReplayTotals& replay) { return !replay.fault.empty(); });
  const bool unsound = totals.traffic && !totals.traffic->sound();
  return ended || faults || unsound ? ExitStatus::kFailed : ExitStatus::kClean;
}

std::string to_json(const Report& report) {
  const Totals& totals = report.totals;
  Json json;
  json["balance"] = {{"received", totals.received},       {"cloned", totals.cloned},
                     {"transmitted", totals.transmitted}, {"dropped", totals.all_dropped()},
                     {"in_flight", report.in_flight},     {"unaccounted", report.unaccounted()}};
  json["ports"] = Json::object();
  for (const PortTotals& port : totals.ports) {
    json["ports"][port.name] = port_json(port);
  }
  json["drops"] = drops_json(totals.dropped);
  json["copies"] = copies_json(totals);
  if (kCustody) {
    json["copies"]["in_other_buffers"] = report.in_other_buffers;
  }
  json["pools"] = Json::object();
  for (const PoolTotals& pool : report.pools) {
    json["pools"][pool.name] = {{"size", pool.size},
                                {"free", pool.free},
                                {"missing", pool.missing},
                                {"held_by_driver", pool.held_by_driver},
                                {"freed_twice", pool.freed_twice}};
  }
  json["rings"] = Json::object();
  for (const RingTotals& ring : totals.rings) {
    json["rings"][ring.name] = ring_json(ring);
  }
  for (const CaptureTotals& capture : totals.captures) {
    json["captures"][capture.name] = to_json(capture);
  }
  if (totals.traffic) {
    json["traffic"] = traffic_json(*totals.traffic);
  }
  for (const ReplayTotals& replay : totals.replays) {
    json["replays"][replay.port] = to_json(replay);
  }
  json["lcores"] = Json::object();
  for (const LcoreTotals& lcore : totals.lcores) {
    json["lcores"][std::to_string(lcore.id)] = lcore_json(lcore);
  }
  json["duration_s"] = totals.seconds;
  json["exit"] = static_cast<int>(report.exit_status());
  return json.dump(2) + '\n';
}

std::string to_text(const Totals& totals) {
  std::string text;
  print(text, "\nports            rx packets      tx packets    rx missed    rx errors   rx no mbuf   tx refused\n");
  for (const PortTotals& port : totals.ports) {
    print(text, "  %-12s %12" PRIu64 "    %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n",
          port.name.c_str(), port.rx_packets, port.tx_packets, port.rx_missed, port.rx_errors, port.rx_no_mbuf,
          port.tx_refused);
    if (port.tx_errors > 0) {
      print(text, "    accepted by the driver and then not sent: %" PRIu64 "\n", port.tx_errors);
    }
    if (port.kernel) {
      print(text,
            "    its kernel interface: received %" PRIu64 " and dropped %" PRIu64 ", sent %" PRIu64
            " and dropped %" PRIu64 "\n",
            port.kernel->rx_packets, port.kernel->rx_dropped, port.kernel->tx_packets, port.kernel->tx_dropped);
    }
  }
  if (!totals.rings.empty()) {
    print(text,
          "\nrings                       kind     size    fill  high water       enqueued       dequeued    refused\n");
  }
  for (const RingTotals& ring : totals.rings) {
    print(text, "  %-24s %6s %8" PRIu64 " %7" PRIu64 " %11" PRIu64 " %14" PRIu64 " %14" PRIu64 " %10" PRIu64 "\n",
          ring.name.c_str(), ring.kind.c_str(), ring.size, ring.fill, ring.high_water, ring.enqueued, ring.dequeued,
          ring.refused);
  }
  print(text, "\nlcores              packets    packets/burst   busy     switches: voluntary  involuntary\n");
  for (const LcoreTotals& lcore : totals.lcores) {
    const double fill = lcore.bursts > 0 ? static_cast<double>(lcore.packets) / static_cast<double>(lcore.bursts) : 0;
    print(text, "  %-12u %12" PRIu64 "     %12.1f %5.1f %%            %12" PRIu64 " %12" PRIu64 "\n", lcore.id,
          lcore.packets, fill, 100 * busy_share({}, lcore), lcore.voluntary_context_switches,
          lcore.involuntary_context_switches);
  }
  if (totals.traffic) {
    print_traffic(text, *totals.traffic);
  }
  print_replays(text, totals.replays);
  text += '\n';
  print_captures(text, "", totals.captures);
  print_copies(text, "", totals);
  print(text, "\nbalance after %.3f s\n", totals.seconds);
  print(text, "  received             %20" PRIu64 "\n", totals.received);
  if (totals.cloned > 0) {
    print(text, "+ cloned               %20" PRIu64 "\n", totals.cloned);
  }
  print(text, "- transmitted          %20" PRIu64 "\n", totals.transmitted);
  print(text, "- dropped              %20" PRIu64 "\n", totals.all_dropped());
  print_drops(text, totals.dropped);
  return text;
}

std::string to_text(const Report& report) {
  std::string text = to_text(report.totals);
  print(text, "- in flight            %20" PRIu64 "\n", report.in_flight);
  print(text, "= unaccounted          %20" PRId64 "\n", report.unaccounted());
  if (report.in_other_buffers > 0) {
    print(text, "  sent in another buffer than received %" PRIu64 "\n", report.in_other_buffers);
  }
  for (const PoolTotals& pool : report.pools) {
    print(text, "  pool %-12s    %20" PRIu64 " mbufs, %" PRIu64 " free", pool.name.c_str(), pool.size, pool.free);
    if (pool.held_by_driver > 0) {
      print(text, ", %" PRIu64 " kept by the driver", pool.held_by_driver);
    }
    print(text, ", %" PRId64 " missing, %" PRIu64 " freed twice\n", pool.missing, pool.freed_twice);
  }
  print(text, "%s\n",
        report.balanced() ? "balanced: every packet and every mbuf is accounted for"
                          : "NOT BALANCED: packets or mbufs are unaccounted for");
  return text;
}

std::string rates_to_json(const Totals& before, const Totals& now) {
  const double seconds = seconds_between(before, now);
  Json json;
  json["time_s"] = now.seconds;
  for (std::size_t i = 0; i < now.ports.size(); ++i) {
    const Rates rx = rx_rates(before.ports[i], now.ports[i], seconds);
    const Rates tx = tx_rates(before.ports[i], now.ports[i], seconds);
    json["ports"][now.ports[i].name] = {{"rx_packets_per_s", rx.packets},
                                        {"rx_bits_per_s", rx.bits_json()},
                                        {"tx_packets_per_s", tx.packets},
                                        {"tx_bits_per_s", tx.bits_json()},
                                        {"link", now.ports[i].link}};
  }
  std::array<std::uint64_t, kDropReasons> dropped{};
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    dropped[i] = now.dropped[i] - before.dropped[i];
  }
  json["drops"] = drops_json(dropped);
  for (std::size_t i = 0; i < now.lcores.size(); ++i) {
    json["lcores"][std::to_string(now.lcores[i].id)] = {{"busy", busy_share(before.lcores[i], now.lcores[i])}};
  }
  for (const RingTotals& ring : now.rings) {
    json["rings"][ring.name] = ring_json(ring);
  }
  for (const CaptureTotals& capture : now.captures) {
    json["captures"][capture.name] = to_json(capture);
  }
  json["copies"] = copies_json(now);
  return json.dump() + '\n';
}

std::string rates_to_text(const Totals& before, const Totals& now) {
  const double seconds = seconds_between(before, now);
  std::string text;
  print(text, "%8.1f s        rx Mpps   rx Gbit/s    tx Mpps   tx Gbit/s   link\n", now.seconds);
  for (std::size_t i = 0; i < now.ports.size(); ++i) {
    print(text, "  %-12s", now.ports[i].name.c_str());
    print_rates(text, rx_rates(before.ports[i], now.ports[i], seconds));
    print_rates(text, tx_rates(before.ports[i], now.ports[i], seconds));
    print(text, "   %s\n", now.ports[i].link.c_str());
  }
  for (std::size_t i = 0; i < now.lcores.size(); ++i) {
    print(text, "  lcore %-6u %8.1f %% busy\n", now.lcores[i].id, 100 * busy_share(before.lcores[i], now.lcores[i]));
  }
  if (!now.rings.empty()) {
    print(text, "  %-20s %5s %7s %11s %8s %9s %10s\n", "ring", "fill", "size", "high water", "in Mpps", "out Mpps",
          "refused/s");
  }
  for (std::size_t i = 0; i < now.rings.size(); ++i) {
    print_ring_rates(text, before.rings[i], now.rings[i], seconds);
  }
  if (now.traffic) {
    print_latency(text, *now.traffic);
  }
  print_captures(text, "  ", now.captures);
  print_copies(text, "  ", now);
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    if (now.dropped[i] > before.dropped[i]) {
      print(text, "  dropped %-18s %12.0f a second\n", kDropReasonNames[i],
            static_cast<double>(now.dropped[i] - before.dropped[i]) / seconds);
    }
  }
  return text;
}

}  // namespace ringway
