#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "core/diagnostics.h"

namespace ringway {

/// Reads a configuration file: a regular file of at most 64 KiB, without blocking on whatever else the path may be.
/// A problem is added to `problems` and the text is empty then.
std::string read_config(const std::string& path, Diagnostics& problems);

/// Text to Config. Every problem is added to `problems`; what could be read is returned all the same, so that the
/// planner's checks can add theirs. The only user of yaml-cpp.
Config parse_config(std::string_view text, Diagnostics& problems);

}  // namespace ringway
