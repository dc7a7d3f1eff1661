#pragma once

#include <memory>

#include "ladder/process_pair.h"

namespace ringway {

/// Buffers that the sender owns and the receiver reads where they are. The messages lie in them from the beginning, as
/// packets that came would.
std::unique_ptr<MessagePath> make_fbuf_path(std::size_t block);

}  // namespace ringway
