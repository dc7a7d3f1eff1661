#pragma once

#include "ladder/file_move.h"

namespace ringway {

/// A pipe that holds a block: slots that refer to pages.
class BlockPipe {
 public:
  /// As large as asked for, or as this user may have.
  explicit BlockPipe(std::uint64_t bytes);

  int in() const noexcept { return ends_.in.get(); }
  int out() const noexcept { return ends_.out.get(); }

  /// splice(2) of what is in it into a socket, until all of it is there.
  void empty_into(int socket, std::uint64_t bytes) const;

 private:
  Pipe ends_;
};

/// splice: page cache to pipe, pipe to socket.
class Splice final : public FileMove {
 public:
  explicit Splice(const Ends& ends) : ends_(ends), pipe_(ends.block) {}
  void move(std::uint64_t offset, std::uint64_t bytes) override;

 private:
  const Ends ends_;
  const BlockPipe pipe_;
};

/// tee + splice: the pipe's slots doubled, the same pages to two sockets.
class Tee final : public FileMove {
 public:
  explicit Tee(const Ends& ends) : ends_(ends), first_(ends.block), second_(ends.block) {}
  void move(std::uint64_t offset, std::uint64_t bytes) override;
  void tell(Outcome& outcome) const override;

 private:
  const Ends ends_;
  const BlockPipe first_;
  const BlockPipe second_;
};

/// vmsplice + splice: pages of the program's own memory to pipe and socket.
class VmSplice final : public FileMove {
 public:
  /// The file's own pages, mapped.
  explicit VmSplice(const Ends& ends) : VmSplice(ends, ends.file.pages_to_fault_in()) {}
  /// Another mapping of the whole file, which outlives it.
  VmSplice(const Ends& ends, std::span<std::byte> mapped) : ends_(ends), mapped_(mapped), pipe_(ends.block) {}
  void move(std::uint64_t offset, std::uint64_t bytes) override;

 private:
  const Ends ends_;
  const std::span<std::byte> mapped_;
  const BlockPipe pipe_;
};

}  // namespace ringway
