#pragma once

#include <cstdint>
#include <ostream>
#include <utility>
#include <vector>

#include "dice.h"
#include "runtime/leg_unit.h"
#include "virtual_clock.h"

namespace ringway {

/// Polls the legs of a Runtime that is never started, one at a time on this thread, in an order drawn from a seed:
/// whatever a run of as many lcores could do between two polls, some seed does.
class VirtualLcores {
 public:
  /// `legs`, `dice` and `clock` outlive it. `trace`, unless null, gets a line a step.
  VirtualLcores(std::vector<LegUnit*> legs, Dice& dice, VirtualClock& clock, std::ostream* trace = nullptr)
      : legs_(std::move(legs)), dice_(dice), clock_(clock), trace_(trace) {
    deal();
  }

  /// Polls one leg a few times, or reaps it, as its lcore does when it idles. Returns the packets moved.
  unsigned step() {
    if (dice_.below(kStepsToNewSpeeds) == 0) {
      deal();
    }
    const std::size_t leg = dice_.pick(deck_);
    return dice_.below(16) == 0 ? reap(leg) : poll(leg, dice_.between(1, 4));
  }

  /// Polls every leg once, in a drawn order. Returns the packets moved.
  unsigned round() {
    std::vector<std::size_t> order(legs_.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    dice_.shuffle(order);
    unsigned moved = 0;
    for (const std::size_t leg : order) {
      moved += poll(leg, 1);
    }
    return moved;
  }

  /// The first phase of the ordered stop: from now on legs that read ports only get rid of what they hold.
  void end_receiving() { receiving_ = false; }

  /// Times a leg was polled or reaped: a place in the schedule.
  unsigned position() const noexcept { return position_; }

 private:
  static constexpr unsigned kStepsToNewSpeeds = 64;

  /// Deals legs their speeds for a while: a slow consumer fills the rings before it, a fast one empties them, and some
  /// stand still, as on an lcore that the kernel has taken away.
  void deal() {
    deck_.clear();
    while (deck_.empty()) {
      for (std::size_t i = 0; i < legs_.size(); ++i) {
        deck_.insert(deck_.end(), dice_.pick({0, 1, 2, 8, 32}), i);
      }
    }
  }

  unsigned poll(std::size_t leg, unsigned times) {
    if (!receiving_ && legs_[leg]->rank() == Rank::kReceive) {
      return reap(leg);
    }
    const LegRef ref = legs_[leg]->ref();
    unsigned moved = 0;
    {
      const VirtualClock::Reading reading;
      for (unsigned i = 0; i < times; ++i) {
        moved += ref.poll(ref.self);
      }
    }
    note("poll", leg, times, moved);
    return moved;
  }

  unsigned reap(std::size_t leg) {
    const LegRef ref = legs_[leg]->ref();
    const unsigned before = legs_[leg]->held();
    {
      const VirtualClock::Reading reading;
      ref.reap(ref.self);
    }
    const unsigned moved = before - legs_[leg]->held();
    note("reap", leg, 1, moved);
    return moved;
  }

  void note(const char* what, std::size_t leg, unsigned times, unsigned moved) {
    ++position_;
    if (trace_ != nullptr) {
      *trace_ << position_ << ": " << what << " leg " << leg << " x " << times << ": " << moved << " packets, "
              << legs_[leg]->held() << " held, TSC " << clock_.now() << '\n';
    }
  }

  std::vector<LegUnit*> legs_;
  Dice& dice_;
  VirtualClock& clock_;
  std::ostream* trace_;
  std::vector<std::size_t> deck_;  // legs, each as often as it is fast
  unsigned position_ = 0;
  bool receiving_ = true;
};

}  // namespace ringway
