#pragma once

#include "datapath/burst.h"
#include "datapath/flow_hash.h"

namespace ringway {

/// Most outputs of a Spread; a burst's packets are sorted on the stack.
inline constexpr unsigned kMaxLanes = 32;

/// Spreads flows over outputs: packets of one flow always meet the same one, in order. Output: Dropping or Waiting.
template <class Output>
class Spread {
 public:
  static constexpr bool kMayHold = Output::kMayHold;

  /// `hash` and the `count` outputs, 1 to kMaxLanes of them, outlive it; the outputs are its own.
  Spread(const FlowHash& hash, Output* outputs, unsigned count) noexcept
      : hash_(&hash), outputs_(outputs), count_(count) {}

  void forward(Burst& burst, Counters& counters) noexcept {
    rte_mbuf* lanes[kMaxLanes][kMaxBurst];
    std::uint16_t sizes[kMaxLanes];
    for (unsigned lane = 0; lane < count_; ++lane) {
      sizes[lane] = 0;
    }
    rte_mbuf* const* const mbufs = burst.data();
    const std::uint16_t size = burst.size();
    for (std::uint16_t i = 0; i < size; ++i) {
      hash_->prefetch(mbufs[i]);
    }
    for (std::uint16_t i = 0; i < size; ++i) {
      // The high bits choose: a NIC chooses the RX queue by the low ones, which are all alike within a queue.
      const auto lane = static_cast<unsigned>(std::uint64_t{(*hash_)(mbufs[i])} * count_ >> 32U);
      lanes[lane][sizes[lane]++] = mbufs[i];
    }
    for (unsigned lane = 0; lane < count_; ++lane) {
      if (sizes[lane] > 0) {
        outputs_[lane].send(lanes[lane], sizes[lane], counters);
      }
    }
    if constexpr (kMayHold) {
      count_held();
    }
  }

  void reap() noexcept {
    for (unsigned lane = 0; lane < count_; ++lane) {
      outputs_[lane].reap();
    }
  }

  void move_to(std::uint16_t) noexcept {}  // its outputs are rings

  std::uint16_t held() const noexcept { return held_; }

  std::uint16_t flush(Counters& counters) noexcept {
    std::uint16_t gone = 0;
    for (unsigned lane = 0; lane < count_; ++lane) {
      gone = static_cast<std::uint16_t>(gone + outputs_[lane].flush(counters));
    }
    count_held();
    return gone;
  }

  void abandon(Counters& counters) noexcept {
    for (unsigned lane = 0; lane < count_; ++lane) {
      outputs_[lane].abandon(counters);
    }
    held_ = 0;
  }

 private:
  void count_held() noexcept {
    held_ = 0;
    for (unsigned lane = 0; lane < count_; ++lane) {
      held_ = static_cast<std::uint16_t>(held_ + outputs_[lane].held());
    }
  }

  const FlowHash* hash_;
  Output* outputs_;
  unsigned count_;
  std::uint16_t held_ = 0;
};

}  // namespace ringway
