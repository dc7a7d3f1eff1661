#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <utility>

namespace ringway::fbuf {

/// Owns a file descriptor; -1 is none.
class File {
 public:
  explicit File(int fd = -1) noexcept : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// What a try to receive came to.
struct Received {
  enum Kind {
    kMessage,
    kNothing,  ///< not yet
    kGone,     ///< the peer died or closed its end, and everything that it sent has been received
  };
  Kind kind;
  std::size_t bytes = 0;  ///< of the message; more than there was room for if it was longer
};

/// What a try to send came to; a message goes whole or not at all.
enum class Sent {
  kYes,
  kFull,  ///< the peer has not received enough of what was sent before
  kGone,  ///< the peer died or closed its end
};

/// The first message of a peer, with what the kernel says of who sent it.
struct Greeting {
  pid_t pid = 0;
  File file;  ///< that came with it, if any
};

/// One end of a connected AF_UNIX SOCK_SEQPACKET socket. Move-only; one thread. After a fork only one of the two
/// processes may keep its copy of an end, or the peer does not see it close when that process dies.
class Channel {
 public:
  /// Takes the socket over. Throws Error where it is of another kind.
  explicit Channel(int socket);
  /// Two ends, connected, for a process that forks. Throws Error.
  static std::pair<Channel, Channel> pair();

  int fd() const noexcept { return socket_.get(); }

  /// Never waits.
  Sent send(std::span<const std::byte> message) noexcept;
  /// Never waits. Files that come with the message are not taken.
  Received receive(std::span<std::byte> into) noexcept;
  /// No more will be sent: the peer sees the end, this side still sees the peer's.
  void finish() noexcept;

  /// Sends a first message, with this process's id and a file (-1: none). Throws Error.
  void greet(std::span<const std::byte> message, int file = -1);
  /// Waits for the peer's first message, of exactly that size. Throws Error where another one comes, none in time, or
  /// the peer is gone; `peer` names it there.
  Greeting await_greeting(std::span<std::byte> message, const char* peer);

 private:
  File socket_;
};

/// Waits until the descriptor is ready for one of poll(2)'s `events`, or has failed. False: the time is over, or a
/// signal came.
bool wait_for(int fd, short events, std::chrono::milliseconds time) noexcept;

}  // namespace ringway::fbuf
