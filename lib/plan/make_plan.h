#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "core/diagnostics.h"
#include "plan/inventory.h"
#include "plan/plan.h"

namespace ringway {

/// A plan, why it is so, and what speaks against it.
struct Planning {
  Plan plan;                         ///< to be built only when `problems` has not failed
  Reasons reasons;                   ///< for --plan
  std::vector<std::string> notices;  ///< what devices forced: `key.path: sentence`, to be told at start
  Diagnostics problems;
};

/// Decides every number and resolves every name, or says what stands in the way: all of it at once. Pure: no EAL, no
/// clock, no input or output.
Planning make_plan(const Config& config, const Inventory& inventory);

}  // namespace ringway
