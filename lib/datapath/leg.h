#pragma once

#include <cstdint>

#include "datapath/burst.h"
#include "datapath/stage.h"

namespace ringway {

/// Stages of one leg; more would be a sign that some belong together.
inline constexpr std::size_t kMaxStages = 4;

/// source -> stages -> forwarder -> outputs, polled by one lcore. It holds no packet between polls.
///
/// Source: `uint16_t fill(Burst&) noexcept`. Forwarder: `void forward(Burst&, Counters&) noexcept`, which leaves no
/// packet in the burst, and `void reap() noexcept`.
template <class Source, class Forwarder>
class Leg {
 public:
  Leg(Source source, Forwarder forwarder) noexcept : source_(source), forwarder_(forwarder) {}

  /// Before the first poll only.
  void add_stage(StageRef stage) noexcept { stages_[stage_count_++] = stage; }

  /// Takes one burst all the way. Owning lcore only. Returns the packets taken.
  std::uint16_t poll() noexcept {
    Burst burst;
    const std::uint16_t taken = source_.fill(burst);
    if (taken == 0) {
      return 0;
    }
    counters_.received.add(taken);
    counters_.bursts.add(1);
    poison_tailrooms(burst.data(), burst.size());
    for (std::size_t i = 0; i < stage_count_; ++i) {
      stages_[i].process(stages_[i].self, burst, counters_);
    }
    unpoison_tailrooms(burst.data(), burst.size());
    forwarder_.forward(burst, counters_);
    return taken;
  }

  /// Nothing was taken for a while: outputs let their drivers free what was sent. Owning lcore only.
  void reap() noexcept { forwarder_.reap(); }

  /// lcore: written; main: read.
  Counters& counters() noexcept { return counters_; }

 private:
  Counters counters_;
  Source source_;
  Forwarder forwarder_;
  std::size_t stage_count_ = 0;
  StageRef stages_[kMaxStages];
};

/// A leg of any kind as its lcore sees it: one indirect call a burst.
struct LegRef {
  std::uint16_t (*poll)(void* self) noexcept = nullptr;
  void (*reap)(void* self) noexcept = nullptr;
  void* self = nullptr;
};

template <class Source, class Forwarder>
LegRef leg_ref(Leg<Source, Forwarder>& leg) noexcept {
  using Kind = Leg<Source, Forwarder>;
  return {[](void* self) noexcept { return static_cast<Kind*>(self)->poll(); },
          [](void* self) noexcept { static_cast<Kind*>(self)->reap(); }, &leg};
}

}  // namespace ringway
