#include "runtime/histogram_export.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>

#include "runtime/print.h"

namespace ringway {
namespace {

constexpr double kTicksAHalving =
    5;  // steps on each halving of the distance to 100 %, as HdrHistogram's own tools take

/// A bucket that is not empty, in TSC cycles.
struct Bucket {
  double middle;
  double highest;
  std::uint64_t count;
};

std::vector<Bucket> buckets_of(const Histogram& cycles) {
  std::vector<Bucket> buckets;
  for (unsigned i = 0; i < Histogram::kBuckets; ++i) {
    if (const std::uint64_t count = cycles.count_in(i); count > 0) {
      const auto lowest = static_cast<double>(Histogram::lowest(i));
      const auto highest = static_cast<double>(std::min(Histogram::highest(i), cycles.max()));
      buckets.push_back({(lowest + highest) / 2, highest, count});
    }
  }
  if (!buckets.empty()) {
    buckets.back().highest = static_cast<double>(cycles.max());  // the last bucket has values beyond its range, too
  }
  return buckets;
}

void print_percentiles(std::string& text, const std::vector<Bucket>& buckets, std::uint64_t total,
                       double cycles_per_ns) {
  double level = 0;  // per cent, in which the steps are exact
  std::uint64_t up_to = 0;
  for (const Bucket& bucket : buckets) {
    up_to += bucket.count;
    const double reached = 100 * static_cast<double>(up_to) / static_cast<double>(total);
    const double ns = bucket.highest / cycles_per_ns;
    while (level <= reached) {
      print(text, "%12.3f %14.12f %10" PRIu64 " %14.2f\n", ns, level / 100, up_to, 100 / (100 - level));
      if (up_to == total) {
        print(text, "%12.3f %14.12f %10" PRIu64 "\n", ns, 1.0, up_to);
        return;
      }
      level += 100 / (kTicksAHalving * std::exp2(std::floor(std::log2(100 / (100 - level))) + 1));
    }
  }
}

}  // namespace

std::vector<HistogramBucket> snapshot(const Histogram& cycles, double cycles_per_ns) {
  std::vector<HistogramBucket> all;
  for (const Bucket& bucket : buckets_of(cycles)) {
    all.push_back({bucket.highest / cycles_per_ns, bucket.count});
  }
  return all;
}

std::string to_hdr_text(const Histogram& cycles, double cycles_per_ns) {
  const std::vector<Bucket> buckets = buckets_of(cycles);
  std::uint64_t total = 0;
  double sum = 0;
  for (const Bucket& bucket : buckets) {
    total += bucket.count;
    sum += bucket.middle * static_cast<double>(bucket.count);
  }
  const double n = std::max(static_cast<double>(total), 1.0);
  const double mean = sum / n;
  double squares = 0;
  for (const Bucket& bucket : buckets) {
    squares += (bucket.middle - mean) * (bucket.middle - mean) * static_cast<double>(bucket.count);
  }

  std::string text;
  print(text, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  print_percentiles(text, buckets, total, cycles_per_ns);
  print(text, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean / cycles_per_ns,
        std::sqrt(squares / n) / cycles_per_ns);
  print(text, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
        static_cast<double>(cycles.max()) / cycles_per_ns, total);
  print(text, "#[Buckets = %12u, SubBuckets     = %12u]\n", Histogram::kOctaves + 1, Histogram::kBucketsAnOctave);
  return text;
}

}  // namespace ringway
