#include "ladder/outcome_json.h"

namespace ringway {
namespace {

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

nlohmann::ordered_json waiting_to_json(const std::vector<WaitingLoad>& waiting) {
  auto list = nlohmann::ordered_json::array();
  for (const WaitingLoad& one : waiting) {
    list.push_back({{"load", one.load},
                    {"per_second", one.per_second},
                    {"latency_p50_us", one.latency_p50_us},
                    {"latency_p99_us", one.latency_p99_us},
                    {"cpu_share", one.cpu_share},
                    {"cpu_us_per_message", one.cpu_us_per_message}});
  }
  return list;
}

std::vector<WaitingLoad> waiting_from_json(const nlohmann::ordered_json& list) {
  std::vector<WaitingLoad> waiting;
  for (const auto& one : list) {
    waiting.push_back({.load = one.at("load"),
                       .per_second = one.at("per_second"),
                       .latency_p50_us = one.at("latency_p50_us"),
                       .latency_p99_us = one.at("latency_p99_us"),
                       .cpu_share = one.at("cpu_share"),
                       .cpu_us_per_message = one.at("cpu_us_per_message")});
  }
  return waiting;
}

}  // namespace

nlohmann::ordered_json outcome_to_json(const Outcome& outcome) {
  const Usage& usage = outcome.usage;
  const auto bytes = static_cast<double>(outcome.bytes);
  const double cpu_ns = (usage.user_s + usage.system_s) * 1e9;
  return {{"verified", outcome.verified},
          {"copies_per_byte", outcome.copies_per_byte},
          {"copies_shown_by", outcome.copies_shown_by},
          {"fell_back", outcome.fell_back},
          {"notes", outcome.notes},
          {"syscalls", usage.system_calls()},
          {"syscalls_counted_by", usage.traced_calls ? "kernel" : (usage.calls_known ? "program" : "nobody")},
          {"syscalls_by_program", usage.counted_calls},
          {"syscalls_per_mib", ratio(static_cast<double>(usage.system_calls()) * (1 << 20), bytes)},
          {"bytes", outcome.bytes},
          {"packets", outcome.packets},
          {"batches", outcome.batches},
          {"voluntary_switches", usage.voluntary_switches},
          {"involuntary_switches", usage.involuntary_switches},
          {"minor_faults", usage.minor_faults},
          {"major_faults", usage.major_faults},
          {"user_s", usage.user_s},
          {"system_s", usage.system_s},
          {"cpu_ns_per_byte", ratio(cpu_ns, bytes)},
          {"cpu_ns_per_packet", ratio(cpu_ns, static_cast<double>(outcome.packets))},
          {"seconds", outcome.seconds},
          {"throughput", ratio(bytes, outcome.seconds)},
          {"latency_p50_us", outcome.latency_p50_us},
          {"latency_p99_us", outcome.latency_p99_us},
          {"waiting", waiting_to_json(outcome.waiting)}};
}

Outcome outcome_from_json(const nlohmann::ordered_json& json) {
  Outcome outcome{.bytes = json.at("bytes"),
                  .packets = json.at("packets"),
                  .batches = json.at("batches"),
                  .verified = json.at("verified"),
                  .copies_per_byte = json.at("copies_per_byte"),
                  .copies_shown_by = json.at("copies_shown_by"),
                  .fell_back = json.at("fell_back"),
                  .notes = json.at("notes"),
                  .usage = {.user_s = json.at("user_s"),
                            .system_s = json.at("system_s"),
                            .voluntary_switches = json.at("voluntary_switches"),
                            .involuntary_switches = json.at("involuntary_switches"),
                            .minor_faults = json.at("minor_faults"),
                            .major_faults = json.at("major_faults"),
                            .counted_calls = json.at("syscalls_by_program"),
                            .calls_known = json.at("syscalls_counted_by") != "nobody",
                            .traced_calls = {}},
                  .seconds = json.at("seconds"),
                  .latency_p50_us = json.at("latency_p50_us"),
                  .latency_p99_us = json.at("latency_p99_us"),
                  .waiting = waiting_from_json(json.at("waiting"))};
  if (json.at("syscalls_counted_by") == "kernel") {
    outcome.usage.traced_calls = json.at("syscalls").get<std::uint64_t>();
  }
  return outcome;
}

}  // namespace ringway
