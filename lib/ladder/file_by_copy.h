#pragma once

#include "ladder/file_move.h"

namespace ringway {

/// read + write: from the page cache into a buffer, from there into the socket's buffer.
class ReadWrite final : public FileMove {
 public:
  explicit ReadWrite(const Ends& ends) : ends_(ends), buffer_(ends.block) {}
  void move(std::uint64_t offset, std::uint64_t bytes) override;
  std::vector<Place> places(std::span<std::byte> file_pages) override;

 private:
  const Ends ends_;
  Mapping buffer_;
};

/// mmap + write: from the page cache, which is the program's memory, into the socket's buffer.
class MapWrite final : public FileMove {
 public:
  explicit MapWrite(const Ends& ends) : ends_(ends), mapped_(ends.file.pages_to_fault_in()) {}
  void move(std::uint64_t offset, std::uint64_t bytes) override;

 private:
  const Ends ends_;
  const std::span<const std::byte> mapped_;
};

/// read around the page cache + write: the disk writes into the buffer, a CPU copies it into the socket's.
class DirectWrite final : public FileMove {
 public:
  explicit DirectWrite(const Ends& ends);
  void move(std::uint64_t offset, std::uint64_t bytes) override;
  std::vector<Place> places(std::span<std::byte> file_pages) override;

 private:
  const Ends ends_;
  Descriptor direct_;
  Mapping buffer_;  // whole pages: any disk's alignment
};

}  // namespace ringway
