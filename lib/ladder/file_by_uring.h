#pragma once

#include <liburing.h>

#include <functional>

#include "ladder/file_move.h"

namespace ringway {

/// An io_uring with a registered buffer.
class Uring {
 public:
  /// The buffer outlives it; its pages are pinned once. Throws CannotRun.
  Uring(unsigned entries, std::span<std::byte> buffer);
  ~Uring() { io_uring_queue_exit(&ring_); }
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  /// The next free entry; to be filled in before anything else is asked for.
  io_uring_sqe* entry() { return io_uring_get_sqe(&ring_); }

  /// Submits all entries and waits until so many completions are there, in one system call; takes all that are.
  void run(unsigned completions, const std::function<void(const io_uring_cqe&)>& take);

 private:
  io_uring ring_{};
};

/// Reads into a registered buffer, and sends out of it, in chains of several blocks: a system call each. The sends
/// copy; or, as zero-copy sends, they refer to the buffer until the kernel tells that it has done with it.
class UringMove final : public FileMove {
 public:
  enum class Sends { kCopy, kZeroCopy };

  UringMove(const Ends& ends, Sends sends);
  void move(std::uint64_t offset, std::uint64_t bytes) override;
  void finish() override;
  std::vector<Place> places(std::span<std::byte> file_pages) override;
  void tell(Outcome& outcome) const override;

 private:
  void find_out_about_zero_copy();
  int try_empty_send();
  void queue_read(std::span<std::byte> into, std::uint64_t offset);
  void queue_send(std::span<const std::byte> from);
  void queue(io_uring_sqe* entry, bool send, std::uint64_t bytes);
  void send_chain();
  void run(unsigned completions);
  void take(const io_uring_cqe& completion);

  const Ends ends_;
  const Sends sends_;
  const unsigned depth_;  // blocks in a chain
  Mapping memory_;
  Uring ring_;
  unsigned half_ = 0;             // of the memory, for the chain that is being made
  unsigned blocks_ = 0;           // in it
  io_uring_sqe* last_ = nullptr;  // its end
  unsigned open_ = 0;             // reads and sends without a completion
  unsigned lent_[2] = {};         // sends that refer to each half
  unsigned zero_copy_flags_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t copied_ = 0;
};

}  // namespace ringway
