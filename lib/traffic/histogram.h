#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "datapath/counters.h"

namespace ringway {

/// How often which value occurred, such as a latency in TSC cycles; log-linear, as in HdrHistogram: 128 buckets an
/// octave, so that a value is known to 1 part in 128, and below 256 exactly. One writer; readers may lag behind it.
class alignas(kCacheLine) Histogram {
 public:
  static constexpr unsigned kBucketsAnOctave = 128;
  static constexpr unsigned kBits = 42;  ///< values from 2^kBits on (more than half an hour) count as the last bucket's
  static constexpr unsigned kOctaves = kBits - std::bit_width(kBucketsAnOctave) + 1;  ///< above the exact values
  static constexpr unsigned kBuckets = (kOctaves + 1) * kBucketsAnOctave;

  /// Writer only.
  void record(std::uint64_t value, std::uint64_t n = 1) noexcept {
    if (value > max()) {
      max_.store(value, std::memory_order_relaxed);
    }
    counts_[bucket_of(value)].add(n);
  }

  /// Adds all that another histogram holds. Writer only.
  void add(const Histogram& other) noexcept;

  /// Values recorded.
  std::uint64_t count() const noexcept;
  /// Largest value, exactly; 0 when there is none.
  std::uint64_t max() const noexcept { return max_.load(std::memory_order_relaxed); }
  /// The least value that `percent` (0 to 100) of all values do not exceed, at the upper end of its bucket; at least
  /// that of one value. 0 when there is none.
  std::uint64_t percentile(double percent) const noexcept;

  /// Of one bucket.
  std::uint64_t count_in(unsigned bucket) const noexcept { return counts_[bucket].get(); }
  /// The least and the largest value of a bucket.
  static constexpr std::uint64_t lowest(unsigned bucket) noexcept {
    const unsigned octave = octave_of(bucket);
    return std::uint64_t{bucket - octave * kBucketsAnOctave} << octave;
  }
  static constexpr std::uint64_t highest(unsigned bucket) noexcept {
    return lowest(bucket) + (std::uint64_t{1} << octave_of(bucket)) - 1;
  }

 private:
  // Octave 0 and all below it have buckets of one value; in octave n they are 2^n wide.
  static constexpr unsigned octave_of(unsigned bucket) noexcept { return std::max(bucket / kBucketsAnOctave, 1U) - 1; }
  static constexpr unsigned bucket_of(std::uint64_t value) noexcept {
    constexpr unsigned kLeastBits = std::bit_width(kBucketsAnOctave);
    value = std::min(value, (std::uint64_t{1} << kBits) - 1);
    const auto octave = static_cast<unsigned>(std::bit_width(value | kBucketsAnOctave)) - kLeastBits;
    return octave * kBucketsAnOctave + static_cast<unsigned>(value >> octave);
  }

  std::array<Counter, kBuckets> counts_;
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace ringway
