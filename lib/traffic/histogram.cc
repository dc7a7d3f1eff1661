#include "traffic/histogram.h"

#include <cmath>

namespace ringway {

void Histogram::add(const Histogram& other) noexcept {
  for (unsigned bucket = 0; bucket < kBuckets; ++bucket) {
    counts_[bucket].add(other.counts_[bucket].get());
  }
  max_.store(std::max(max(), other.max()), std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t all = 0;
  for (const Counter& bucket : counts_) {
    all += bucket.get();
  }
  return all;
}

std::uint64_t Histogram::percentile(double percent) const noexcept {
  const double share = std::ceil(static_cast<double>(static_cast<std::int64_t>(count())) * percent / 100);
  const std::uint64_t rank = std::max(static_cast<std::uint64_t>(static_cast<std::int64_t>(share)), std::uint64_t{1});
  std::uint64_t up_to = 0;
  for (unsigned bucket = 0; bucket < kBuckets; ++bucket) {
    up_to += counts_[bucket].get();
    if (up_to >= rank) {
      return bucket + 1 == kBuckets ? max() : std::min(highest(bucket), max());
    }
  }
  return max();
}

}  // namespace ringway
