#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "capture/block_io.h"
#include "datapath/counters.h"

namespace ringway {

/// A file that grows by blocks of kBytes, written past the page cache (O_DIRECT) where its file system allows that,
/// with several on their way at once. What is put in are records (of pcapng), some of which are packets; a file that
/// cannot be written any further ends behind a whole record. One thread.
class BlockFile {
 public:
  static constexpr std::size_t kBytes = 1UL << 20U;
  static constexpr std::size_t kLongestRecord = 512UL * 1024;

  /// `io` and `ledger`, the copy ledger of the thread that writes, outlive it. Throws Error when there is no memory.
  BlockFile(BlockIo& io, Counters& ledger);
  ~BlockFile();
  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;

  /// Begins a file, empty, in the place of any other. `folder` is a file descriptor; `exclusive`: it must not be there.
  /// 0, or an errno: EWOULDBLOCK where another capture writes it, or it is replayed.
  int open(int folder, const std::string& name, bool exclusive) noexcept;
  bool is_open() const noexcept { return fd_ >= 0; }
  /// Whether it is written past the page cache.
  bool direct() const noexcept { return direct_; }

  /// Where the next record goes, which has up to kLongestRecord bytes.
  std::uint8_t* next() noexcept { return buffer() + used_; }
  /// Copies the first bytes of a packet there, into a record that is not added yet.
  void copy_packet(std::uint8_t* to, const rte_mbuf* packet, std::uint32_t bytes) noexcept;
  /// The record is there. Its length is a multiple of 4.
  void add(std::size_t bytes, bool packet) noexcept;

  /// Writes what is there and not in the file yet, and waits for it.
  void flush() noexcept;
  /// The same, and the file is complete. 0, or an errno: then packets are missing at its end.
  int close() noexcept;

  /// Bytes put in.
  std::uint64_t bytes() const noexcept { return offset_ + used_; }
  /// Whether there is something that flush() would write.
  bool dirty() const noexcept { return used_ > flushed_; }
  /// The first error since it was opened. What is put in after it is lost.
  int error() const noexcept { return error_; }

  /// Of all files so far: packets that are in a file.
  std::uint64_t packets_in_file() const noexcept { return packets_in_file_; }
  /// Of all files so far: bytes in files.
  std::uint64_t bytes_in_files() const noexcept { return closed_bytes_ + end_; }

 private:
  static constexpr std::size_t kBlocks = 4;

  /// A buffer and its way to the file.
  struct Block {
    std::unique_ptr<std::uint8_t, void (*)(void*)> bytes{nullptr, nullptr};
    BlockWrite write;
    std::uint64_t end = 0;      // of the file behind the block's last whole record
    std::uint64_t packets = 0;  // put in up to there
  };

  std::uint8_t* buffer() noexcept { return blocks_[current_].bytes.get(); }
  void start_block() noexcept;
  void settle(bool all) noexcept;
  void fail(int error) noexcept;

  BlockIo& io_;
  Counters& ledger_;
  std::array<Block, kBlocks> blocks_;
  std::size_t current_ = 0;       // the buffer that is being filled
  std::size_t on_their_way_ = 0;  // the so many before it
  int fd_ = -1;
  bool direct_ = false;
  int error_ = 0;
  std::uint64_t offset_ = 0;  // of the current buffer in the file
  std::size_t used_ = 0;      // bytes in it
  std::size_t flushed_ = 0;   // of them, bytes that are in the file already
  std::uint64_t end_ = 0;     // of the file behind the last whole record known to be in it
  std::uint64_t packets_ = 0;
  std::uint64_t packets_in_file_ = 0;
  std::uint64_t closed_bytes_ = 0;
};

}  // namespace ringway
