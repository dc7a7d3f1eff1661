#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "ladder/rung.h"

namespace ringway {

/// How messages pass from one process to another; made before the fork that parts them.
class MessagePath {
 public:
  virtual ~MessagePath() = default;
  /// After the fork, once, in each of the two.
  virtual void become_sender() {}
  virtual void become_receiver() {}
  /// Sender only; waits for room. Where the path has messages of its own in its buffers, they are the same.
  virtual void send(std::span<const std::byte> message) = 0;
  /// Sender only; sends what was held back for a batch.
  virtual void flush() {}
  /// Receiver only; waits for a message, which stays until the next call. Empty: none came within kLook, or none will.
  virtual std::span<const std::byte> receive() = 0;
  /// Receiver only; how often so far messages were handed over for which the kernel was called. 0: it does not tell.
  virtual std::uint64_t batches() const { return 0; }
  /// Sets the outcome's copies and notes.
  virtual void describe(Outcome& outcome) const = 0;
};

/// Messages before those that are measured, and different ones: as many as no ring has slots, so that one that comes
/// out of a wrong slot is seen.
inline constexpr std::uint64_t kWarmUpMessages = 16;
inline constexpr std::uint64_t kDifferentMessages = 61;

/// How long a path waits for a message before the receiver looks whether the sender still runs. Only those that are
/// late by so much cost a call more.
inline constexpr std::chrono::milliseconds kLook{500};

/// Runs a path: one process sends the load in messages of a block, the other compares every byte. Both are the mover.
Outcome run_pair(const Load& load, const std::function<std::unique_ptr<MessagePath>(std::size_t block)>& make);

}  // namespace ringway
