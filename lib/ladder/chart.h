#pragma once

#include <vector>

#include "ladder/drawing.h"
#include "ladder/machine.h"
#include "ladder/result.h"

namespace ringway {

/// The rungs in their order, 1200 pixels wide: copies, CPU time, throughput and latency in columns, each group with
/// scales of its own; what fell back or did not run says why, cut to a line.
Drawing chart_of(const std::vector<Result>& results, const Load& load, const Machine& machine);

}  // namespace ringway
