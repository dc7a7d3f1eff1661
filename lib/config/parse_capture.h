#pragma once

#include <vector>

#include "config/config.h"
#include "config/document.h"

namespace ringway {

/// Reads `capture`: a mapping of captures by their names.
void read_captures(const YamlNode& node, std::vector<CaptureConfig>& captures, Diagnostics& problems);

}  // namespace ringway
