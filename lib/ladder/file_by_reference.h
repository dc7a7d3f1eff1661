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

}  // namespace ringway
