#include "mutations.h"

#include <rte_mbuf.h>

#include <cstring>
#include <utility>

namespace ringway {
namespace {

bool to_be_passed(const rte_mbuf* mbuf, const FarSide& far_side) {
  const Frame* frame = far_side.frame_of(mbuf);
  return frame != nullptr && frame->fate == Fate::kPass;
}

/// Calls `harm` with a packet that is to come out, if there is one.
template <class Harm>
bool harm_one(Burst& burst, const FarSide& far_side, Harm harm) {
  for (std::uint16_t i = 0; i < burst.size(); ++i) {
    if (to_be_passed(burst[i], far_side)) {
      harm(burst[i]);
      return true;
    }
  }
  return false;
}

void take_out_last(Burst& burst) {
  burst.resize(static_cast<std::uint16_t>(burst.size() - 1));
}

bool leak(Burst& burst, Counters&, const FarSide&) noexcept {
  take_out_last(burst);
  return true;
}

bool leak_as_a_drop(Burst& burst, Counters& counters, const FarSide&) noexcept {
  take_out_last(burst);
  counters.dropped[static_cast<std::size_t>(DropReason::kRunt)].add(1);
  return true;
}

bool free_uncounted(Burst& burst, Counters&, const FarSide&) noexcept {
  rte_pktmbuf_free(burst[static_cast<std::uint16_t>(burst.size() - 1)]);
  take_out_last(burst);
  return true;
}

bool drop_without_cause(Burst& burst, Counters& counters, const FarSide& far_side) noexcept {
  const auto last = static_cast<std::uint16_t>(burst.size() - 1);
  if (!to_be_passed(burst[last], far_side)) {
    return false;
  }
  drop(burst.data() + last, 1, DropReason::kFrameTooLong, counters);
  take_out_last(burst);
  return true;
}

bool free_too_early(Burst& burst, Counters&, const FarSide& far_side) noexcept {
  return harm_one(burst, far_side, [](rte_mbuf* mbuf) { rte_mbuf_raw_free(mbuf); });
}

bool send_twice(Burst& burst, Counters&, const FarSide& far_side) noexcept {
  if (burst.size() == kMaxBurst || !to_be_passed(burst[0], far_side)) {
    return false;
  }
  burst[burst.size()] = burst[0];
  burst.resize(static_cast<std::uint16_t>(burst.size() + 1));
  return true;
}

/// Calls `harm` with two packets of a flow, if there are two.
template <class Harm>
bool harm_two(Burst& burst, const FarSide& far_side, Harm harm) {
  for (std::uint16_t i = 0; i < burst.size(); ++i) {
    for (std::uint16_t j = 0; j < i; ++j) {
      if (to_be_passed(burst[i], far_side) && to_be_passed(burst[j], far_side) &&
          far_side.frame_of(burst[i])->flow == far_side.frame_of(burst[j])->flow) {
        harm(burst[i], burst[j]);
        return true;
      }
    }
  }
  return false;
}

bool swap_in_a_flow(Burst& burst, Counters&, const FarSide& far_side) noexcept {
  return harm_two(burst, far_side, [](rte_mbuf*& one, rte_mbuf*& other) { std::swap(one, other); });
}

/// As if a NIC had given them different hashes.
bool part_a_flow(Burst& burst, Counters&, const FarSide& far_side) noexcept {
  return harm_two(burst, far_side, [](rte_mbuf* one, rte_mbuf* other) {
    one->hash.rss = 0;
    other->hash.rss = UINT32_MAX;
    one->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
    other->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
  });
}

bool flip_a_bit(Burst& burst, Counters&, const FarSide& far_side) noexcept {
  return harm_one(burst, far_side, [](rte_mbuf* mbuf) {
    rte_mbuf* last = rte_pktmbuf_lastseg(mbuf);
    *rte_pktmbuf_mtod_offset(last, std::uint8_t*, last->data_len - 1) ^= 0x10;
  });
}

/// It must do, and yet it is not the packet that came in.
bool send_a_copy(Burst& burst, Counters&, const FarSide& far_side) noexcept {
  bool made = false;
  harm_one(burst, far_side, [&](rte_mbuf*& mbuf) {
    if (rte_mbuf* copy = rte_pktmbuf_copy(mbuf, mbuf->pool, 0, UINT32_MAX)) {
      rte_pktmbuf_free(mbuf);
      mbuf = copy;
      made = true;
    }
  });
  return made;
}

}  // namespace

const char* const kMutatedConfig =
    "ports:\n"
    "  east: {device: lab, mtu: 200, rx_descriptors: 64, tx_descriptors: 64, when_full: wait}\n"
    "  west: {device: lab, mtu: 200, rx_descriptors: 64, tx_descriptors: 64, when_full: wait}\n"
    "forwarding: {mode: cross_connect, pairs: [[east, west]]}\n"
    "lcores:\n"
    "  1: {rx: [east.0]}\n"
    "  2: {rx: [west.0]}\n"
    "  3: {work: true}\n"
    "  4: {work: true}\n"
    "  5: {tx: [east, west]}\n"
    "rings: {size: 16, when_full: wait, wait_ms: 60000}\n"
    "pool: {cache: 0, data_room: 400}\n";

const std::vector<Mutation>& mutations() {
  static const std::vector<Mutation> kAll = {
      {"a packet leaks", {"leg"}, leak},
      {"a leak is counted as a drop", {"pool"}, leak_as_a_drop},
      {"a packet is freed and not counted", {"leg"}, free_uncounted},
      {"a packet is dropped without cause", {"drops"}, drop_without_cause},
      {"a packet is freed and sent all the same", {"pool", "once"}, free_too_early},
      {"a packet is sent twice", {"once"}, send_twice},
      {"two packets of a flow change places", {"order"}, swap_in_a_flow},
      {"two packets of a flow go to two workers", {"worker"}, part_a_flow},
      {"a bit flips", {"bytes"}, flip_a_bit},
      {"a copy is sent instead of the packet", {"pointer"}, send_a_copy},
  };
  return kAll;
}

}  // namespace ringway
