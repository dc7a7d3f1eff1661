#pragma once

#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringway {

using Mac = std::array<std::uint8_t, ETH_ALEN>;

/// A frame's headers as they lie on the wire: UDP in IPv4 in Ethernet.
struct [[gnu::packed]] FrameHeader {
  ether_header ethernet;
  iphdr ip;
  udphdr udp;
};

/// The headers of frames of `frame_bytes`, with IPv4's checksum and without UDP's (RFC 768 allows it). Addresses are
/// those of packet_wires.h.
FrameHeader make_header(const Mac& from, const Mac& to, std::uint8_t ttl, unsigned frame_bytes);

/// Makes the frames of a row: the headers, the frame's number, and its piece of the pattern.
class FrameMaker {
 public:
  /// `frame_bytes`: without CRC, 60 at least.
  FrameMaker(const FrameHeader& header, unsigned frame_bytes) : header_(header), frame_bytes_(frame_bytes) {}

  unsigned frame_bytes() const noexcept { return frame_bytes_; }

  /// Writes frame `number`; returns its bytes, a prefix of `into`.
  std::span<std::byte> make(std::span<std::byte> into, std::uint64_t number) const noexcept;

 private:
  FrameHeader header_;
  unsigned frame_bytes_;
};

/// Compares what arrives with the row, from its first frame on.
class FrameCheck {
 public:
  /// The row as it should arrive: a router changes the headers.
  explicit FrameCheck(const FrameMaker& expected) : expected_(expected) {}

  /// Looks at a frame as it arrived, each byte of it.
  void look_at(std::span<const std::byte> frame) noexcept;

  /// Frames of the row that arrived, each counted once.
  std::uint64_t arrived() const noexcept { return arrived_; }
  /// Frames with a byte that was not sent so, or of another length.
  std::uint64_t altered() const noexcept { return altered_; }
  /// Frames that came twice, or after a later one.
  std::uint64_t out_of_order() const noexcept { return out_of_order_; }
  /// Whether the first `sent` frames arrived, each once, in order and as they were made.
  bool all_arrived(std::uint64_t sent) const noexcept {
    return arrived_ == sent && next_ == sent && altered_ == 0 && out_of_order_ == 0;
  }

 private:
  FrameMaker expected_;
  std::uint64_t next_ = 0;  // the number that is due
  std::uint64_t arrived_ = 0;
  std::uint64_t altered_ = 0;
  std::uint64_t out_of_order_ = 0;
};

}  // namespace ringway
