#include "ladder/latency.h"

#include <algorithm>
#include <cmath>

namespace ringway {

double percentile(std::vector<double> values, double percent) {
  if (values.empty()) {
    return 0;
  }
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::max(rank, 1.0)) - 1;
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

void set_latency(Outcome& outcome, const std::vector<double>& samples) {
  outcome.latency_p50_us = percentile(samples, 50);
  outcome.latency_p99_us = percentile(samples, 99);
}

}  // namespace ringway
