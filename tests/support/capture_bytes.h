#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ringway {

/// Writes numbers as a capture's file has them, in one byte order.
class CaptureBytes {
 public:
  CaptureBytes() : CaptureBytes(false) {}
  explicit CaptureBytes(bool big_endian) : big_endian_(big_endian) {}

  CaptureBytes& number(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> 8U * (big_endian_ ? bytes - 1 - i : i)));
    }
    return *this;
  }
  CaptureBytes& u16(std::uint64_t value) { return number(value, 2); }
  CaptureBytes& u32(std::uint64_t value) { return number(value, 4); }
  /// As pcapng has times: the upper half first.
  CaptureBytes& time(std::uint64_t value) { return u32(value >> 32U).u32(value); }
  CaptureBytes& text(const std::string& text, unsigned align = 1) {
    for (const char character : text) {
      bytes_.push_back(static_cast<std::byte>(character));
    }
    while (bytes_.size() % align != 0) {
      bytes_.push_back({});
    }
    return *this;
  }

  CaptureBytes& pcap(std::uint32_t magic = 0xa1b2c3d4, std::uint32_t link = 1) {
    return u32(magic).u16(2).u16(4).u32(0).u32(0).u32(262144).u32(link);
  }
  CaptureBytes& record(std::uint32_t seconds, std::uint32_t fraction, const std::string& frame,
                       std::size_t length = 0) {
    return u32(seconds).u32(fraction).u32(frame.size()).u32(length != 0 ? length : frame.size()).text(frame);
  }

  /// A pcapng block around a body, which is padded.
  CaptureBytes& block(std::uint32_t type, CaptureBytes body) {
    body.text("", 4);
    const std::size_t bytes = body.bytes_.size() + 12;
    u32(type).u32(bytes);
    bytes_.insert(bytes_.end(), body.bytes_.begin(), body.bytes_.end());
    return u32(bytes);
  }
  CaptureBytes body() const { return CaptureBytes(big_endian_); }
  CaptureBytes& section() { return block(0x0a0d0d0a, body().u32(0x1a2b3c4d).u16(1).u16(0).number(UINT64_MAX, 8)); }
  CaptureBytes& interface(std::uint32_t link = 1) { return interface(link, body()); }
  CaptureBytes& interface(std::uint32_t link, const CaptureBytes& options, std::uint32_t snap = 0) {
    CaptureBytes all = body().u16(link).u16(0).u32(snap);
    all.bytes_.insert(all.bytes_.end(), options.bytes_.begin(), options.bytes_.end());
    return block(1, std::move(all));
  }
  CaptureBytes& packet(std::uint32_t interface, std::uint64_t time_units, const std::string& frame,
                       std::size_t length = 0) {
    return block(
        6,
        body().u32(interface).time(time_units).u32(frame.size()).u32(length != 0 ? length : frame.size()).text(frame));
  }
  CaptureBytes& simple(const std::string& frame, std::size_t length = 0) {
    return block(3, body().u32(length != 0 ? length : frame.size()).text(frame));
  }

  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  bool big_endian_;
  std::vector<std::byte> bytes_;
};

}  // namespace ringway
