#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/report.h"

namespace ringway {

/// A capture in the report.
nlohmann::ordered_json to_json(const CaptureTotals& capture);

/// The captures for people, a line each behind `indent`.
void print_captures(std::string& text, const char* indent, const std::vector<CaptureTotals>& captures);

}  // namespace ringway
