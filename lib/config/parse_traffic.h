#pragma once

#include "config/config.h"
#include "config/document.h"
#include "core/diagnostics.h"

namespace ringway {

/// Reads the `traffic` section; what is wrong is told.
void read_traffic(const YamlNode& node, TrafficConfig& traffic, Diagnostics& problems);

}  // namespace ringway
