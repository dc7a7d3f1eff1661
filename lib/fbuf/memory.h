#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "fbuf/channel.h"

namespace ringway::fbuf {

/// A pool has at most so many buffers. Each may need a mapping of its own, since its neighbours may be protected
/// otherwise; a process has 65,530 of them (vm.max_map_count), and needs some itself.
inline constexpr std::uint32_t kMostBuffers = 32768;

/// The buffers of a pool, end to end.
struct Geometry {
  std::uint32_t buffers;
  std::size_t bytes;  ///< of each buffer; a multiple of the page size

  std::size_t total() const noexcept { return buffers * bytes; }
};

/// A pool's memory, mapped into this process and not into its children.
class Memory {
 public:
  /// The originator's: new, writable, reserved as a whole. The file behind it is sealed, so that nobody else can ever
  /// map it writable, write to it or change its size. Throws Error where the geometry is refused or memory is lacking.
  explicit Memory(Geometry geometry);
  /// A receiver's: what the originator sent, to read. Throws Error where it is not sealed as above, or of another size.
  Memory(Geometry geometry, const File& file);

  const Geometry& geometry() const noexcept { return geometry_; }
  std::byte* buffer(std::uint32_t index) const noexcept { return begin_.get() + index * geometry_.bytes; }
  /// The memfd of the originator's; none in a receiver.
  const File& file() const noexcept { return file_; }

  /// Makes `count` neighbours writable or read-only. Throws Error. Originator only: a receiver's stay read-only.
  void protect(std::uint32_t first, std::uint32_t count, bool writable);

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(std::byte* begin) const noexcept;
  };

  void map(const File& file, int protection, int flags);

  Geometry geometry_;
  File file_;
  std::unique_ptr<std::byte, Unmap> begin_;
};

}  // namespace ringway::fbuf
