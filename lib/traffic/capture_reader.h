#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringway {

/// Why a file cannot be replayed at all.
enum class CaptureFault : std::uint8_t {
  kNone,
  kTooShort,     ///< it ends inside its first header
  kUnknown,      ///< neither pcap nor pcapng
  kCompressed,   ///< gzip, zstd, lz4, xz or bzip2
  kNotEthernet,  ///< its frames are of another link type
  kWithFcs,      ///< its frames end with their checksums, which no port sends along
};

/// For messages: `is neither pcap nor pcapng; expected one of both`. Empty for kNone.
const char* text_of(CaptureFault fault) noexcept;

/// A frame as it stands in a capture.
struct CapturedFrame {
  const std::byte* data = nullptr;  ///< inside the file
  std::uint32_t captured = 0;       ///< bytes in the file, all of them there
  std::uint32_t length = 0;         ///< bytes that it had on the wire
  std::uint64_t ns = 0;             ///< its time; differences count, modulo 2^64. Without one: that of the frame before
  bool ethernet = false;            ///< whether it is an Ethernet frame without its checksum
};

/// Walks through a capture in memory, frame by frame, and copies nothing: pcap of both byte orders, with micro- or
/// nanoseconds; pcapng with any number of sections (section header, interface description, enhanced, simple and
/// obsolete packet blocks; others are skipped). Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
///
/// Whatever the file holds, nothing outside of it is read, and each step goes forward.
class CaptureReader {
 public:
  enum class Step : std::uint8_t {
    kFrame,    ///< here is one
    kEnd,      ///< the file is over
    kDamaged,  ///< what stands at offset() cannot be, or goes on behind the file's end
  };

  /// `file` outlives it. Stands before the first frame.
  explicit CaptureReader(std::span<const std::byte> file) noexcept;

  /// Anything but kNone: there is nothing to be read. Of pcapng only the interfaces before the first frame are looked
  /// at: kNotEthernet when there are some and none is Ethernet.
  CaptureFault fault() const noexcept { return fault_; }

  /// Takes the next frame. Behind kEnd and kDamaged it stays there.
  Step next(CapturedFrame& frame) noexcept;

  /// Back to before the first frame.
  void rewind() noexcept;

  /// Bytes from the file's start to what next() looks at.
  std::uint64_t offset() const noexcept { return at_; }

 private:
  /// What a pcapng interface says of its frames.
  struct Interface {
    std::uint64_t multiply = 1000;  // units to nanoseconds: * multiply / divide, or * 10^9 >> shift
    std::uint64_t divide = 1;
    std::uint32_t shift = 0;  // 0: not by powers of two
    std::uint64_t offset_ns = 0;
    std::uint32_t snap = 0;
    bool ethernet = false;
  };
  /// Of one section; frames of interfaces beyond are not taken for Ethernet.
  static constexpr std::size_t kMostInterfaces = 64;

  std::uint64_t left() const noexcept { return file_.size() - at_; }
  std::uint16_t u16(std::uint64_t at) const noexcept;
  std::uint32_t u32(std::uint64_t at) const noexcept;
  std::uint64_t u64_by_halves(std::uint64_t at) const noexcept;

  void open_pcap(std::uint32_t magic) noexcept;
  void open_pcapng() noexcept;
  Step next_record(CapturedFrame& frame) noexcept;
  Step next_block(CapturedFrame& frame) noexcept;
  bool section(std::uint64_t bytes) noexcept;
  bool interface(std::uint64_t bytes) noexcept;
  void option(Interface& of, std::uint16_t code, std::uint64_t at, std::uint16_t bytes) noexcept;
  bool packet(std::uint32_t type, std::uint64_t bytes, CapturedFrame& frame) noexcept;
  bool simple_packet(std::uint64_t bytes, CapturedFrame& frame) noexcept;
  static std::uint64_t to_ns(const Interface& from, std::uint64_t units) noexcept;

  std::span<const std::byte> file_;
  std::uint64_t at_ = 0;
  std::uint64_t first_ = 0;  // where frames, or blocks, begin
  std::uint64_t last_ns_ = 0;
  CaptureFault fault_ = CaptureFault::kNone;
  bool pcapng_ = false;
  bool swapped_ = false;  // bytes of numbers stand in the other order
  std::uint32_t ns_per_fraction_ = 1000;
  std::size_t interface_count_ = 0;
  std::array<Interface, kMostInterfaces> interfaces_{};
};

}  // namespace ringway
