#include "plan/pool_size.h"

#include <gtest/gtest.h>

namespace ringway {
namespace {

TEST(PoolSize, RoundsUpToOneLessThanAPowerOfTwo) {
  EXPECT_EQ(round_up_pool(1), 1U);
  EXPECT_EQ(round_up_pool(2), 3U);
  EXPECT_EQ(round_up_pool(4095), 4095U);
  EXPECT_EQ(round_up_pool(4096), 8191U);
}

TEST(PoolSize, WritesItsFormula) {
  PoolDemand demand;
  demand.add("RX descriptors of a", 2, 512);
  demand.add("nothing", 0, 7);
  demand.add("burst", 1, 32);
  EXPECT_EQ(demand.mbufs(), 1056U);
  EXPECT_EQ(demand.formula(), "2 x 512 (RX descriptors of a) + 1 x 32 (burst) = 1056");
}

TEST(PoolSize, CachesReachFurtherThanAsked) {
  EXPECT_EQ(cache_reach(256), 384U);
}

TEST(PoolSize, MemoryCoversObjectsAndHeaders) {
  const PoolPlan pool{.name = "p", .socket = 0, .size = 1023, .cache = 0, .data_room = 2048};
  EXPECT_GE(pool_bytes(pool, false), 1023U * (2048 + 128 + 128 + 64));
  EXPECT_LT(pool_bytes(pool, false), 1023U * 4096 + (4U << 20U));
  EXPECT_GE(pool_bytes(pool, true), 1023U * 4096);  // objects do not cross ordinary pages
  Plan plan;
  plan.pools = {pool, {.name = "q", .socket = 1, .size = 1023, .cache = 0, .data_room = 2048}};
  EXPECT_EQ(memory_mib(plan, 0, false), memory_mib(plan, 1, false) + 32);  // EAL's share is on the first
  EXPECT_EQ(memory_mib(plan, 2, false), 0U);
}

}  // namespace
}  // namespace ringway
