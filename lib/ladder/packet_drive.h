#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "ladder/packet_frame.h"
#include "ladder/placement.h"

namespace ringway {

/// Frames on their way at most. A socket's default queue takes so many of the longest, so that none is lost.
inline constexpr unsigned kWindow = 128;
/// Frames handed to one call at most.
inline constexpr unsigned kBatch = 32;

/// Both ends of a flow, which are far from the mover: where frames go in, and where they come out. One thread plays
/// both.
class FlowEnds {
 public:
  virtual ~FlowEnds() = default;
  /// Sends frames from `first` on, kBatch at most; how many went in.
  virtual unsigned send(std::uint64_t first, unsigned count) = 0;
  /// Looks at what has arrived, without waiting; how many frames, kBatch at most.
  virtual unsigned receive(FrameCheck& check) = 0;
};

/// Sends frames through the flow and checks those that come out. The numbers go on from call to call.
class Drive {
 public:
  /// `patience`: how long no frame may arrive before those that are missing count as lost, and sending ends.
  Drive(FlowEnds& ends, FrameCheck& check, std::chrono::milliseconds patience)
      : ends_(ends), check_(check), patience_(patience) {}

  /// As many as the window lets through; seconds from the first that was sent to the last that arrived.
  double move(std::uint64_t count);

  /// Each alone: microseconds from sending to the end of the check, of those that arrived.
  std::vector<double> move_singly(std::uint64_t count);

  /// Frames sent so far. Those of them that the check has not counted are lost.
  std::uint64_t sent() const noexcept { return sent_; }
  /// Frames that arrived, whatever the check made of them.
  std::uint64_t seen() const noexcept { return seen_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// False: time is up.
  bool receive();

  FlowEnds& ends_;
  FrameCheck& check_;
  std::chrono::milliseconds patience_;
  std::uint64_t sent_ = 0;
  std::uint64_t seen_ = 0;
  unsigned empty_looks_ = 0;  // since something was seen
  Patient patient_;
  Clock::time_point last_ = Clock::now();  // when something was sent or seen
};

}  // namespace ringway
