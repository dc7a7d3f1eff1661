#include "trial.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "core/errors.h"
#include "inspector.h"
#include "inventory_fixtures.h"
#include "ownership.h"
#include "random_topology.h"
#include "virtual_lcores.h"

namespace ringway {
namespace {

constexpr unsigned kMemoryMib = 256;
constexpr unsigned kMostRounds = 20000;  // of the ordered stop

/// What the machine offers: nothing of it is used but the memory, since every device is a lab port and no lcore runs.
Inventory lab_machine(unsigned lcores) {
  Inventory inventory = machine({}, lcores);
  inventory.no_huge = true;
  inventory.memory_mib = kMemoryMib;
  return inventory;
}

/// The last number of the formula that the planner gives for the size of its pool.
unsigned formula_of(const Planning& planning) {
  const std::string& reason = planning.reasons.find("pool.size")->second;
  return static_cast<unsigned>(std::stoul(reason.substr(reason.rfind("= ") + 2)));
}

/// A file's whole way: text, configuration, plan.
class Drawing {
 public:
  Drawing(Dice& dice, TrialResult& result) : dice_(dice), result_(result), topology_(dice) {}

  /// The plan; none: it was refused.
  std::optional<Plan> plan() {
    Planning planning = plan_again();
    if (!planning.problems.failed() && !planning.plan.rings.empty() && dice_.percent(15)) {
      topology_.override_ring(planning.plan.rings);
      planning = plan_again();
    }
    if (!planning.problems.failed() && dice_.percent(33)) {
      planning = with_smallest_pool(formula_of(planning));
    }
    result_.config = topology_.text();
    result_.problems = planning.problems.failed() ? planning.problems.text("drawn.yaml") : "";
    if (planning.problems.failed()) {
      return {};
    }
    return std::move(planning.plan);
  }

 private:
  Planning plan_again() { return plan_text(topology_.text(), lab_machine(topology_.machine_lcores())); }

  /// The formula's own number must do, and one fewer must not.
  Planning with_smallest_pool(unsigned size) {
    ++result_.met["pool of the smallest size"];
    topology_.set_pool_size(size - 1);
    if (size > 1 && !plan_again().problems.failed()) {
      result_.findings.add("plan", "a pool smaller than the formula's was accepted");
    }
    topology_.set_pool_size(size);
    Planning planning = plan_again();
    if (planning.problems.failed()) {
      result_.findings.add("plan", "a pool of the formula's size was refused");
    }
    return planning;
  }

  Dice& dice_;
  TrialResult& result_;
  RandomTopology topology_;
};

/// The mistake, as a stage.
class Mutant {
 public:
  Mutant(const Mutation* mutation, const FarSide& far_side, bool& made)
      : mutation_(mutation), far_side_(far_side), made_(made) {}

  void process(Burst& burst, Counters& counters) const noexcept {
    made_ = made_ || mutation_->make(burst, counters, far_side_);
  }

 private:
  const Mutation* mutation_;
  const FarSide& far_side_;
  bool& made_;
};

/// A forwarder, its far side and its virtual lcores, from the first frame to the report.
class Run {
 public:
  Run(const Plan& plan, Dice& dice, const TrialSettings& settings, TrialResult& result)
      : plan_(plan),
        dice_(dice),
        settings_(settings),
        result_(result),
        runtime_(plan, PortIds(plan.ports.size())),
        far_side_(plan, runtime_, dice, result.findings),
        lcores_(runtime_.legs(), dice, clock_, settings.trace),
        inspector_(plan, runtime_, far_side_, result.findings),
        mutant_(settings.mutation, far_side_, result.mutated),
        workers_(far_side_, both_ways_meet(plan)) {
    add_stages();
  }

  void go() {
    const unsigned phases = dice_.between(1, dice_.percent(3) ? 40 : 6);
    for (unsigned i = 0; i < phases; ++i) {
      phase();
    }
    const bool emptied = wind_down();
    inspector_.before_stop(emptied, clock_.now() < shortest_wait());
    far_side_.take_all(dice_.percent(10));
    const Report report = runtime_.stop();
    inspector_.after_stop(report);
    result_.positions = lcores_.position();
    result_.digest = far_side_.digest();
    take_note(report);
  }

 private:
  /// Whether the two directions of a flow are promised to meet on one worker.
  static bool both_ways_meet(const Plan& plan) {
    return plan.symmetric && std::any_of(plan.rings.begin(), plan.rings.end(),
                                         [](const RingPlan& ring) { return ring.use == RingUse::kWork; });
  }

  /// Whoever works is watched, and one leg may be given a mistake.
  void add_stages() {
    const std::vector<PlannedLeg> legs = planned_legs(plan_, runtime_);
    witnesses_.reserve(legs.size());
    for (const PlannedLeg& leg : legs) {
      if (works(*leg.plan)) {
        witnesses_.emplace_back(workers_, leg.lcore, result_.findings);
        leg.unit->add_stage(stage_ref(witnesses_.back()));
      }
      if (settings_.mutation != nullptr && leg.plan->rx() != nullptr) {
        leg.unit->add_stage(stage_ref(mutant_));
      }
    }
  }

  /// It takes from a ring of packets to work on, or does not put them into one.
  bool works(const LegPlan& leg) const {
    const auto for_work = [this](std::size_t ring) { return plan_.rings[ring].use == RingUse::kWork; };
    return leg.rx() == nullptr ? for_work(leg.from_ring()) : leg.tx() != nullptr || !for_work(leg.to_rings().front());
  }

