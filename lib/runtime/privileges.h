#pragma once

#include <string>

#include "plan/plan.h"

namespace ringway {

/// Gives up what forwarding does not need, in every thread there is, for good: all capabilities, the way to new ones,
/// and system calls other than calls_after_start() names, which fail with EPERM from now on. Main thread, once ports
/// are open and lcores have entered. System calls stay as they are where `others_served` says whom else the process
/// answers (empty: nobody). Returns a line that says what is left. Throws Error, and then the process is to end.
std::string drop_privileges(const Plan& plan, const std::string& others_served);

}  // namespace ringway
