#pragma once

#include <deque>
#include <string>
#include <vector>

#include "ladder/result.h"

namespace ringway {

inline const Machine kMachine = {.cpu = "A & B <Processor>", .cpus = 2, .kernel = "Linux 6.1"};

inline Load small_load() {
  return {.bytes = 32 << 20,
          .block = 64 << 10,
          .packets = 20000,
          .packet_bytes = 1514,
          .samples = 100,
          .folder = {},
          .ringway = {}};
}

/// Results made by hand.
struct MadeLadder {
  std::deque<Rung> rungs;  // stay where they are
  std::vector<Result> results;

  const Rung* rung(const std::string& group, const std::string& name) {
    rungs.push_back({.name = name,
                     .group = group,
                     .title = "title of " + name,
                     .use = "use of " + name,
                     .limit = "limit of " + name,
                     .run = {}});
    return &rungs.back();
  }

  /// 32 MiB in 512 pieces.
  Outcome& ran(const std::string& group, const std::string& name, double copies, double user_s, double system_s,
               double seconds) {
    Result result{.rung = rung(group, name), .outcome = Outcome{}, .skipped_because = {}, .failed = false};
    Outcome& outcome = *result.outcome;
    outcome.bytes = 32 << 20;
    outcome.packets = 512;
    outcome.verified = true;
    outcome.copies_per_byte = copies;
    outcome.copies_shown_by = "definition";
    outcome.usage.user_s = user_s;
    outcome.usage.system_s = system_s;
    outcome.seconds = seconds;
    outcome.latency_p50_us = 12.5;
    outcome.latency_p99_us = 99.5;
    results.push_back(result);
    return *results.back().outcome;
  }

  void did_not(const std::string& group, const std::string& name, const std::string& why, bool failed = false) {
    results.push_back({.rung = rung(group, name), .outcome = {}, .skipped_because = why, .failed = failed});
  }
};

}  // namespace ringway
