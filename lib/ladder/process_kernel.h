#pragma once

#include <memory>

#include "ladder/process_pair.h"

namespace ringway {

/// Messages through the kernel: as a stream of bytes in a pipe, or each a datagram of a Unix socket.
std::unique_ptr<MessagePath> make_pipe_path(std::size_t block);
std::unique_ptr<MessagePath> make_datagram_path(std::size_t block);

}  // namespace ringway
