#include "datapath/tap_lane.h"

#include <rte_cycles.h>

#include <algorithm>

namespace ringway {

TapLane::TapLane(rte_ring* ring, rte_mempool* clones, std::span<const TapCapture> captures) noexcept
    : output_(ring, producer_), clones_(clones) {
  for (const TapCapture& capture : captures) {
    captures_[count_++] = capture;
  }
}

/// Sets the bits of the captures that take each packet; `reasons`: why they are dropped.
void TapLane::match(rte_mbuf* const* mbufs, std::uint16_t n, DropReasons reasons, bool at_output,
                    std::uint8_t* bits) noexcept {
  for (std::uint16_t i = 0; i < n; ++i) {
    bits[i] = 0;
  }
  for (std::size_t c = 0; c < count_; ++c) {
    const TapCapture& capture = captures_[c];
    if ((capture.reasons & reasons) != reasons) {
      continue;
    }
    const auto bit = static_cast<std::uint8_t>(1U << capture.bit);
    std::uint16_t matched = 0;
    for (std::uint16_t i = 0; i < n; ++i) {
      if (capture.filter.takes(mbufs[i])) {
        bits[i] |= bit;
        ++matched;
      }
    }
    counters_[at_output][capture.bit].matched.add(matched);
  }
}

void TapLane::show(rte_mbuf* const* mbufs, std::uint16_t n) noexcept {
  std::uint8_t bits[kMaxBurst];
  match(mbufs, n, {}, false, bits);
  rte_mbuf* packets[kMaxBurst];
  std::uint16_t taken = 0;
  for (std::uint16_t i = 0; i < n; ++i) {
    packets[taken] = mbufs[i];
    bits[taken] = bits[i];
    taken = static_cast<std::uint16_t>(taken + (bits[i] != 0 ? 1 : 0));
  }
  if (taken == 0) {
    return;
  }
  // Room first: a writer that is behind is to cost no clones.
  const std::uint16_t room = output_.room(taken);
  rte_mbuf* clones[kMaxBurst];
  const std::uint16_t cloned = clone(packets, room, bits, clones);
  if (cloned > 0) {
    output_.offer(clones, cloned);
  }
  if (room < taken) [[unlikely]] {
    count_missed(bits + room, static_cast<std::uint16_t>(taken - room), false);
  }
}

/// Returns how many could be cloned; the others are counted as missed.
std::uint16_t TapLane::clone(rte_mbuf* const* packets, std::uint16_t n, const std::uint8_t* bits,
                             rte_mbuf** clones) noexcept {
  if (n == 0) {
    return 0;
  }
  if (rte_mempool_get_bulk(clones_, reinterpret_cast<void**>(clones), n) != 0) [[unlikely]] {
    count_missed(bits, n, false);
    return 0;
  }
  const std::uint64_t now = rte_rdtsc();
  std::uint16_t made = 0;
  for (std::uint16_t i = 0; i < n; ++i) {
    rte_mbuf* head = clones[i];
    rte_pktmbuf_attach(head, packets[i]);
    if (packets[i]->nb_segs > 1) [[unlikely]] {
      head = clone_rest(head, packets[i]);
    }
    if (head == nullptr) [[unlikely]] {
      count_missed(bits + i, 1, false);
      continue;
    }
    TapNote{now, bits[i], {}}.write_to(head);
    clones[made++] = head;
  }
  return made;
}

/// Clones the segments behind the first. Null, and nothing is left, when the pool is empty.
[[gnu::noinline]] rte_mbuf* TapLane::clone_rest(rte_mbuf* head, const rte_mbuf* packet) noexcept {
  rte_mbuf* last = head;
  for (rte_mbuf* segment = packet->next; segment != nullptr; segment = segment->next) {
    void* next = nullptr;
    if (rte_mempool_get(clones_, &next) != 0) {
      rte_pktmbuf_free_bulk(&head, 1);
      return nullptr;
    }
    last->next = static_cast<rte_mbuf*>(next);
    last = last->next;
    rte_pktmbuf_attach(last, segment);
    ++head->nb_segs;
  }
  head->pkt_len = packet->pkt_len;
  return head;
}

std::uint16_t TapLane::take(rte_mbuf** mbufs, std::uint16_t n, DropReason reason) noexcept {
  const std::uint64_t now = rte_rdtsc();
  const bool at_output = is_at_output(reason);
  DropReasons reasons;
  reasons[static_cast<std::size_t>(reason)] = true;
  std::uint16_t left = 0;
  for (std::uint16_t at = 0; at < n; at = static_cast<std::uint16_t>(at + kMaxBurst)) {
    const std::uint16_t count = std::min(kMaxBurst, static_cast<std::uint16_t>(n - at));
    std::uint8_t bits[kMaxBurst];
    match(mbufs + at, count, reasons, at_output, bits);
    const std::uint16_t room = output_.room(count);
    rte_mbuf* given[kMaxBurst];
    std::uint16_t taken = 0;
    for (std::uint16_t i = 0; i < count; ++i) {
      rte_mbuf* const mbuf = mbufs[at + i];
      if (bits[i] != 0 && taken < room) {
        TapNote{now, bits[i], reason}.write_to(mbuf);
        given[taken++] = mbuf;
      } else {
        count_missed(bits + i, 1, at_output);
        mbufs[left++] = mbuf;
      }
    }
    if (taken > 0) {
      output_.offer(given, taken);
    }
  }
  return left;
}

void TapLane::count_missed(const std::uint8_t* bits, std::uint16_t n, bool at_output) noexcept {
  for (std::size_t c = 0; c < count_; ++c) {
    const std::uint8_t bit = captures_[c].bit;
    std::uint16_t missed = 0;
    for (std::uint16_t i = 0; i < n; ++i) {
      missed = static_cast<std::uint16_t>(missed + (bits[i] >> bit & 1U));
    }
    counters_[at_output][bit].missed.add(missed);
  }
}

std::uint16_t hand_over(TapLane& tap, rte_mbuf** mbufs, std::uint16_t n, DropReason reason) noexcept {
  return tap.take(mbufs, n, reason);
}

}  // namespace ringway
