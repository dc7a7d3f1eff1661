#include "stage/limit_frames.h"

namespace ringway {

void LimitFrames::process(Burst& burst, Counters& counters) const noexcept {
  for (std::uint16_t i = 0; i < burst.size(); ++i) {
    if (burst[i]->pkt_len - min_bytes_ > range_bytes_) [[unlikely]] {  // below min wraps around to a large number
      const std::uint32_t min = min_bytes_;
      const std::uint32_t max = min_bytes_ + range_bytes_;
      drop_unless(burst, i, DropReason::kFrameTooShort, counters, [min](rte_mbuf* m) { return m->pkt_len >= min; });
      drop_unless(burst, i, DropReason::kFrameTooLong, counters, [max](rte_mbuf* m) { return m->pkt_len <= max; });
      return;
    }
  }
}

}  // namespace ringway
