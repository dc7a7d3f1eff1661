#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ladder/machine.h"
#include "ladder/rung.h"

namespace ringway {

/// What became of a rung.
struct Result {
  const Rung* rung = nullptr;
  std::optional<Outcome> outcome;
  std::string skipped_because;  ///< without an outcome
  bool failed = false;          ///< it should have run: wrong bytes, an error, a crash
};

/// Runs it in a process of its own, so that what it does to its memory, its limits or itself stays there; ended after
/// `seconds`, and as many more for each GiB and each million packets of the load. Never throws: what goes wrong, inside
/// or in what it tells, is a failed result.
Result run_apart(const Rung& rung, const Load& load, double seconds);

/// `{"machine", "load", "rungs": [{"name", "group", "verified", "copies_per_byte", ...}]}`; README.md lists the keys.
nlohmann::ordered_json to_json(const std::vector<Result>& results, const Load& load, const Machine& machine);

/// A table in columns of text, the rungs that did not run below it with their reasons.
std::string to_table(const std::vector<Result>& results);

}  // namespace ringway
