#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "ladder/file_move.h"

namespace ringway {

/// What became of the pages of a piece that was sent.
struct Seen {
  double copies_per_byte = 0;
  std::string shown_by;
};

/// Sends a piece of the file that nobody reads yet, then changes a byte of each page in every place where it was, one
/// place after another. Where the change shows in the next place, or at the far end, there is one page under two names;
/// where it does not, there was a copy. The file and the stream are as before when it is done. Throws Error where the
/// piece does not arrive in time.
Seen probe(FileMove& move, const Ends& ends, std::span<const int> far_sockets, std::uint64_t offset,
           std::uint64_t bytes, std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace ringway
