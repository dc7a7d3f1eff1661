#pragma once

#include <cstddef>
#include <cstring>

#include "datapath/counters.h"

namespace ringway {

/// The only function that copies packet data: `bytes` from `from` to `to`, entered in the copy ledger under a reason.
/// Owning lcore only.
inline void copy_payload(void* to, const void* from, std::size_t bytes, CopyReason reason,
                         Counters& counters) noexcept {
  std::memcpy(to, from, bytes);
  counters.copied_packets[static_cast<std::size_t>(reason)].add(1);
  counters.copied_bytes[static_cast<std::size_t>(reason)].add(bytes);
}

}  // namespace ringway
