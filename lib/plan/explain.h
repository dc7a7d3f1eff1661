#pragma once

#include <string>

#include "config/config.h"
#include "plan/make_plan.h"

namespace ringway {

/// The plan as a configuration file: valid YAML that gives the same plan again, with each decision's reason as a
/// comment above it. `config` adds the `eal` section, which the plan does not hold.
std::string explain(const Config& config, const Planning& planning);

}  // namespace ringway
