#pragma once

#include "findings.h"
#include "plan/plan.h"

namespace ringway {

/// Whether each queue and each end of a ring belongs to one lcore, or to as many as the plan says. Virtual lcores share
/// a thread, so they would not meet where two real ones do.
void check_ownership(const Plan& plan, Findings& findings);

}  // namespace ringway
