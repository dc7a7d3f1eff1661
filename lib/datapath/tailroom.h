#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace ringway {

// An mbuf is one allocation to AddressSanitizer, so it does not see a read past a frame's end by itself. In its builds
// the bytes behind every segment are poisoned while stages look at a packet; in all other builds these are nothing.
#if defined(__SANITIZE_ADDRESS__)

inline void* end_of_data(rte_mbuf* segment) noexcept {
  return static_cast<char*>(segment->buf_addr) + segment->data_off + segment->data_len;
}

/// Before stages: touching the tailroom of any segment is reported, with file and line.
inline void poison_tailrooms(rte_mbuf** mbufs, std::uint16_t n) noexcept {
  for (std::uint16_t i = 0; i < n; ++i) {
    for (rte_mbuf* segment = mbufs[i]; segment != nullptr; segment = segment->next) {
      ASAN_POISON_MEMORY_REGION(end_of_data(segment), rte_pktmbuf_tailroom(segment));
    }
  }
}

/// Before mbufs leave the leg: drivers and the pool may use the whole buffer.
inline void unpoison_tailrooms(rte_mbuf** mbufs, std::uint16_t n) noexcept {
  for (std::uint16_t i = 0; i < n; ++i) {
    for (rte_mbuf* segment = mbufs[i]; segment != nullptr; segment = segment->next) {
      ASAN_UNPOISON_MEMORY_REGION(end_of_data(segment), rte_pktmbuf_tailroom(segment));
    }
  }
}

#else

inline void poison_tailrooms(rte_mbuf**, std::uint16_t) noexcept {}
inline void unpoison_tailrooms(rte_mbuf**, std::uint16_t) noexcept {}

#endif

}  // namespace ringway