  /// A while in which the far side, the lcores and the time keep their speeds.
  void phase() {
    const bool floods = !settings_.patient && dice_.percent(8);  // until everything is full
    const unsigned puts = floods ? 16 : dice_.pick({0, 1, 4, 16});
    const unsigned takes = floods ? 0 : settings_.patient ? 4 : dice_.pick({0, 1, 4, 16});
    const unsigned polls = floods ? 16 : dice_.pick({4, 16, 64});
    const std::uint64_t tick = ms_to_cycles(1) / (floods ? 10000 : dice_.pick({1, 20, 1000, 10000}));
    for (unsigned steps = floods ? dice_.between(100, 800) : dice_.between(5, 100); steps > 0; --steps) {
      const unsigned turn = dice_.below(puts + takes + polls);
      if (turn < puts) {
        far_side_.put();
      } else if (turn < puts + takes) {
        far_side_.take();
      } else {
        lcores_.step();
      }
      result_.findings.move_to(lcores_.position());
      clock_.advance(tick);
    }
    inspector_.look();
  }

  /// The ordered stop: who receives, ends; the others go on until nothing moves. True when the far side has made room
  /// all the while, so that nothing may be left.
  bool wind_down() {
    const bool empties = settings_.patient || dice_.percent(70);
    const std::uint64_t tick = dice_.percent(30) ? ms_to_cycles(1) : 0;
    lcores_.end_receiving();
    unsigned rounds = 0;
    for (unsigned idle = 0; idle < 2 && rounds < kMostRounds; ++rounds) {
      const unsigned moved = lcores_.round() + (empties ? far_side_.take_all() : 0);
      result_.findings.move_to(lcores_.position());
      clock_.advance(tick);
      idle = moved > 0 ? 0 : idle + 1;
    }
    if (rounds == kMostRounds) {
      result_.findings.add("stop", "packets went round and round");
    }
    return empties;
  }

  std::uint64_t shortest_wait() const {
    std::uint64_t shortest = UINT64_MAX;
    for (const RingPlan& ring : plan_.rings) {
      shortest = ring.wait_ms > 0 ? std::min(shortest, ms_to_cycles(ring.wait_ms)) : shortest;
    }
    for (const PortPlan& port : plan_.ports) {
      shortest = port.wait_ms > 0 ? std::min(shortest, ms_to_cycles(port.wait_ms)) : shortest;
    }
    return shortest;
  }

  void take_note(const Report& report) {
    std::map<std::string, std::uint64_t>& met = result_.met;
    met["frames"] += far_side_.frames().size();
    met["frames that came out"] += far_side_.taken();
    met["left at the stop"] += inspector_.left();
    for (std::size_t i = 0; i < kDropReasons; ++i) {
      met[std::string("dropped: ") + kDropReasonNames[i]] += report.totals.dropped[i];
    }
    const std::vector<Flow>& flows = far_side_.flows();
    for (std::size_t i = 0; both_ways_meet(plan_) && i < flows.size(); ++i) {
      met["flows that meet their other direction"] += flows[i].meets == i ? 0 : 1;
    }
    met["waited too long"] += waited_too_long(report) ? 1 : 0;
    for (const RingPlan& ring : plan_.rings) {
      ++met[ring.kind == RingKind::kHts ? "HTS rings" : "SP/SC rings"];
    }
    for (const PlannedLeg& leg : planned_legs(plan_, runtime_)) {
      ++met[kind_of(*leg.plan)];
    }
  }

  /// Whether packets were dropped in the end by somebody who waits.
  bool waited_too_long(const Report& report) const {
    const auto waits = [](const auto& buffer) { return buffer.wait_ms > 0; };
    const auto dropped = [&](DropReason reason) { return report.totals.dropped[static_cast<std::size_t>(reason)] > 0; };
    return (dropped(DropReason::kRingFull) && std::all_of(plan_.rings.begin(), plan_.rings.end(), waits)) ||
           (dropped(DropReason::kTxFull) && std::all_of(plan_.ports.begin(), plan_.ports.end(), waits));
  }

  std::string kind_of(const LegPlan& leg) const {
    const std::string to = leg.tx() != nullptr ? "port" : leg.to_rings().size() > 1 ? "rings" : "ring";
    return std::string("legs: ") + (leg.rx() != nullptr ? "port" : "ring") + " to " + to +
           (leg_waits(plan_, leg) ? ", waiting" : "");
  }

  const Plan& plan_;
  Dice& dice_;
  const TrialSettings& settings_;
  TrialResult& result_;
  VirtualClock clock_;
  Runtime runtime_;
  FarSide far_side_;
  VirtualLcores lcores_;
  Inspector inspector_;
  Mutant mutant_;
  Workers workers_;
  std::vector<Witness> witnesses_;
};

}  // namespace

TrialResult run_trial(std::uint64_t seed, const TrialSettings& settings) {
  TrialResult result;
  Dice dice(seed);
  std::optional<Plan> plan;
  if (settings.config.empty()) {
    plan = Drawing(dice, result).plan();
  } else {
    result.config = settings.config;
    plan = plan_text(settings.config, lab_machine(8)).plan;
  }
  if (!plan) {
    return result;
  }
  result.accepted = true;
  check_ownership(*plan, result.findings);
  if (!result.findings.all().empty()) {
    return result;
  }
  plan->traffic.reset();
  try {
    Run(*plan, dice, settings, result).go();
  } catch (const Error& error) {
    result.findings.add("set-up", error.what());
  }
  return result;
}

}  // namespace ringway
