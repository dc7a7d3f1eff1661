#include "stage/swap_macs.h"

#include <utility>

namespace ringway {
namespace {

constexpr std::uint16_t kEthernetHeader = 14;
constexpr std::uint16_t kMacBytes = 6;

using Bytes16 = std::uint8_t __attribute__((vector_size(16), aligned(1), may_alias));

// Both addresses trade places in one shuffle; bytes 12 to 15 stay. One load and one store a packet.
[[gnu::always_inline]] inline void swap_in_vector(std::uint8_t* frame) noexcept {
  constexpr Bytes16 kSwap = {6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15};
  auto& header = *reinterpret_cast<Bytes16*>(frame);
  header = __builtin_shuffle(header, kSwap);
}

/// Frames shorter than a vector: false when not even the header is there.
bool swap_short(rte_mbuf* mbuf) noexcept {
  std::uint8_t* frame = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  if (mbuf->data_len >= sizeof(Bytes16)) {
    swap_in_vector(frame);
    return true;
  }
  if (mbuf->data_len < kEthernetHeader) {
    return false;
  }
  for (std::uint16_t i = 0; i < kMacBytes; ++i) {
    std::swap(frame[i], frame[i + kMacBytes]);
  }
  return true;
}

}  // namespace

void SwapMacs::process(Burst& burst, Counters& counters) const noexcept {
  rte_mbuf** const first = burst.data();
  rte_mbuf** const end = first + burst.size();
#pragma GCC unroll 2
  for (rte_mbuf** slot = first; slot != end; ++slot) {
    if ((*slot)->data_len < sizeof(Bytes16)) [[unlikely]] {
      drop_unless(burst, static_cast<std::uint16_t>(slot - first), DropReason::kRunt, counters, swap_short);
      return;
    }
    swap_in_vector(rte_pktmbuf_mtod(*slot, std::uint8_t*));
  }
}

}  // namespace ringway
