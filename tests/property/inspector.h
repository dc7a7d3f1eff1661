#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "far_side.h"
#include "findings.h"
#include "runtime/runtime.h"

namespace ringway {

/// A leg beside its plan.
struct PlannedLeg {
  const LegPlan* plan = nullptr;
  LegUnit* unit = nullptr;
  unsigned lcore = 0;
};

/// The legs of a runtime that has only those of its plan.
std::vector<PlannedLeg> planned_legs(const Plan& plan, Runtime& runtime);

/// On which lcore the work of each flow has been done.
class Workers {
 public:
  /// `both_ways`: the directions of a flow are to meet. `far_side` outlives it.
  Workers(const FarSide& far_side, bool both_ways)
      : far_side_(far_side), both_ways_(both_ways), lcores_(far_side.flows().size()) {}

  /// Notes that an lcore works on a packet.
  void meet(const rte_mbuf* mbuf, unsigned lcore, Findings& findings);

 private:
  const FarSide& far_side_;
  bool both_ways_;
  std::vector<unsigned> lcores_;  // one a flow; 0: none yet
};

/// A stage that watches one lcore work.
class Witness {
 public:
  /// All of these outlive it.
  Witness(Workers& workers, unsigned lcore, Findings& findings)
      : workers_(workers), lcore_(lcore), findings_(findings) {}

  void process(Burst& burst, Counters&) const noexcept {
    for (std::uint16_t i = 0; i < burst.size(); ++i) {
      workers_.meet(burst[i], lcore_, findings_);
    }
  }

 private:
  Workers& workers_;
  unsigned lcore_;
  Findings& findings_;
};

/// Holds the books of a run against what really happened to every frame.
class Inspector {
 public:
  /// All of these outlive it.
  Inspector(const Plan& plan, Runtime& runtime, const FarSide& far_side, Findings& findings);

  /// Between two polls: each leg's balance, the rings, and the mbufs in use.
  void look();

  /// When all legs have ended, before the runtime abandons what is left. `emptied`: the far side has taken all there
  /// was until nothing moved; `in_time`: no packet can have waited as long as it may.
  void before_stop(bool emptied, bool in_time);

  /// What the runtime says in the end.
  void after_stop(const Report& report);

  /// As before_stop() found it: packets in rings and kept by legs.
  std::uint64_t left() const noexcept { return held_ + fill_; }
  const Totals& totals() const noexcept { return totals_; }

 private:
  /// Frames taken from RX queues, by what was to become of them, and those that came out.
  struct Taken {
    std::uint64_t frames = 0;
    std::uint64_t too_short = 0;
    std::uint64_t too_long = 0;
    std::uint64_t runts = 0;
    std::uint64_t out = 0;
  };

  void count();
  void check_rings();
  void check_mbufs_in_use();
  Taken taken() const;
  void check_drops(const Taken& taken);
  void check_waits(bool in_time);
  void check_ports();
  std::uint64_t dropped(DropReason reason) const { return totals_.dropped[static_cast<std::size_t>(reason)]; }

  const Plan& plan_;
  Runtime& runtime_;
  const FarSide& far_side_;
  Findings& findings_;
  std::vector<PlannedLeg> legs_;
  rte_mempool* pool_;
  Totals totals_;
  std::uint64_t held_ = 0;
  std::uint64_t fill_ = 0;
};

}  // namespace ringway
