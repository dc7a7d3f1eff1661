#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>

#include "far_side.h"
#include "findings.h"

namespace ringway {

/// A stage's mistake. It is given bursts until it says that it was made.
struct Mutation {
  const char* name;
  std::vector<std::string> rules;  ///< one of them must be found broken
  bool (*make)(Burst& burst, Counters& counters, const FarSide& far_side) noexcept;
};

/// How a trial differs from a random one.
struct TrialSettings {
  std::string config;                  ///< empty: drawn
  const Mutation* mutation = nullptr;  ///< null: none
  bool patient = false;                ///< the far side never stops to take, so that nothing is dropped or left
  std::ostream* trace = nullptr;       ///< null: none
};

/// What a trial found.
struct TrialResult {
  bool accepted = false;
  std::string config;
  std::string problems;  ///< of a configuration that was refused
  Findings findings;
  unsigned positions = 0;                         ///< length of its schedule
  std::uint64_t digest = 0;                       ///< of all that came out, in order
  bool mutated = false;                           ///< the mistake was made
  std::map<std::string, std::uint64_t> met = {};  ///< what the trial came across, and how often
};

/// One run of a forwarder that is drawn, with its traffic and its schedule, from a seed. EAL must run.
TrialResult run_trial(std::uint64_t seed, const TrialSettings& settings = {});

}  // namespace ringway
