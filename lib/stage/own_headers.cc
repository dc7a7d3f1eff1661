#include "stage/own_headers.h"

#include "datapath/copy_payload.h"

namespace ringway {
namespace {

constexpr std::uint16_t kEthernetHeader = 14;

/// What the first segment says of the whole packet, for a new first one.
void take_over(rte_mbuf* header, const rte_mbuf* packet) noexcept {
  header->port = packet->port;
  header->ol_flags = packet->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
  header->packet_type = packet->packet_type;
  header->vlan_tci = packet->vlan_tci;
  header->vlan_tci_outer = packet->vlan_tci_outer;
  header->hash = packet->hash;
  header->tx_offload = packet->tx_offload;
  rte_mbuf_dynfield_copy(header, packet);
  header->pkt_len = packet->pkt_len;
}

/// What is left of the packet's segments once the first has lost `bytes` to the header; a segment left empty goes,
/// since NICs do not take such.
void chain_rest(rte_mbuf* header, rte_mbuf* packet, std::uint16_t bytes) noexcept {
  if (packet->data_len == bytes) [[unlikely]] {
    header->next = packet->next;
    header->nb_segs = packet->nb_segs;
    packet->next = nullptr;
    packet->nb_segs = 1;
    rte_pktmbuf_free_bulk(&packet, 1);
    return;
  }
  packet->data_off = static_cast<std::uint16_t>(packet->data_off + bytes);
  packet->data_len = static_cast<std::uint16_t>(packet->data_len - bytes);
  header->next = packet;
  header->nb_segs = static_cast<std::uint16_t>(packet->nb_segs + 1);
}

/// The packet with a first segment of its own; null: the pool has none.
rte_mbuf* with_own_header(rte_mbuf* packet, rte_mempool* pool, Counters& counters) noexcept {
  rte_mbuf* header = rte_pktmbuf_alloc(pool);
  if (header == nullptr) [[unlikely]] {
    return nullptr;
  }
  take_over(header, packet);
  void* const to = rte_pktmbuf_mtod(header, void*);
  const void* const from = rte_pktmbuf_mtod(packet, const void*);
  // Constant sizes: each is a move or two, where any size would be a library call.
  if (packet->data_len >= OwnHeaders::kBytes) [[likely]] {
    copy_payload(to, from, OwnHeaders::kBytes, CopyReason::kSharedHeader, counters);
    header->data_len = OwnHeaders::kBytes;
  } else {
    copy_payload(to, from, kEthernetHeader, CopyReason::kSharedHeader, counters);
    header->data_len = kEthernetHeader;
  }
  unmark(&packet, 1);
  chain_rest(header, packet, header->data_len);
  mark(&header, 1);
  return header;
}

}  // namespace

void OwnHeaders::process(Burst& burst, Counters& counters) const noexcept {
  std::uint16_t kept = 0;
  for (std::uint16_t i = 0; i < burst.size(); ++i) {
    rte_mbuf* packet = burst[i];
    if (data_is_shared(packet) && packet->data_len >= kEthernetHeader) {
      packet = with_own_header(packet, pool_, counters);
    }
    if (packet == nullptr) [[unlikely]] {
      drop(&burst[i], 1, DropReason::kNoMbuf, counters);
    } else {
      burst[kept++] = packet;
    }
  }
  burst.resize(kept);
}

}  // namespace ringway
