#pragma once

#include "datapath/burst.h"

namespace ringway {

/// A stage as a leg sees it: one indirect call a burst. `self` outlives the leg. The stage may edit packets and drop
/// some through drop(); what it keeps stays in the burst, in order. It keeps no pointer to an mbuf after returning.
struct StageRef {
  void (*process)(const void* self, Burst& burst, Counters& counters) noexcept = nullptr;
  const void* self = nullptr;
};

/// Wraps a stage type with `void process(Burst&, Counters&) const noexcept`.
template <class Stage>
StageRef stage_ref(const Stage& stage) noexcept {
  return {[](const void* self, Burst& burst, Counters& counters) noexcept {
            static_cast<const Stage*>(self)->process(burst, counters);
          },
          &stage};
}

}  // namespace ringway
