#include <gtest/gtest.h>

#include "eal_environment.h"
#include "ring_ports.h"
#include "runtime/runtime.h"

namespace ringway {
namespace {

/// Two net_null ports of their own for each test; the leg is polled from the test's thread.
class Balance : public testing::Test {
 protected:
  void SetUp() override {
    static unsigned next = 0;
    Plan plan = small_plan(2, "net_null", "balance" + std::to_string(next));
    plan.lcores[0].legs = {leg(0, 1)};
    PortIds ids;
    for (PortPlan& port : plan.ports) {
      port.device = "net_null" + std::to_string(next++);
      ids.push_back(attach_port(port.device, eal_environment().output()));
    }
    runtime_ = std::make_unique<Runtime>(plan, ids);
  }

  /// Forwards ten bursts, with one more stage in the way.
  template <class Stage>
  Report run_with(const Stage& stage) {
    runtime_->legs().at(0)->add_stage(stage_ref(stage));
    for (int i = 0; i < 10; ++i) {
      runtime_->legs().at(0)->poll();
    }
    return runtime_->stop();
  }

  std::unique_ptr<Runtime> runtime_;
};

struct Nothing {
  void process(Burst&, Counters&) const noexcept {}
};

TEST_F(Balance, ClosesWhenNothingIsWrong) {
  const Report report = run_with(Nothing());
  EXPECT_EQ(report.totals.received, 320U);
  EXPECT_EQ(report.totals.transmitted, 320U);
  EXPECT_EQ(report.unaccounted(), 0);
  EXPECT_EQ(report.pools.at(0).free, report.pools.at(0).size);
  EXPECT_EQ(report.exit_status(), ExitStatus::kClean);
}

/// Takes the last packet of each burst and forgets it.
struct Leaker {
  void process(Burst& burst, Counters&) const noexcept { burst.resize(static_cast<std::uint16_t>(burst.size() - 1)); }
};

TEST_F(Balance, FailsOnALeakedMbuf) {
  const Report report = run_with(Leaker());
  EXPECT_EQ(report.unaccounted(), 10);
  EXPECT_EQ(report.pools.at(0).missing, 10);
  EXPECT_EQ(report.exit_status(), ExitStatus::kUnbalanced);
}

/// Counts a drop, but forgets to free.
struct CountingLeaker {
  void process(Burst& burst, Counters& counters) const noexcept {
    burst.resize(static_cast<std::uint16_t>(burst.size() - 1));
    counters.dropped[static_cast<std::size_t>(DropReason::kRunt)].add(1);
  }
};

TEST_F(Balance, FailsOnALeakThatWasCountedAsADrop) {
  const Report report = run_with(CountingLeaker());
  EXPECT_EQ(report.unaccounted(), 0);         // the packets add up,
  EXPECT_EQ(report.pools.at(0).missing, 10);  // the mbufs do not
  EXPECT_EQ(report.exit_status(), ExitStatus::kUnbalanced);
}

/// Frees a packet and sends it all the same, once.
struct DoubleFreer {
  mutable bool done = false;
  void process(Burst& burst, Counters&) const noexcept {
    if (!done) {
      rte_mbuf_raw_free(burst[0]);
      done = true;
    }
  }
};

TEST_F(Balance, FailsOnADoubleFree) {
  const Report report = run_with(DoubleFreer());
  EXPECT_EQ(report.pools.at(0).freed_twice, 1U);
  EXPECT_EQ(report.exit_status(), ExitStatus::kUnbalanced);
}

/// Frees a packet and counts it twice.
struct Miscounter {
  void process(Burst& burst, Counters& counters) const noexcept {
    drop_unless(burst, 31, DropReason::kRunt, counters, [](rte_mbuf*) { return false; });
    counters.dropped[static_cast<std::size_t>(DropReason::kRunt)].add(1);
  }
};

TEST_F(Balance, FailsOnAMiscountedDrop) {
  const Report report = run_with(Miscounter());
  EXPECT_EQ(report.unaccounted(), -10);
  EXPECT_EQ(report.pools.at(0).missing, 0);
  EXPECT_EQ(report.exit_status(), ExitStatus::kUnbalanced);
}

}  // namespace
}  // namespace ringway
