#pragma once

#include <memory>

#include "ladder/process_pair.h"

namespace ringway {

/// A ring of messages in memory that both processes have mapped; the receiver reads them in place.
std::unique_ptr<MessagePath> make_ring_path(std::size_t block);

}  // namespace ringway
