#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ladder/packet_drive.h"
#include "ladder/packet_ends.h"
#include "ladder/packet_wires.h"
#include "ladder/rung.h"

namespace ringway {

/// What a hop does to the headers.
struct Headers {
  FrameHeader sent;
  FrameHeader expected;
};

/// Headers that pass as they are, from the source to the sink.
Headers unchanged_headers(const Load& load);

/// How long nothing may arrive before frames count as lost.
inline constexpr std::chrono::seconds kPatience{10};
/// Frames before those that are measured.
inline constexpr std::uint64_t kWarmUp = 4 * kWindow;

/// What is in no rung's CPU time, as a note says it.
inline constexpr const char* kReceivePath =
    "the kernel takes each frame from the wire to the socket or ring inside the far end's call that sends it, unless "
    "the mover polls the interface: that CPU time is not in this figure";

/// A rung's frames from the source to the sink, and what came of them. Belongs to the thread that plays the far ends.
class FrameFlow {
 public:
  /// `interface`: of both far ends, `far` or `direct`.
  FrameFlow(const Wires& wires, const Load& load, const Headers& headers, const std::string& interface = "far");

  /// The load in pieces: first kWarmUp frames, then as many as are measured, each once or several times over; then
  /// samples, one by one.
  void warm_up() { drive_.move(kWarmUp); }
  void move(std::uint64_t packets);
  /// What came of all of it; it lacks what is the mover's.
  Outcome finish(std::uint64_t samples);

  /// Frames sent so far.
  std::uint64_t sent() const noexcept { return drive_.sent(); }

 private:
  Descriptor source_;
  Descriptor sink_;
  SocketEnds ends_;
  FrameCheck check_;
  Drive drive_;
  unsigned frame_bytes_;
  std::uint64_t moved_ = 0;
  double seconds_ = 0;
};

/// A technique between `left` and `right`: a thread's.
class PacketMove {
 public:
  virtual ~PacketMove() = default;
  /// Passes on so many frames, or until none has come for kPatience; in how many batches. Mover's thread only.
  virtual std::uint64_t move(std::uint64_t packets) = 0;
  /// Sets the outcome's copies, what the kernel fell back to, and notes.
  virtual void describe(Outcome& outcome) const = 0;
};

/// Runs a technique, made in the middle of new wires, on a metered thread of its own.
Outcome run_move(const Load& load, const std::function<std::unique_ptr<PacketMove>()>& make);

}  // namespace ringway
