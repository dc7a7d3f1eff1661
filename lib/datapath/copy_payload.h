#pragma once

#include <cstddef>
#include <cstring>

#include "datapath/counters.h"

namespace ringway {

/// The only function that copies packet data: `bytes` from `from` to `to`, entered in the copy ledger under a reason.
/// `packets`: 0 for a further part of a packet. Whose counters they are only.
inline void copy_payload(void* to, const void* from, std::size_t bytes, CopyReason reason, Counters& counters,
                         std::uint64_t packets = 1) noexcept {
  std::memcpy(to, from, bytes);
  counters.copied_packets[static_cast<std::size_t>(reason)].add(packets);
  counters.copied_bytes[static_cast<std::size_t>(reason)].add(bytes);
}

}  // namespace ringway
