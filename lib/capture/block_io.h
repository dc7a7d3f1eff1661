#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace ringway {

/// A write that is on its way. Its owner keeps it, and what it points to, until it is done.
struct BlockWrite {
  int fd = -1;
  const std::uint8_t* bytes = nullptr;
  std::size_t length = 0;
  std::uint64_t offset = 0;  ///< in the file
  bool done = true;
  int error = 0;  ///< once done: an errno, or 0 for all of it written
};

/// Writes blocks to files, several at once by io_uring, and where the kernel has none for us one after another. One
/// thread.
class BlockIo {
 public:
  /// io_uring can do nothing but write, whatever the process may do otherwise.
  BlockIo();
  ~BlockIo();
  BlockIo(const BlockIo&) = delete;
  BlockIo& operator=(const BlockIo&) = delete;

  /// Why writes are made one after another; empty: they are not.
  const std::string& without_uring() const noexcept { return without_uring_; }

  void start(BlockWrite& write) noexcept;
  /// Marks writes done that are; with `wait`, one at least. Not with `wait` while none is on its way.
  void look(bool wait) noexcept;

 private:
  void complete(io_uring_cqe* cqe) noexcept;

  io_uring ring_{};
  std::string without_uring_;
};

/// Writes all of it at that place, however often the kernel takes a part only. 0, or an errno.
int write_all_at(int fd, const std::uint8_t* bytes, std::size_t length, std::uint64_t offset) noexcept;

}  // namespace ringway
