#pragma once

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include <atomic>
#include <cstdint>

namespace ringway {

// In test builds each mbuf is marked where a port's driver hands it over, and the mark is looked for where it goes out:
// the same buffer, for every packet. A packet that was copied into another buffer has no mark there. In all other
// builds these are nothing.
#if defined(RINGWAY_CUSTODY)

inline constexpr bool kCustody = true;

/// Offset of the mark within an mbuf (rte_mbuf_dynfield_register); main: written before any leg is polled. -1: none.
inline int custody_offset = -1;
/// Packets that went out in a buffer that no port has received, since the process began. Any lcore.
inline std::atomic<std::uint64_t> packets_in_other_buffers{0};

inline std::uint64_t& custody_mark(rte_mbuf* mbuf) noexcept {
  return *RTE_MBUF_DYNFIELD(mbuf, custody_offset, std::uint64_t*);
}

/// Of mbufs that a port has just received, or has just refused to send.
inline void mark(rte_mbuf** mbufs, std::uint16_t n) noexcept {
  for (std::uint16_t i = 0; custody_offset >= 0 && i < n; ++i) {
    custody_mark(mbufs[i]) = reinterpret_cast<std::uintptr_t>(mbufs[i]->buf_addr);
  }
}

/// Of mbufs that are about to be freed.
inline void unmark(rte_mbuf** mbufs, std::uint16_t n) noexcept {
  for (std::uint16_t i = 0; custody_offset >= 0 && i < n; ++i) {
    custody_mark(mbufs[i]) = 0;
  }
}

/// Of mbufs that are about to be sent: counts those without a mark, and takes the marks away.
inline void check_marks(rte_mbuf** mbufs, std::uint16_t n) noexcept {
  for (std::uint16_t i = 0; custody_offset >= 0 && i < n; ++i) {
    if (custody_mark(mbufs[i]) != reinterpret_cast<std::uintptr_t>(mbufs[i]->buf_addr)) {
      packets_in_other_buffers.fetch_add(1, std::memory_order_relaxed);
    }
    custody_mark(mbufs[i]) = 0;
  }
}

#else

inline constexpr bool kCustody = false;
inline void mark(rte_mbuf**, std::uint16_t) noexcept {}
inline void unmark(rte_mbuf**, std::uint16_t) noexcept {}
inline void check_marks(rte_mbuf**, std::uint16_t) noexcept {}

#endif

}  // namespace ringway
