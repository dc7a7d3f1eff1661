#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <vector>

#include "ladder/descriptor.h"
#include "ladder/packet_drive.h"

namespace ringway {

/// Frames for one call of sendmmsg or recvmmsg, each with a place of its own.
class FrameBatch {
 public:
  FrameBatch();
  FrameBatch(const FrameBatch&) = delete;
  FrameBatch& operator=(const FrameBatch&) = delete;

  mmsghdr* messages() noexcept { return messages_.data(); }
  /// Where a frame lies or may come to lie.
  std::span<std::byte> place(unsigned index) noexcept;
  /// The frame that recvmmsg put there.
  std::span<const std::byte> frame(unsigned index) noexcept { return place(index).first(messages_[index].msg_len); }
  /// How much of a place is sent, or may be filled.
  void set_bytes(unsigned index, std::size_t bytes) noexcept { parts_[index].iov_len = bytes; }

  static constexpr std::size_t kPlaceBytes = 2048;

 private:
  std::vector<std::byte> bytes_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
};

/// Far ends over packet sockets.
class SocketEnds : public FlowEnds {
 public:
  /// Nonblocking sockets, which are the caller's.
  SocketEnds(const Descriptor& source, const Descriptor& sink, const FrameMaker& maker);

  unsigned send(std::uint64_t first, unsigned count) override;
  unsigned receive(FrameCheck& check) override;

 private:
  int source_;
  int sink_;
  FrameMaker maker_;
  FrameBatch sent_;
  FrameBatch received_;
};

}  // namespace ringway
