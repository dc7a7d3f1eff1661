#include "ladder/waiting_compare.h"

#include <algorithm>
#include <cstdio>
#include <functional>

namespace ringway {
namespace {

/// A way to wait at one load.
struct Entry {
  const std::string* name;
  const WaitingLoad* load;
};

std::vector<const Result*> waited(const std::vector<Result>& results) {
  std::vector<const Result*> found;
  for (const Result& result : results) {
    if (result.outcome && !result.failed && !result.outcome->waiting.empty()) {
      found.push_back(&result);
    }
  }
  return found;
}

std::vector<Entry> entries_at(const std::vector<Result>& results, const std::string& load) {
  std::vector<Entry> found;
  for (const Result* result : waited(results)) {
    for (const WaitingLoad& one : result->outcome->waiting) {
      if (one.load == load) {
        found.push_back({.name = &result->rung->name, .load = &one});
      }
    }
  }
  return found;
}

const Entry& least(const std::vector<Entry>& entries, double WaitingLoad::*figure) {
  return *std::min_element(entries.begin(), entries.end(),
                           [figure](const Entry& a, const Entry& b) { return a.load->*figure < b.load->*figure; });
}

const Entry& most(const std::vector<Entry>& entries, double WaitingLoad::*figure) {
  return *std::max_element(entries.begin(), entries.end(),
                           [figure](const Entry& a, const Entry& b) { return a.load->*figure < b.load->*figure; });
}

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[400];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

std::string at_low(const std::vector<Entry>& entries) {
  const Entry& soonest = least(entries, &WaitingLoad::latency_p50_us);
  const Entry& cheapest = least(entries, &WaitingLoad::cpu_share);
  return formatted(
      "At %.0f messages a second %s answers soonest (p50 %.1f us, %.1f %% of a CPU); %s takes the least CPU (%.1f %%, "
      "p50 "
      "%.1f us).",
      soonest.load->per_second, soonest.name->c_str(), soonest.load->latency_p50_us, soonest.load->cpu_share * 100,
      cheapest.name->c_str(), cheapest.load->cpu_share * 100, cheapest.load->latency_p50_us);
}

std::string at_high(const std::vector<Entry>& entries) {
  const Entry& fastest = most(entries, &WaitingLoad::per_second);
  const Entry& cheapest = least(entries, &WaitingLoad::cpu_us_per_message);
  return formatted(
      "As fast as they are answered, %s passes the most messages (%.0f a second, %.1f us of CPU each); %s takes the "
      "least "
      "CPU a message (%.1f us, %.0f a second).",
      fastest.name->c_str(), fastest.load->per_second, fastest.load->cpu_us_per_message, cheapest.name->c_str(),
      cheapest.load->cpu_us_per_message, cheapest.load->per_second);
}

}  // namespace

std::string waiting_table(const std::vector<Result>& results) {
  std::string table;
  for (const Result* result : waited(results)) {
    for (const WaitingLoad& one : result->outcome->waiting) {
      table += formatted("%-22s %-6s %12.0f %9.1f %9.1f %9.1f %9.1f\n",
                         &one == result->outcome->waiting.data() ? result->rung->name.c_str() : "", one.load.c_str(),
                         one.per_second, one.latency_p50_us, one.latency_p99_us, one.cpu_share * 100,
                         one.cpu_us_per_message);
    }
  }
  return table.empty() ? table
                       : "                       load       messages       p50       p99       CPU       CPU\n"
                         "                                  a second        us        us         %    us a m.\n" +
                             table;
}

std::vector<std::string> where_each_wins(const std::vector<Result>& results) {
  const std::vector<Entry> low = entries_at(results, "low");
  const std::vector<Entry> high = entries_at(results, "high");
  if (low.size() < 2 || high.size() < 2) {
    return {};
  }
  return {at_low(low), at_high(high)};
}

}  // namespace ringway
