#include "ladder/outcome_json.h"

namespace ringway {
namespace {

using json = nlohmann::ordered_json;

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

json waiting_to_json(const std::vector<WaitingLoad>& waiting) {
  json list = json::array();
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

std::vector<WaitingLoad> waiting_from_json(const json& list) {
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

json outcome_to_json(const Outcome& outcome) {
  const Usage& usage = outcome.usage;
  const auto bytes = static_cast<double>(outcome.bytes);
  const double cpu_ns = usage.cpu_s() * 1e9;
  const bool counted = usage.traced_calls || usage.calls_known;
  return {{"verified", outcome.verified},
          {"copies_per_byte", outcome.copies_per_byte},
          {"copies_shown_by", outcome.copies_shown_by},
          {"fell_back", outcome.fell_back},
          {"notes", outcome.notes},
          {"syscalls", counted ? json(usage.system_calls()) : json()},
          {"syscalls_counted_by", usage.traced_calls ? "kernel" : (usage.calls_known ? "program" : "nobody")},
          {"syscalls_by_program", usage.counted_calls},
          {"syscalls_per_mib",
           counted ? json(ratio(static_cast<double>(usage.system_calls()) * (1 << 20), bytes)) : json()},
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

Outcome outcome_from_json(const json& told) {
  Outcome outcome{.bytes = told.at("bytes"),
                  .packets = told.at("packets"),
                  .batches = told.at("batches"),
                  .verified = told.at("verified"),
                  .copies_per_byte = told.at("copies_per_byte"),
                  .copies_shown_by = told.at("copies_shown_by"),
                  .fell_back = told.at("fell_back"),
                  .notes = told.at("notes"),
                  .usage = {.user_s = told.at("user_s"),
                            .system_s = told.at("system_s"),
                            .voluntary_switches = told.at("voluntary_switches"),
                            .involuntary_switches = told.at("involuntary_switches"),
                            .minor_faults = told.at("minor_faults"),
                            .major_faults = told.at("major_faults"),
                            .counted_calls = told.at("syscalls_by_program"),
                            .calls_known = told.at("syscalls_counted_by") != "nobody",
                            .traced_calls = {}},
                  .seconds = told.at("seconds"),
                  .latency_p50_us = told.at("latency_p50_us"),
                  .latency_p99_us = told.at("latency_p99_us"),
                  .waiting = waiting_from_json(told.at("waiting"))};
  if (told.at("syscalls_counted_by") == "kernel") {
    outcome.usage.traced_calls = told.at("syscalls").get<std::uint64_t>();
  }
  return outcome;
}

json no_outcome_json() {
  json all = outcome_to_json({});
  for (json& value : all) {
    value = nullptr;
  }
  all["verified"] = false;
  return all;
}

}  // namespace ringway
