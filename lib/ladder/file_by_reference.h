#pragma once

#include "ladder/file_move.h"

namespace ringway {

/// sendfile: the socket's buffer refers to the page cache.
class SendFile final : public FileMove {
 public:
  explicit SendFile(const Ends& ends) : ends_(ends) {}
  void move(std::uint64_t offset, std::uint64_t bytes) override;

 private:
  const Ends ends_;
};

/// send with MSG_ZEROCOPY: the socket's buffer refers to the program's memory, here the file's pages, until the kernel
/// tells on the socket's error queue that it has done with them; and whether it copied them after all.
class ZeroCopySend final : public FileMove {
 public:
  explicit ZeroCopySend(const Ends& ends);
  void move(std::uint64_t offset, std::uint64_t bytes) override;
  void finish() override;
  void tell(Outcome& outcome) const override;

 private:
  void wait_for_completions();
  bool take_completions();

  const Ends ends_;
  const std::span<const std::byte> mapped_;
  std::uint64_t sends_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t copied_ = 0;
};

}  // namespace ringway
