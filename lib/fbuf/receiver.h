#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fbuf/channel.h"
#include "fbuf/memory.h"
#include "fbuf/messages.h"
#include "fbuf/write_faults.h"

namespace ringway::fbuf {

class Receiver;

/// A buffer that was handed over to this process, to be read; nobody changes it. Move-only; returned to the pool when
/// it is destroyed, which must be before its receiver is.
class ReadableBuffer {
 public:
  /// Holds none.
  ReadableBuffer() = default;
  ReadableBuffer(ReadableBuffer&& other) noexcept;
  ReadableBuffer& operator=(ReadableBuffer&& other) noexcept;
  ~ReadableBuffer();
  ReadableBuffer(const ReadableBuffer&) = delete;
  ReadableBuffer& operator=(const ReadableBuffer&) = delete;

  /// Whether it holds a buffer: not if it was returned or moved from.
  explicit operator bool() const noexcept { return receiver_ != nullptr; }
  /// What the originator said is the content. Throws Error where it holds no buffer.
  std::span<const std::byte> content() const;
  /// Counts the originator's hand-overs, to whomever, from 1. Throws Error where it holds no buffer.
  std::uint64_t sequence() const;
  /// Returns it now rather than when it is destroyed; Receiver::flush() sends. Throws Error where it holds no buffer: a
  /// buffer is returned once.
  void give_back();

 private:
  friend Receiver;

  void let_go() noexcept;
  const Receiver& receiver() const;

  Receiver* receiver_ = nullptr;
  Descriptor descriptor_;
};

/// Receives buffers of one originator and returns them. One thread.
class Receiver {
 public:
  /// Waits, for 10 s at most, until the originator attaches this end. Throws Error where it does not, or where its pool
  /// could be changed under the reader.
  explicit Receiver(Channel channel);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Fills a prefix with buffers and returns its length, with one message of the originator's at most; what the
  /// elements held is returned first. Sends what is to be returned. Waits at most that long for the first buffer.
  /// Throws Error where the originator names a buffer that is not in the pool or is held already; it is then done with.
  unsigned receive(std::span<ReadableBuffer> into, std::chrono::milliseconds wait = {});

  /// Sends what is to be returned, as far as the originator has room for it; receive() sends the rest.
  void flush() noexcept;

  /// True from when receive() has found that the originator died, or closed or cut the channel. All that it handed over
  /// has been received then; what is held stays as it is for as long as it is held.
  bool originator_gone() const noexcept { return gone_ && inbox_.empty(); }
  pid_t originator() const noexcept { return originator_; }

 private:
  friend ReadableBuffer;

  /// What the originator's answer to the Hello comes to.
  struct Opening {
    Channel channel;
    pid_t originator;
    Geometry geometry;
    File file;
  };

  static Opening open(Channel channel);
  explicit Receiver(Opening opening);
  void take_message();
  void accept(std::span<const Descriptor> batch);
  std::string wrong_with(const Descriptor& descriptor) const;
  void wait_for_message(std::chrono::milliseconds time);
  void put_back(const Descriptor& descriptor) noexcept;

  Channel channel_;
  pid_t originator_;
  Memory memory_;
  Known known_;
  bool gone_ = false;
  std::uint64_t last_ = 0;                  // the highest hand-over seen
  std::vector<bool> held_;                  // by index: received, and the return not sent
  std::array<Descriptor, kBatch> message_;  // the last one received
  std::span<const Descriptor> inbox_;       // what of it nobody has taken yet
  std::vector<Return> returns_;             // to be sent; has room for all buffers of the pool
};

}  // namespace ringway::fbuf
