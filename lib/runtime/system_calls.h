#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace ringway {

/// A system call that stays allowed; the others are refused.
struct AllowedCall {
  const char* name;
  /// Bits that must not be set in the third argument, such as PROT_EXEC; 0: any arguments.
  unsigned forbidden_bits = 0;
  /// Bits that must be set there; 0: any arguments.
  unsigned required_bits = 0;
};

/// What the process calls once its ports are open, up to its end, with ports of these kinds. None where a driver is not
/// known well enough to tell.
std::optional<std::vector<AllowedCall>> calls_after_start(const Plan& plan);

}  // namespace ringway
