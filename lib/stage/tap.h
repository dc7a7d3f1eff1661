#pragma once

#include "datapath/stage.h"
#include "datapath/tap_lane.h"

namespace ringway {

/// Shows packets to captures where it stands among a leg's stages.
///
/// Arguments: the way to the captures' writer, of this leg's lcore, which outlives it. Edits, drops: nothing; but from
/// here on the data of packets that a capture takes is shared (see OwnHeaders). Reads: mbufs, and what filters look at.
class Tap {
 public:
  explicit Tap(TapLane& lane) noexcept : lane_(&lane) {}

  void process(Burst& burst, Counters&) const noexcept { lane_->show(burst.data(), burst.size()); }

 private:
  TapLane* lane_;
};

}  // namespace ringway
