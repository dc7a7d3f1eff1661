#include "traffic/capture_reader.h"

#include <algorithm>
#include <bit>

namespace ringway {
namespace {

constexpr std::uint64_t kPcapHeader = 24;
constexpr std::uint64_t kPcapRecord = 16;
constexpr std::uint32_t kPcapMicro = 0xa1b2c3d4;
constexpr std::uint32_t kPcapNano = 0xa1b23c4d;
constexpr std::uint32_t kEthernet = 1;
constexpr std::uint32_t kLinkTypeBits = 0xffff;
constexpr std::uint32_t kHasFcs = 0x04000000;  // the upper four bits say how long it is

constexpr std::uint32_t kSection = 0x0a0d0d0a;
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kObsoletePacket = 2;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;

constexpr std::uint64_t kBlockFrame = 12;  // type, length and the length again at the end
constexpr std::uint64_t kBody = 8;         // where a block's body begins
constexpr std::uint64_t kOptionHead = 4;

constexpr std::uint64_t kNsPerS = 1'000'000'000;

// No file of real traffic has longer ones; past it a length is damage rather than a frame to skip.
constexpr std::uint32_t kLongestRecord = 256U << 20U;

constexpr std::uint64_t padded(std::uint64_t bytes) noexcept {
  return (bytes + 3) / 4 * 4;
}

constexpr std::uint64_t power_of_ten(unsigned exponent) noexcept {
  std::uint64_t power = 1;
  for (unsigned i = 0; i < exponent; ++i) {
    power *= 10;
  }
  return power;
}

/// A compressed file's first bytes, as a little-endian number.
bool is_compressed(std::uint32_t magic) noexcept {
  return (magic & 0xffff) == 0x8b1f || magic == 0xfd2fb528 || magic == 0x184d2204 || magic == 0x587a37fd ||
         (magic & 0xffffff) == 0x685a42;
}

}  // namespace

const char* text_of(CaptureFault fault) noexcept {
  switch (fault) {
    case CaptureFault::kNone:
      break;
    case CaptureFault::kTooShort:
      return "ends inside its first header; expected a whole capture";
    case CaptureFault::kUnknown:
      return "is neither pcap nor pcapng; expected one of them";
    case CaptureFault::kCompressed:
      return "is compressed, and frames are sent from the file as they stand there; expected it unpacked";
    case CaptureFault::kNotEthernet:
      return "holds frames of another link type; expected Ethernet";
    case CaptureFault::kWithFcs:
      return "holds frames with their checksums (FCS), which no port sends along; expected them without: editcap -C -4";
  }
  return "";
}

CaptureReader::CaptureReader(std::span<const std::byte> file) noexcept : file_(file) {
  if (file.size() < kBlockFrame) {
    fault_ = CaptureFault::kTooShort;
    return;
  }
  const std::uint32_t magic = u32(0);
  for (const std::uint32_t number : {magic, __builtin_bswap32(magic)}) {
    if (number == kPcapMicro || number == kPcapNano) {
      swapped_ = number != magic;
      open_pcap(number);
      return;
    }
  }
  if (magic == kSection) {
    open_pcapng();
  } else {
    fault_ = is_compressed(magic) ? CaptureFault::kCompressed : CaptureFault::kUnknown;
  }
}

void CaptureReader::open_pcap(std::uint32_t magic) noexcept {
  if (file_.size() < kPcapHeader) {
    fault_ = CaptureFault::kTooShort;
    return;
  }
  const std::uint32_t network = u32(20);
  if ((network & kLinkTypeBits) != kEthernet) {
    fault_ = CaptureFault::kNotEthernet;
  } else if ((network & kHasFcs) != 0 && network >> 28U != 0) {
    fault_ = CaptureFault::kWithFcs;
  }
  ns_per_fraction_ = magic == kPcapNano ? 1 : 1000;
  first_ = kPcapHeader;
  rewind();
}

void CaptureReader::open_pcapng() noexcept {
  pcapng_ = true;
  CapturedFrame frame;
  const Step step = next_block(frame);
  if (interface_count_ > 0 && std::none_of(interfaces_.begin(), interfaces_.begin() + interface_count_,
                                           [](const Interface& one) { return one.ethernet; })) {
    fault_ = CaptureFault::kNotEthernet;
  } else if (step == Step::kDamaged && at_ == 0) {
    fault_ = CaptureFault::kUnknown;
  }
  rewind();
}

void CaptureReader::rewind() noexcept {
  at_ = first_;
  last_ns_ = 0;
}

std::uint16_t CaptureReader::u16(std::uint64_t at) const noexcept {
  std::uint16_t number = 0;
  for (unsigned i = 0; i < 2; ++i) {
    number = static_cast<std::uint16_t>(number | std::to_integer<unsigned>(file_[at + i]) << 8U * i);
  }
  return swapped_ ? __builtin_bswap16(number) : number;
}

std::uint32_t CaptureReader::u32(std::uint64_t at) const noexcept {
  std::uint32_t number = 0;
  for (unsigned i = 0; i < 4; ++i) {
    number |= std::to_integer<std::uint32_t>(file_[at + i]) << 8U * i;
  }
  return swapped_ ? __builtin_bswap32(number) : number;
}

/// The upper half stands first, whatever the byte order.
std::uint64_t CaptureReader::u64_by_halves(std::uint64_t at) const noexcept {
  return std::uint64_t{u32(at)} << 32U | u32(at + 4);
}

CaptureReader::Step CaptureReader::next(CapturedFrame& frame) noexcept {
  if (fault_ != CaptureFault::kNone || left() == 0) {
    return Step::kEnd;
  }
  return pcapng_ ? next_block(frame) : next_record(frame);
}

CaptureReader::Step CaptureReader::next_record(CapturedFrame& frame) noexcept {
  if (left() < kPcapRecord) {
    return Step::kDamaged;
  }
  const std::uint32_t captured = u32(at_ + 8);
  if (captured > kLongestRecord || captured > left() - kPcapRecord) {
    return Step::kDamaged;
  }
  frame = {.data = file_.data() + at_ + kPcapRecord,
           .captured = captured,
           .length = u32(at_ + 12),
           .ns = u32(at_) * kNsPerS + std::uint64_t{u32(at_ + 4)} * ns_per_fraction_,
           .ethernet = true};
  at_ += kPcapRecord + captured;
  return Step::kFrame;
}

/// Goes through blocks up to one with a frame.
CaptureReader::Step CaptureReader::next_block(CapturedFrame& frame) noexcept {
  while (left() > 0) {
    if (left() < kBlockFrame) {
      return Step::kDamaged;
    }
    const std::uint32_t type = u32(at_);
    if (type == kSection) {  // it may change the byte order, which its length is written in
      const std::uint32_t order = u32(at_ + kBody);
      if (order != kByteOrder && order != __builtin_bswap32(kByteOrder)) {
        return Step::kDamaged;
      }
      swapped_ = swapped_ != (order != kByteOrder);
    }
    const std::uint64_t bytes = u32(at_ + 4);
    if (bytes < kBlockFrame || bytes % 4 != 0 || bytes > left() || u32(at_ + bytes - 4) != bytes) {
      return Step::kDamaged;
    }
    bool is_frame = false;
    bool good = true;
    switch (type) {
      case kSection:
        good = section(bytes);
        break;
      case kInterface:
        good = interface(bytes);
        break;
      case kEnhancedPacket:
      case kObsoletePacket:
        good = is_frame = packet(type, bytes, frame);
        break;
      case kSimplePacket:
        good = is_frame = simple_packet(bytes, frame);
        break;
      default:
        break;
    }
    if (!good) {
      return Step::kDamaged;
    }
    at_ += bytes;
    if (is_frame) {
      return Step::kFrame;
    }
  }
  return Step::kEnd;
}

bool CaptureReader::section(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t kHeader = 28;
  constexpr std::uint16_t kVersion = 1;
  interface_count_ = 0;
  return bytes >= kHeader && u16(at_ + 12) == kVersion;
}

bool CaptureReader::interface(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t kHeader = 20;
  if (bytes < kHeader) {
    return false;
  }
  if (interface_count_ == kMostInterfaces) {
    return true;
  }
  Interface& one = interfaces_[interface_count_++];
  one = {};
  one.ethernet = u16(at_ + kBody) == kEthernet;
  one.snap = u32(at_ + kBody + 4);
  const std::uint64_t end = at_ + bytes - 4;
  for (std::uint64_t at = at_ + kBody + 8; at + kOptionHead <= end;) {
    const std::uint16_t code = u16(at);
    const std::uint16_t length = u16(at + 2);
    at += kOptionHead;
    if (code == 0 || length > end - at) {
      break;
    }
    option(one, code, at, length);
    at += padded(length);
  }
  return true;
}

void CaptureReader::option(Interface& of, std::uint16_t code, std::uint64_t at, std::uint16_t bytes) noexcept {
  constexpr std::uint16_t kResolution = 9;
  constexpr std::uint16_t kFcsLength = 13;
  constexpr std::uint16_t kTimeOffset = 14;
  if (code == kResolution && bytes == 1) {
    const unsigned exponent = std::to_integer<unsigned>(file_[at]) & 0x7fU;
    const bool of_two = (std::to_integer<unsigned>(file_[at]) & 0x80U) != 0;
    of.shift = of_two ? exponent : 0;
    of.multiply = of_two ? (exponent == 0 ? kNsPerS : 1) : power_of_ten(exponent < 9 ? 9 - exponent : 0);
    of.divide = of_two ? 1 : power_of_ten(std::clamp(exponent, 9U, 28U) - 9);
  } else if (code == kFcsLength && bytes == 1) {
    of.ethernet = of.ethernet && file_[at] == std::byte{0};
  } else if (code == kTimeOffset && bytes == 8) {
    // A 64-bit number in the section's byte order.
    const std::uint64_t seconds = swapped_ ? u64_by_halves(at) : std::uint64_t{u32(at + 4)} << 32U | u32(at);
    of.offset_ns = seconds * kNsPerS;
  }
}

/// Both kinds differ in how they name their interface only.
bool CaptureReader::packet(std::uint32_t type, std::uint64_t bytes, CapturedFrame& frame) noexcept {
  constexpr std::uint64_t kHeader = 28;
  if (bytes < kHeader + 4 || u32(at_ + 20) > bytes - kHeader - 4) {
    return false;
  }
  const std::uint32_t id = type == kObsoletePacket ? u16(at_ + kBody) : u32(at_ + kBody);
  const Interface unknown;
  const Interface& from = id < interface_count_ ? interfaces_[id] : unknown;
  last_ns_ = to_ns(from, u64_by_halves(at_ + 12));
  frame = {.data = file_.data() + at_ + kHeader,
           .captured = u32(at_ + 20),
           .length = u32(at_ + 24),
           .ns = last_ns_,
           .ethernet = from.ethernet};
  return true;
}

/// How much of it was captured follows from the first interface's limit.
bool CaptureReader::simple_packet(std::uint64_t bytes, CapturedFrame& frame) noexcept {
  constexpr std::uint64_t kHeader = 12;
  if (bytes < kHeader + 4 || interface_count_ == 0) {
    return false;
  }
  const std::uint32_t length = u32(at_ + kBody);
  const Interface& from = interfaces_[0];
  const std::uint32_t captured = from.snap != 0 ? std::min(length, from.snap) : length;
  if (captured > bytes - kHeader - 4) {
    return false;
  }
  frame = {.data = file_.data() + at_ + kHeader,
           .captured = captured,
           .length = length,
           .ns = last_ns_,
           .ethernet = from.ethernet};
  return true;
}

std::uint64_t CaptureReader::to_ns(const Interface& from, std::uint64_t units) noexcept {
  std::uint64_t ns = units / from.divide * from.multiply;
  if (from.shift != 0) {
    ns = static_cast<std::uint64_t>(static_cast<unsigned __int128>(units) * kNsPerS >> from.shift);
  }
  return ns + from.offset_ns;
}

}  // namespace ringway
