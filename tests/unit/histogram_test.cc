#include "traffic/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "runtime/histogram_export.h"

namespace ringway {
namespace {

constexpr std::uint64_t kRange = std::uint64_t{1} << Histogram::kBits;

std::unique_ptr<Histogram> histogram_of(const std::vector<std::uint64_t>& values) {
  auto histogram = std::make_unique<Histogram>();
  for (const std::uint64_t value : values) {
    histogram->record(value);
  }
  return histogram;
}

/// Percentiles are those of the sorted values, or up to 1 % more.
void expect_percentiles(std::vector<std::uint64_t> values) {
  const auto histogram = histogram_of(values);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(histogram->count(), values.size());
  EXPECT_EQ(histogram->max(), values.back());
  for (const double percent : {0.0, 0.01, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 99.999, 100.0}) {
    const double rank = std::max(std::ceil(static_cast<double>(values.size()) * percent / 100), 1.0);
    const std::uint64_t exact = values[static_cast<std::size_t>(rank) - 1];
    const std::uint64_t got = histogram->percentile(percent);
    EXPECT_GE(got, exact) << percent << " %";
    EXPECT_LE(got - exact, exact / 100) << percent << " % of " << exact;
  }
}

TEST(Histogram, PercentilesOfRandomValues) {
  std::mt19937_64 random(1);
  for (const std::size_t count : {1, 2, 10, 999, 1000, 100'000}) {
    std::vector<std::uint64_t> even(count);
    std::vector<std::uint64_t> small(count);
    std::vector<std::uint64_t> logarithmic(count);
    for (std::size_t i = 0; i < count; ++i) {
      even[i] = random() % kRange;
      small[i] = random() % 300;
      logarithmic[i] = (random() % kRange) >> random() % Histogram::kBits;
    }
    expect_percentiles(even);
    expect_percentiles(small);
    expect_percentiles(logarithmic);
  }
}

TEST(Histogram, PercentilesOfAwkwardValues) {
  expect_percentiles({0});
  expect_percentiles({kRange - 1});
  expect_percentiles(std::vector<std::uint64_t>(1000, 257));
  std::vector<std::uint64_t> two(999, 1);
  two.push_back(kRange - 1);
  expect_percentiles(two);
  std::vector<std::uint64_t> borders;
  for (unsigned bit = 0; bit < Histogram::kBits; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    borders.insert(borders.end(), {power - 1, power, power + 1, power + power / 128, power + power / 128 - 1});
  }
  expect_percentiles(borders);
}

TEST(Histogram, BucketsTouchAndHoldBothTheirEnds) {
  EXPECT_EQ(Histogram::lowest(0), 0U);
  EXPECT_EQ(Histogram::highest(Histogram::kBuckets - 1), kRange - 1);
  Histogram histogram;
  for (unsigned bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    if (bucket > 0) {
      ASSERT_EQ(Histogram::lowest(bucket), Histogram::highest(bucket - 1) + 1);
    }
    histogram.record(Histogram::lowest(bucket));
    histogram.record(Histogram::highest(bucket));
    ASSERT_EQ(histogram.count_in(bucket), 2U);
  }
}

TEST(Histogram, ValuesBeyondTheRangeAreKept) {
  const auto histogram = histogram_of({1, kRange, UINT64_MAX});
  EXPECT_EQ(histogram->count(), 3U);
  EXPECT_EQ(histogram->count_in(Histogram::kBuckets - 1), 2U);
  EXPECT_EQ(histogram->percentile(100), UINT64_MAX);
  EXPECT_EQ(histogram->percentile(10), 1U);
  EXPECT_EQ(snapshot(*histogram, 1).back().ns, static_cast<double>(UINT64_MAX));
}

TEST(Histogram, RecordsManyAtOnceAndAddsUp) {
  Histogram histogram;
  histogram.record(100, 99);
  const auto other = histogram_of({200});
  histogram.add(*other);
  EXPECT_EQ(histogram.count(), 100U);
  EXPECT_EQ(histogram.max(), 200U);
  EXPECT_EQ(histogram.percentile(99), 100U);
  EXPECT_EQ(histogram.percentile(99.1), 200U);
}

TEST(Histogram, SnapshotHasWhatIsNotEmptyInNanoseconds) {
  const auto histogram = histogram_of({10, 10, 20, 1000});
  const std::vector<HistogramBucket> buckets = snapshot(*histogram, 2);
  ASSERT_EQ(buckets.size(), 3U);
  EXPECT_EQ(buckets[0].ns, 5);
  EXPECT_EQ(buckets[0].count, 2U);
  EXPECT_EQ(buckets[1].ns, 10);
  EXPECT_EQ(buckets[2].ns, 500);  // not the upper end of its bucket, 501.5
  EXPECT_TRUE(snapshot(Histogram(), 2).empty());
}

TEST(Histogram, TextIsInThePercentileFormat) {
  const auto histogram = histogram_of({2, 4, 6, 8});
  EXPECT_EQ(to_hdr_text(*histogram, 2),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.000 0.000000000000          1           1.00\n"
            "       1.000 0.100000000000          1           1.11\n"
            "       1.000 0.200000000000          1           1.25\n"
            "       2.000 0.300000000000          2           1.43\n"
            "       2.000 0.400000000000          2           1.67\n"
            "       2.000 0.500000000000          2           2.00\n"
            "       3.000 0.550000000000          3           2.22\n"
            "       3.000 0.600000000000          3           2.50\n"
            "       3.000 0.650000000000          3           2.86\n"
            "       3.000 0.700000000000          3           3.33\n"
            "       3.000 0.750000000000          3           4.00\n"
            "       4.000 0.775000000000          4           4.44\n"
            "       4.000 1.000000000000          4\n"
            "#[Mean    =        2.500, StdDeviation   =        1.118]\n"
            "#[Max     =        4.000, Total count    =            4]\n"
            "#[Buckets =           36, SubBuckets     =          128]\n");
}

TEST(Histogram, TextOfNothing) {
  EXPECT_EQ(Histogram().percentile(50), 0U);
  EXPECT_EQ(to_hdr_text(Histogram(), 2),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "#[Mean    =        0.000, StdDeviation   =        0.000]\n"
            "#[Max     =        0.000, Total count    =            0]\n"
            "#[Buckets =           36, SubBuckets     =          128]\n");
}

}  // namespace
}  // namespace ringway
