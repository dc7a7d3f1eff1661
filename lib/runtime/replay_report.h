#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/report.h"

namespace ringway {

/// A replay in the report.
nlohmann::ordered_json to_json(const ReplayTotals& replay);

/// The replays as a table for people; nothing where there is none.
void print_replays(std::string& text, const std::vector<ReplayTotals>& replays);

}  // namespace ringway
