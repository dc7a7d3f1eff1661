#include "ladder/process_kernel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

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

/// With room for two messages; without privileges for as much as net.core.wmem_max has.
Ends socket_ends(std::size_t block) {
  int ends[2];
  check_call(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  const int bytes = static_cast<int>(2 * block);
  if (setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0) {
    check_call(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), "SO_SNDBUF");
  }
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
  DatagramPath(std::size_t block, Ends ends) : KernelPath(block, ends.in, ends.out, "socketpair") {}

  void send(std::span<const std::byte> message) override {
    check_call(counted(::send, out_.get(), message.data(), message.size(), MSG_NOSIGNAL), "send");
  }

  std::span<const std::byte> receive() override {
    const ssize_t length = counted(::recv, in_.get(), place_.data(), place_.size(), 0);
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
  return std::make_unique<DatagramPath>(block, socket_ends(block));
}

}  // namespace ringway
