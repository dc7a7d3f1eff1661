#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "datapath/lcore_loop.h"
#include "dpdk/numa.h"
#include "dpdk/ring.h"
#include "forwarder/leg_kinds.h"
#include "plan/plan.h"
#include "stage/limit_frames.h"
#include "stage/own_headers.h"
#include "stage/swap_macs.h"
#include "stage/tap.h"

namespace ringway {

/// A leg of any kind, its stages beside it in memory. Main thread only, but for what ref() points at.
class LegUnit {
 public:
  explicit LegUnit(Rank rank) noexcept : rank_(rank) {}
  virtual ~LegUnit() = default;
  LegUnit(const LegUnit&) = delete;
  LegUnit& operator=(const LegUnit&) = delete;

  Rank rank() const noexcept { return rank_; }
  /// For messages.
  const std::string& name() const noexcept { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  /// The leg as its lcore polls it.
  virtual LegRef ref() noexcept = 0;
  /// One poll, in the place of an lcore. Returns the packets moved.
  std::uint16_t poll() noexcept {
    const LegRef leg = ref();
    return leg.poll(leg.self);
  }
  virtual const Counters& counters() const noexcept = 0;
  /// Before the first poll only.
  virtual void add_stage(StageRef stage) noexcept = 0;
  virtual void give_drops_to(TapLane& tap) noexcept = 0;
  /// Another port takes the place of the one at that end. Only while nobody polls the leg.
  virtual void receive_from(std::uint16_t) noexcept {}
  virtual void send_to(std::uint16_t) noexcept {}
  /// Packets that wait for room in the output. Only while nobody polls the leg.
  virtual std::uint16_t held() const noexcept = 0;
  /// Drops them, after the last poll.
  virtual void abandon() noexcept = 0;

 private:
  Rank rank_;
  std::string name_;
};

/// A leg of one kind. `ref_of(Kind&)` makes its LegRef.
template <class Kind>
class LegOf : public LegUnit {
 public:
  template <class Source, class Forwarder>
  LegOf(Rank rank, Source source, Forwarder forwarder) noexcept : LegUnit(rank), leg_(source, forwarder) {}

  LegRef ref() noexcept override { return ref_of(leg_); }
  const Counters& counters() const noexcept override { return leg_.counters(); }
  void add_stage(StageRef stage) noexcept override { leg_.add_stage(stage); }
  void give_drops_to(TapLane& tap) noexcept override { leg_.give_drops_to(tap); }
  std::uint16_t held() const noexcept override { return leg_.held(); }
  void abandon() noexcept override { leg_.abandon(); }

 protected:
  Kind& leg() noexcept { return leg_; }

 private:
  Kind leg_;
};

/// A ring between legs, and the lcores that put packets in.
struct RingUnit {
  Ring ring;
  std::map<unsigned, NumaPtr<RingProducer>> producers;  // by lcore
};

class Captures;

/// What legs of a plan are made of; all of it outlives them.
struct LegParts {
  const Plan& plan;
  const std::vector<std::uint16_t>& ports;  ///< ethdev ids, one a port of the plan
  std::vector<RingUnit>& rings;             ///< one a ring of the plan; a leg adds its lcore as producer
  const std::vector<rte_mempool*>& pools;   ///< one a pool of the plan
  const FlowHash& hash;
  Captures& captures;  ///< a leg adds its taps
};

/// Makes a leg of an lcore of the plan, in memory of its NUMA socket. Throws Error when there is none.
NumaPtr<LegUnit> make_leg(const LegPlan& leg, const LcorePlan& lcore, const LegParts& parts);

/// Milliseconds in TSC cycles.
std::uint64_t ms_to_cycles(unsigned ms);

}  // namespace ringway
