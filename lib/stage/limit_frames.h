#pragma once

#include "datapath/stage.h"

namespace ringway {

/// Drops frames that the output cannot send whole.
///
/// Arguments: shortest and longest frame, bytes without CRC, both included. Edits: nothing. Reads: the mbuf, not the
/// data. Drops: frame_too_short, frame_too_long.
class LimitFrames {
 public:
  LimitFrames(std::uint32_t min_bytes, std::uint32_t max_bytes) noexcept
      : min_bytes_(min_bytes), range_bytes_(max_bytes - min_bytes) {}

  void process(Burst& burst, Counters& counters) const noexcept;

 private:
  std::uint32_t min_bytes_;
  std::uint32_t range_bytes_;
};

}  // namespace ringway
