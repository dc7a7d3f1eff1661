#include "ladder/packet_socket.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>

namespace ringway {
namespace {

Descriptor receiving() {
  Descriptor socket = open_packet_socket("left", Hears::kAll);
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  check_call(setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
  return socket;
}

/// False: nothing came for too long.
bool came(long result, const char* call) {
  if (result < 0 && errno == EAGAIN) {
    return false;
  }
  check_call(result, call);
  return true;
}

class PacketSocket : public PacketMove {
 public:
  std::uint64_t move(std::uint64_t packets) override {
    std::byte frame[FrameBatch::kPlaceBytes];
    for (std::uint64_t moved = 0; moved < packets; ++moved) {
      const ssize_t length = counted(::recvfrom, in_.get(), frame, sizeof frame, 0, nullptr, nullptr);
      if (!came(length, "recvfrom")) {
        return moved;
      }
      const auto bytes = static_cast<std::size_t>(length);
      check_call(counted(::sendto, out_.get(), frame, bytes, 0, nullptr, 0), "sendto");
    }
    return packets;
  }

  void describe(Outcome& outcome) const override {
    outcome.copies_per_byte = 2;
    outcome.copies_shown_by = "definition: recvfrom copies out of the kernel, sendto into it";
  }

 private:
  Descriptor in_ = receiving();
  Descriptor out_ = open_packet_socket("right", Hears::kNothing);
};

class PacketBatches : public PacketMove {
 public:
  std::uint64_t move(std::uint64_t packets) override {
    std::uint64_t batches = 0;
    while (packets > 0) {
      const auto room = static_cast<unsigned>(std::min<std::uint64_t>(packets, kBatch));
      for (unsigned i = 0; i < room; ++i) {
        batch_.set_bytes(i, FrameBatch::kPlaceBytes);
      }
      const int got = counted(::recvmmsg, in_.get(), batch_.messages(), room, MSG_WAITFORONE, nullptr);
      if (!came(got, "recvmmsg")) {
        break;
      }
      ++batches;
      send(static_cast<unsigned>(got));
      packets -= static_cast<unsigned>(got);
    }
    return batches;
  }

  void describe(Outcome& outcome) const override {
    outcome.copies_per_byte = 2;
    outcome.copies_shown_by = "definition: recvmmsg copies out of the kernel, sendmmsg into it";
  }

 private:
  void send(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      batch_.set_bytes(i, batch_.frame(i).size());
    }
    for (unsigned done = 0; done < count;) {
      const int sent = counted(::sendmmsg, out_.get(), batch_.messages() + done, count - done, 0);
      check_call(sent, "sendmmsg");
      done += static_cast<unsigned>(sent);
    }
  }

  Descriptor in_ = receiving();
  Descriptor out_ = open_packet_socket("right", Hears::kNothing);
  FrameBatch batch_;
};

}  // namespace

std::unique_ptr<PacketMove> make_packet_socket() {
  return std::make_unique<PacketSocket>();
}

std::unique_ptr<PacketMove> make_packet_batches() {
  return std::make_unique<PacketBatches>();
}

}  // namespace ringway
