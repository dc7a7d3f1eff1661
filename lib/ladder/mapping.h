#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <system_error>
#include <utility>

namespace ringway {

/// Owns a piece of mapped memory.
class Mapping {
 public:
  /// Memory of this process, or with MAP_SHARED of its children too; or what `fd` has. Throws std::system_error.
  explicit Mapping(std::size_t bytes, int flags = MAP_PRIVATE | MAP_ANONYMOUS, int fd = -1) : bytes_(bytes) {
    void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED) {
      throw std::system_error(errno, std::generic_category(), "mmap");
    }
    start_ = static_cast<std::byte*>(at);
  }
  ~Mapping() { munmap(start_, bytes_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::byte* data() const noexcept { return start_; }
  std::size_t size() const noexcept { return bytes_; }
  std::span<std::byte> bytes() const noexcept { return {start_, bytes_}; }

 private:
  std::byte* start_ = nullptr;
  std::size_t bytes_;
};

}  // namespace ringway
