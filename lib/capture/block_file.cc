#include "capture/block_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "capture/pcapng.h"
#include "core/errors.h"
#include "datapath/copy_payload.h"

namespace ringway {
namespace {

constexpr std::size_t kAlignment = 4096;  // what O_DIRECT asks of addresses, lengths and offsets at most

/// Empties a file, unless it is another capture's or a replay's: each has a lock of its file.
int take_over(int fd) {
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return EWOULDBLOCK;
  }
  return ftruncate(fd, 0) != 0 ? errno : 0;
}

constexpr std::size_t round_up(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

BlockFile::BlockFile(BlockIo& io, Counters& ledger) : io_(io), ledger_(ledger) {
  for (Block& block : blocks_) {
    block.bytes = {static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, kBytes + kLongestRecord)), &std::free};
    if (!block.bytes) {
      throw Error(ExitStatus::kResourceMissing, "no memory for the buffers of a capture");
    }
  }
}

BlockFile::~BlockFile() {
  close();
}

int BlockFile::open(int folder, const std::string& name, bool exclusive) noexcept {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (exclusive ? O_EXCL : 0);
  constexpr mode_t kOwnersOnly = 0600;  // packets are nobody else's business
  fd_ = openat(folder, name.c_str(), flags | O_DIRECT, kOwnersOnly);
  direct_ = fd_ >= 0;
  if (fd_ < 0 && errno == EINVAL) {
    if (exclusive) {
      unlinkat(folder, name.c_str(), 0);  // made before the file system refused
    }
    fd_ = openat(folder, name.c_str(), flags, kOwnersOnly);
  }
  error_ = 0;
  offset_ = end_ = 0;
  used_ = flushed_ = 0;
  const int error = fd_ < 0 ? errno : exclusive ? 0 : take_over(fd_);
  if (error != 0 && fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
  return error;
}

void BlockFile::copy_packet(std::uint8_t* to, const rte_mbuf* packet, std::uint32_t bytes) noexcept {
  std::uint64_t packets = 1;
  for (const rte_mbuf* segment = packet; bytes > 0; segment = segment->next) {
    const std::uint32_t part = std::min<std::uint32_t>(bytes, segment->data_len);
    copy_payload(to, rte_pktmbuf_mtod(segment, const void*), part, CopyReason::kCapture, ledger_, packets);
    to += part;
    bytes -= part;
    packets = 0;
  }
}

void BlockFile::add(std::size_t bytes, bool packet) noexcept {
  if (error_ != 0) {
    return;
  }
  packets_ += packet ? 1 : 0;
  used_ += bytes;
  if (used_ < kBytes) {
    return;
  }
  // The record goes on in the next block.
  const std::size_t rest = used_ - kBytes;
  Block& full = blocks_[current_];
  full.end = offset_ + used_ - (rest > 0 ? bytes : 0);
  full.packets = packets_ - (rest > 0 && packet ? 1 : 0);
  start_block();
  if (error_ == 0 && rest > 0) {
    copy_payload(buffer(), full.bytes.get() + kBytes, rest, CopyReason::kCapture, ledger_, 0);
  }
  used_ = rest;
}

/// Sends the current block on its way; another one is current then.
void BlockFile::start_block() noexcept {
  Block& block = blocks_[current_];
  block.write = {.fd = fd_, .bytes = block.bytes.get(), .length = kBytes, .offset = offset_};
  io_.start(block.write);
  offset_ += kBytes;
  flushed_ = 0;
  current_ = (current_ + 1) % kBlocks;
  ++on_their_way_;
  settle(false);
  while (on_their_way_ == kBlocks) {
    io_.look(true);
    settle(false);
  }
}

/// Takes note of writes that are done, in order; with `all`, waits for every one.
void BlockFile::settle(bool all) noexcept {
  io_.look(false);
  while (on_their_way_ > 0) {
    Block& block = blocks_[(current_ + kBlocks - on_their_way_) % kBlocks];
    while (all && !block.write.done) {
      io_.look(true);
    }
    if (!block.write.done) {
      return;
    }
    --on_their_way_;
    if (block.write.error != 0) {
      fail(block.write.error);
    } else if (error_ == 0) {
      end_ = std::max(end_, block.end);
      packets_in_file_ = std::max(packets_in_file_, block.packets);
    }
  }
}

void BlockFile::flush() noexcept {
  settle(true);
  if (error_ != 0 || !dirty()) {
    return;
  }
  // Whole, even if the process ends before the padding is cut off again.
  const std::size_t padded = round_up(used_ + kLeastPadding);
  write_padding_block(next(), padded - used_);
  int error = write_all_at(fd_, buffer(), padded, offset_);
  if (error == 0 && ftruncate(fd_, static_cast<off_t>(offset_ + used_)) != 0) {
    error = errno;
  }
  if (error != 0) {
    fail(error);
    return;
  }
  flushed_ = used_;
  end_ = offset_ + used_;
  packets_in_file_ = packets_;
}

/// From now on nothing is written any more; the file ends where it is known to be whole.
void BlockFile::fail(int error) noexcept {
  if (error_ == 0) {
    error_ = error;
    settle(true);
    static_cast<void>(ftruncate(fd_, static_cast<off_t>(end_)));
  }
}

int BlockFile::close() noexcept {
  if (!is_open()) {
    return error_;
  }
  flush();
  closed_bytes_ += std::exchange(end_, 0);
  offset_ = 0;
  used_ = flushed_ = 0;
  if (::close(std::exchange(fd_, -1)) != 0 && error_ == 0) {
    error_ = errno;
  }
  return error_;
}

}  // namespace ringway
