#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/config.h"
#include "config/document.h"
#include "core/diagnostics.h"

namespace ringway {

/// Reads the `traffic` section; what is wrong is told.
void read_traffic(const YamlNode& node, TrafficConfig& traffic, Diagnostics& problems);

/// A plain decimal number, with or without a fraction, from 0 to `most`.
std::optional<double> decimal(std::string_view text, double most);

/// `max`, `500kpps` or `40%`; 0 is none of the latter two's business.
std::optional<Rate> rate_of(std::string_view text);

/// A whole number from 1 to 10^12.
std::optional<std::uint64_t> packet_count(std::string_view text);

}  // namespace ringway
