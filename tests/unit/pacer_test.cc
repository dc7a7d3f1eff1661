#include "traffic/pacer.h"

#include <gtest/gtest.h>

namespace ringway {
namespace {

TEST(Pacer, SendsWhatIsDueAndNoMore) {
  Counter forgone;
  Pacer pacer(1e6, 0, 1'000'000'000, forgone);  // every 1000 cycles
  constexpr std::uint64_t kStart = 12345;
  EXPECT_EQ(pacer.due(kStart), 0U);
  EXPECT_EQ(pacer.due(kStart + 999), 0U);
  EXPECT_EQ(pacer.due(kStart + 1001), 1U);
  pacer.made(1);
  EXPECT_EQ(pacer.due(kStart + 1001), 0U);
  EXPECT_EQ(pacer.due(kStart + 500'001), 499U);
  pacer.made(400);  // no room for more
  EXPECT_EQ(pacer.due(kStart + 500'002), 99U);
  EXPECT_EQ(forgone.get(), 0U);
}

TEST(Pacer, MakesUpForAMillisecondAtMost) {
  Counter forgone;
  Pacer pacer(1e6, 0, 1'000'000'000, forgone);
  pacer.due(1);
  EXPECT_EQ(pacer.due(1'000'002), 1000U);
  EXPECT_EQ(pacer.due(5'000'002), 1000U);
  EXPECT_EQ(forgone.get(), 4000U);
  pacer.made(1000);
  EXPECT_EQ(pacer.due(5'000'002), 0U);
  EXPECT_EQ(pacer.due(5'010'002), 10U);
}

TEST(Pacer, EndsWithAllThatWasDue) {
  Counter forgone;
  Pacer pacer(1e6, 0.0005, 1'000'000'000, forgone);
  pacer.due(1);
  EXPECT_FALSE(pacer.over(500'000));
  EXPECT_TRUE(pacer.over(500'001));
  EXPECT_EQ(pacer.due(900'000'000), 500U);
  pacer.made(500);
  EXPECT_EQ(pacer.due(999'000'000), 0U);
}

}  // namespace
}  // namespace ringway
