#include "ladder/result.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "ladder/outcome_json.h"
#include "ladder/waiting_compare.h"

namespace ringway {
namespace {

template <class... Values>
std::string formatted(const char* format, Values... values) {
  const int length = std::snprintf(nullptr, 0, format, values...);
  std::string text(static_cast<std::size_t>(length) + 1, '\0');
  std::snprintf(text.data(), text.size(), format, values...);
  text.pop_back();
  return text;
}

nlohmann::ordered_json rung_json(const Result& result) {
  nlohmann::ordered_json json = {{"name", result.rung->name},
                                 {"group", result.rung->group},
                                 {"title", result.rung->title},
                                 {"use", result.rung->use},
                                 {"limit", result.rung->limit},
                                 {"failed", result.failed},
                                 {"skipped_because", result.skipped_because}};
  json.update(result.outcome ? outcome_to_json(*result.outcome) : no_outcome_json());
  return json;
}

/// Copies, system calls, what a byte or packet costs, what passed in a second, and how long one took.
std::string row(const Result& result) {
  const Outcome& outcome = *result.outcome;
  const Usage& usage = outcome.usage;
  const auto bytes = static_cast<double>(outcome.bytes);
  const double cpu_ns = (usage.user_s + usage.system_s) * 1e9;
  const std::string calls = usage.traced_calls || usage.calls_known
                                ? formatted("%.1f", static_cast<double>(usage.system_calls()) * (1 << 20) / bytes)
                                : "-";
  return formatted("%-22s %6.2f %12s %9llu %9llu %9llu %9.3f %9.0f %9.1f %9.1f %9.1f\n", result.rung->name.c_str(),
                   outcome.copies_per_byte, calls.c_str(), static_cast<unsigned long long>(usage.voluntary_switches),
                   static_cast<unsigned long long>(usage.involuntary_switches),
                   static_cast<unsigned long long>(usage.minor_faults + usage.major_faults), cpu_ns / bytes,
                   cpu_ns / static_cast<double>(outcome.packets), bytes / outcome.seconds / 1e6, outcome.latency_p50_us,
                   outcome.latency_p99_us);
}

std::string why_failed(const Result& result) {
  if (!result.outcome) {
    return result.skipped_because;
  }
  std::string why = "bytes differ";
  for (const std::string& note : result.outcome->notes) {
    why += "; " + note;
  }
  return why;
}

constexpr const char* kHeader =
    "rung                   copies     syscalls  switches   switches    faults       CPU       CPU      MB/s       p50 "
    "      "
    "p99\n"
    "                       a byte        a MiB  own will     forced           ns a byte  ns a pkt                  us "
    "       "
    "us\n";

}  // namespace

nlohmann::ordered_json to_json(const std::vector<Result>& results, const Load& load, const Machine& machine) {
  nlohmann::ordered_json json = {
      {"machine", {{"cpu", machine.cpu}, {"cpus", machine.cpus}, {"kernel", machine.kernel}}},
      {"load",
       {{"bytes", load.bytes},
        {"block", load.block},
        {"packets", load.packets},
        {"packet_bytes", load.packet_bytes},
        {"samples", load.samples}}},
      {"rungs", nlohmann::ordered_json::array()}};
  for (const Result& result : results) {
    json["rungs"].push_back(rung_json(result));
  }
  json["where_each_waiting_wins"] = where_each_wins(results);
  return json;
}

std::string to_table(const std::vector<Result>& results) {
  std::string table = kHeader;
  std::string others;
  std::string group;
  for (const Result& result : results) {
    if (result.outcome) {
      table += (group == result.rung->group ? "" : "\n") + row(result);
      group = result.rung->group;
      if (!result.outcome->fell_back.empty()) {
        others += result.rung->name + " fell back: " + result.outcome->fell_back + "\n";
      }
    }
    if (result.failed) {
      others += result.rung->name + " FAILED: " + why_failed(result) + "\n";
    } else if (!result.outcome) {
      others += result.rung->name + " did not run: " + result.skipped_because + "\n";
    }
  }
  const std::string waiting = waiting_table(results);
  table += (waiting.empty() ? "" : "\n") + waiting;
  for (const std::string& sentence : where_each_wins(results)) {
    table += sentence + "\n";
  }
  return table + (others.empty() ? "" : "\n") + others;
}

}  // namespace ringway
