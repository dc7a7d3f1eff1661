#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "traffic/histogram.h"

namespace ringway {

/// A bucket of a histogram that is not empty.
struct HistogramBucket {
  double ns = 0;  ///< its largest value, but not more than the largest that was recorded
  std::uint64_t count = 0;
};

/// The buckets of a histogram of TSC cycles that are not empty, from the least value on. Any thread.
std::vector<HistogramBucket> snapshot(const Histogram& cycles, double cycles_per_ns);

/// The histogram in HdrHistogram's percentile format, in nanoseconds: what its plotters read. Any thread.
std::string to_hdr_text(const Histogram& cycles, double cycles_per_ns);

}  // namespace ringway
