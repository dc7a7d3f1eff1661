#include "runtime/replay_report.h"

#include <cinttypes>

#include "config/characters.h"
#include "runtime/print.h"

namespace ringway {
namespace {

constexpr std::size_t kLongestPath = 200;  // characters in a table

void print_replay(std::string& text, const ReplayTotals& replay) {
  print(text, "  %-12s %12" PRIu64 " %15" PRIu64 " %8" PRIu64 " %11.3f   %s\n", replay.port.c_str(), replay.sent,
        replay.bytes, replay.passes, replay.late_ms, shown(replay.file, kLongestPath).c_str());
  for (std::size_t i = 0; i < kReplaySkips; ++i) {
    if (replay.skipped[i] > 0) {
      print(text, "    left out, %-14s %12" PRIu64 "\n", kReplaySkipNames[i], replay.skipped[i]);
    }
  }
  if (replay.missed + replay.discarded > 0) {
    print(text, "    missed by its full RX queue %" PRIu64 ", sent out of it and discarded %" PRIu64 "\n",
          replay.missed, replay.discarded);
  }
  if (replay.no_mbuf + replay.unread > 0) {
    print(text, "    times that it waited for mbufs %" PRIu64 ", for the disk %" PRIu64 "\n", replay.no_mbuf,
          replay.unread);
  }
}

}  // namespace

nlohmann::ordered_json to_json(const ReplayTotals& replay) {
  nlohmann::ordered_json skipped = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < kReplaySkips; ++i) {
    skipped[kReplaySkipNames[i]] = replay.skipped[i];
  }
  return {{"file", replay.file},           {"sent", replay.sent},       {"bytes", replay.bytes},
          {"passes", replay.passes},       {"skipped", skipped},        {"missed", replay.missed},
          {"discarded", replay.discarded}, {"no_mbuf", replay.no_mbuf}, {"unread", replay.unread},
          {"late_ms", replay.late_ms},     {"fault", replay.fault}};
}

void print_replays(std::string& text, const std::vector<ReplayTotals>& replays) {
  if (!replays.empty()) {
    print(text, "\nreplays              sent           bytes   passes   late by ms   capture\n");
  }
  for (const ReplayTotals& replay : replays) {
    print_replay(text, replay);
  }
}

}  // namespace ringway
