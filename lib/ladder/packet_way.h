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
inline constexpr std::chrono::seconds kPatience{2};
/// Frames before those that are measured.
inline constexpr std::uint64_t kWarmUp = 4 * kWindow;

/// The way of a rung's frames over two wires, and what came of them. Belongs to the thread that plays the far ends.
class Way {
 public:
  /// `interface`: of both far ends, `far` or `direct`.
  Way(const Wires& wires, const Load& load, const Headers& headers, const std::string& interface = "far");

  /// Runs kWarmUp, the load's packets and its samples, in this order; the outcome lacks what is the mover's.
  Outcome run(const Load& load);

  /// A piece of the load, for rungs that measure otherwise.
  double move(std::uint64_t packets) { return drive_.move(packets); }

  /// Tells what arrived of all that was sent.
  void verify(Outcome& outcome) const;

 private:
  Descriptor source_;
  Descriptor sink_;
  SocketEnds ends_;
  FrameCheck check_;
  Drive drive_;
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
