#pragma once

#include <cstdint>

#include "datapath/burst.h"
#include "datapath/stage.h"

namespace ringway {

/// Stages of one leg; more would be a sign that some belong together.
inline constexpr std::size_t kMaxStages = 8;

/// source -> stages -> forwarder -> outputs, polled by one lcore. It holds no packet between polls, but for the refused
/// rest of one burst where its outputs wait for room.
///
/// Source: `static constexpr bool kTellsEmpty` and, where that is true, `bool empty() const noexcept`, which costs next
/// to nothing; `uint16_t fill(Burst&) noexcept`, and `void done(uint16_t) noexcept` for the end of a poll that took
/// packets. Forwarder: `void forward(Burst&, Counters&) noexcept`, which takes every packet out of the burst, `void
/// reap() noexcept`, and `static constexpr bool kMayHold`; where that is true also `held()`, `flush()` and `abandon()`
/// as Waiting has them.
template <class Source, class Forwarder>
class Leg {
 public:
  Leg(Source source, Forwarder forwarder) noexcept : source_(source), forwarder_(forwarder) {}

  /// Before the first poll only.
  void add_stage(StageRef stage) noexcept { stages_[stage_count_++] = stage; }

  /// Takes one burst all the way; or, while packets are held, tries to get rid of those. Owning lcore only. Returns the
  /// packets moved.
  [[gnu::always_inline]] std::uint16_t poll() noexcept {
    if constexpr (Forwarder::kMayHold) {
      if (forwarder_.held() > 0) [[unlikely]] {
        return forwarder_.flush(counters_);
      }
    }
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
    source_.done(taken);
    return taken;
  }

  /// Whether idle() can tell anything.
  static constexpr bool kTellsIdle = Source::kTellsEmpty;

  /// Whether there is nothing to do. Owning lcore only.
  bool idle() const noexcept {
    if constexpr (Forwarder::kMayHold) {
      return source_.empty() && forwarder_.held() == 0;
    }
    return source_.empty();
  }

  /// What there is to do without taking packets: held ones are handed over where there is room by now, and outputs let
  /// their drivers free what was sent. Owning lcore only.
  void reap() noexcept {
    if constexpr (Forwarder::kMayHold) {
      forwarder_.flush(counters_);
    }
    forwarder_.reap();
  }

  /// Another port takes the place of the one at that end; kNoPort stands for none. Only while nobody polls the leg.
  void receive_from(std::uint16_t port) noexcept { source_.move_to(port); }
  void send_to(std::uint16_t port) noexcept { forwarder_.move_to(port); }

  /// Packets held. Only while nobody polls the leg.
  std::uint16_t held() const noexcept {
    if constexpr (Forwarder::kMayHold) {
      return forwarder_.held();
    }
    return 0;
  }

  /// Drops what is held, after the last poll.
  void abandon() noexcept {
    if constexpr (Forwarder::kMayHold) {
      forwarder_.abandon(counters_);
    }
  }

  /// lcore: written; main: read.
  Counters& counters() noexcept { return counters_; }
  const Counters& counters() const noexcept { return counters_; }

  /// Dropped packets go there instead of to the pool, as far as it takes them. Before the first poll only.
  void give_drops_to(TapLane& tap) noexcept { counters_.drop_tap = &tap; }

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

/// The functions behind a LegRef. Not lambdas: the compiler would put a jump in front of each.
template <class Kind>
struct LegCalls {
  static std::uint16_t poll(void* self) noexcept {
    if constexpr (Kind::kTellsIdle) {
      return static_cast<Kind*>(self)->idle() ? std::uint16_t{0} : busy_poll(self);
    }
    return static_cast<Kind*>(self)->poll();
  }
  static void reap(void* self) noexcept { static_cast<Kind*>(self)->reap(); }

 private:
  // Apart, so that an idle leg saves no registers.
  [[gnu::noinline]] static std::uint16_t busy_poll(void* self) noexcept { return static_cast<Kind*>(self)->poll(); }
};

template <class Kind>
LegRef leg_ref(Kind& leg) noexcept {
  return {&LegCalls<Kind>::poll, &LegCalls<Kind>::reap, &leg};
}

}  // namespace ringway
