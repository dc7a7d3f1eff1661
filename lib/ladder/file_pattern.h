#pragma once

#include <cstdint>
#include <filesystem>

#include "ladder/descriptor.h"
#include "ladder/mapping.h"

namespace ringway {

/// Bytes that the page cache and page tables are in.
inline constexpr std::uint64_t kPage = 4096;

/// A file of the pattern, in the page cache, and on the disk too, so that nobody writes it back while it is sent. It
/// has no name once it is open, so that nothing is left when the process is killed.
class PatternFile {
 public:
  /// Throws CannotRun where the folder takes no such file.
  PatternFile(const std::filesystem::path& folder, std::uint64_t bytes);

  int fd() const noexcept { return fd_.get(); }
  std::uint64_t bytes() const noexcept { return bytes_; }

  /// Its pages in the page cache; what is written here is the file's.
  std::span<std::byte> pages() const noexcept { return pages_.bytes(); }

  /// The same, none of them in the page table any more: whoever uses them next faults them in.
  std::span<std::byte> pages_to_fault_in() const noexcept;

  /// What a call returned that was to take bytes out of it, by a descriptor or out of its pages. Throws Error where it
  /// found none, since somebody cut the file; std::system_error that names the call for another failure.
  ssize_t taken(ssize_t returned, const char* call) const;

  /// Opened anew, with O_DIRECT or the like. Throws CannotRun where its file system refuses.
  Descriptor reopened(int flags) const;

  /// Out of the page cache, as far as the file system lets go of it.
  void drop_from_cache() const;

  /// How much of it is in the page cache: by cachestat(2), where the kernel has none by mincore(2).
  std::uint64_t cached_bytes() const;

 private:
  std::uint64_t bytes_;
  std::filesystem::path folder_;
  Descriptor fd_;
  Mapping pages_;
};

}  // namespace ringway
