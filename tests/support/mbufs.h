#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "datapath/burst.h"

namespace ringway {

/// A frame of `bytes` bytes that count up from 0; in one segment, or several of at most `segment` bytes.
inline rte_mbuf* make_frame(rte_mempool* pool, std::size_t bytes, std::size_t segment = 2048) {
  rte_mbuf* head = rte_pktmbuf_alloc(pool);
  rte_mbuf* last = head;
  for (std::size_t at = 0; at < bytes; ++at) {
    if (last->data_len == segment) {
      rte_mbuf* next = rte_pktmbuf_alloc(pool);
      rte_pktmbuf_chain(head, next);
      last = next;
    }
    *rte_pktmbuf_mtod_offset(last, std::uint8_t*, last->data_len) = static_cast<std::uint8_t>(at);
    ++last->data_len;
    ++head->pkt_len;
  }
  return head;
}

/// The bytes of a frame, chains included.
inline std::vector<std::uint8_t> bytes_of(const rte_mbuf* mbuf) {
  std::vector<std::uint8_t> bytes;
  for (const rte_mbuf* segment = mbuf; segment != nullptr; segment = segment->next) {
    const auto* data = rte_pktmbuf_mtod(segment, const std::uint8_t*);
    bytes.insert(bytes.end(), data, data + segment->data_len);
  }
  return bytes;
}

/// A burst that owns the given mbufs.
inline void fill(Burst& burst, const std::vector<rte_mbuf*>& mbufs) {
  std::copy(mbufs.begin(), mbufs.end(), burst.data());
  burst.resize(static_cast<std::uint16_t>(mbufs.size()));
}

}  // namespace ringway
