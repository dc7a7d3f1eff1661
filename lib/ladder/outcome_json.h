#pragma once

#include <nlohmann/json.hpp>

#include "ladder/rung.h"

namespace ringway {

/// An outcome between processes and in results: counts as they are, times in the units that the keys name; null is what
/// nobody counted.
nlohmann::ordered_json outcome_to_json(const Outcome& outcome);
/// The same keys for a rung without one: null, and not verified.
nlohmann::ordered_json no_outcome_json();
Outcome outcome_from_json(const nlohmann::ordered_json& json);

}  // namespace ringway
