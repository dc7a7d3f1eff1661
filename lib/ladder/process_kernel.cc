#include "ladder/process_kernel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <vector>

#include "ladder/descriptor.h"

namespace ringway {
namespace {

constexpr int kPipeBytes = 1 << 20;  // the most that a user may have by default

/// What a path through the kernel has: an end for each process, which goes with it, and a place for a message.
class KernelPath : public MessagePath {
 public:
  KernelPath(std::size_t block, int in, int out, const char* call) : in_(in, call), out_(out, call), place_(block) {}

  void become_sender() override { in_ = Descriptor(); }
  void become_receiver() override { out_ = Descriptor(); }

 protected:
  Descriptor in_;
  Descriptor out_;
  std::vector<std::byte> place_;
};

struct Ends {
  int in = -1;
  int out = -1;
};

Ends pipe_ends() {
  int ends[2];
  check_call(pipe2(ends, O_CLOEXEC), "pipe2");
  fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);  // or as it is
  return {.in = ends[0], .out = ends[1]};
}

/// The longest message that a sender's buffer takes (unix(7): the kernel keeps something for itself).
std::size_t longest_message(int socket) {
  constexpr std::size_t kKernels = 32;
  int bytes = 0;
  socklen_t length = sizeof bytes;
  check_call(getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, &length), "SO_SNDBUF");
  return static_cast<std::size_t>(bytes) - kKernels;
}

/// With room for two messages; without privileges for as much as net.core.wmem_max has.
void make_room(int socket, std::size_t block) {
  const int bytes = static_cast<int>(2 * block);
  if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0) {
    check_call(setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), "SO_SNDBUF");
  }
  const std::size_t longest = longest_message(socket);
  if (longest < block) {
    throw CannotRun("a user's socket takes no datagram of " + std::to_string(block) +
                    " bytes; expected a higher net.core.wmem_max, or --block " +
                    std::to_string(std::bit_floor(longest) / 1024) + " or less");
  }
}

Ends socket_ends() {
  int ends[2];
  check_call(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  return {.in = ends[0], .out = ends[1]};
}

class PipePath : public KernelPath {
 public:
  PipePath(std::size_t block, Ends ends) : KernelPath(block, ends.in, ends.out, "pipe2") {}

  void send(std::span<const std::byte> message) override {
    while (!message.empty()) {
      const ssize_t written = counted(::write, out_.get(), message.data(), message.size());
      check_call(written, "write");
      message = message.subspan(static_cast<std::size_t>(written));
    }
  }

  std::span<const std::byte> receive() override {
    for (std::size_t got = 0; got < place_.size();) {
      const ssize_t length = counted(::read, in_.get(), place_.data() + got, place_.size() - got);
      check_call(length, "read");
      if (length == 0) {
        return {};
      }
      got += static_cast<std::size_t>(length);
    }
    return place_;
  }

  void describe(Outcome& outcome) const override {
    outcome.copies_per_byte = 2;
    outcome.copies_shown_by = "definition: write copies into the pipe's pages, read out of them";
  }
};

class DatagramPath : public KernelPath {
 public:
  DatagramPath(std::size_t block, Ends ends) : KernelPath(block, ends.in, ends.out, "socketpair") {
    make_room(out_.get(), block);
    const timeval look{.tv_sec = 0, .tv_usec = std::chrono::microseconds(kLook).count()};
    check_call(setsockopt(in_.get(), SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look), "SO_RCVTIMEO");
  }

  void send(std::span<const std::byte> message) override {
    check_call(counted(::send, out_.get(), message.data(), message.size(), MSG_NOSIGNAL), "send");
  }

  std::span<const std::byte> receive() override {
    const ssize_t length = counted(::recv, in_.get(), place_.data(), place_.size(), 0);
    if (length < 0 && errno == EAGAIN) {
      return {};
    }
    check_call(length, "recv");
    return std::span<const std::byte>(place_).first(static_cast<std::size_t>(length));
  }

  void describe(Outcome& outcome) const override {
    outcome.copies_per_byte = 2;
    outcome.copies_shown_by = "definition: send copies into the kernel's buffer, recv out of it";
  }
};

}  // namespace

std::unique_ptr<MessagePath> make_pipe_path(std::size_t block) {
  return std::make_unique<PipePath>(block, pipe_ends());
}

std::unique_ptr<MessagePath> make_datagram_path(std::size_t block) {
  return std::make_unique<DatagramPath>(block, socket_ends());
}

}  // namespace ringway
