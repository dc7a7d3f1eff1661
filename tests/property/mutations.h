#pragma once

#include <vector>

#include "trial.h"

namespace ringway {

/// Two ports both ways over two receiving lcores, two workers and one that transmits, all of them waiting for room:
/// with a patient far side nothing is dropped that is not to be, so nothing hides a mistake.
extern const char* const kMutatedConfig;

/// Every kind of mistake that the checks are to find.
const std::vector<Mutation>& mutations();

}  // namespace ringway
