#pragma once

#include <nlohmann/json.hpp>

#include "ladder/rung.h"

namespace ringway {

/// An outcome between processes and in results: counts as they are, times in the units that the keys name.
nlohmann::ordered_json outcome_to_json(const Outcome& outcome);
Outcome outcome_from_json(const nlohmann::ordered_json& json);

}  // namespace ringway
