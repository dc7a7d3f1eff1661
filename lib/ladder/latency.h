#pragma once

#include <vector>

#include "ladder/rung.h"

namespace ringway {

/// The least value that `percent` of all do not exceed; 0 where there is none.
double percentile(std::vector<double> values, double percent);

/// Sets the outcome's latencies, in microseconds as the samples are.
void set_latency(Outcome& outcome, const std::vector<double>& samples);

}  // namespace ringway
