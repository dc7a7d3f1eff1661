#include "far_side.h"

#include <rte_ring.h>

#include <algorithm>
#include <cstring>

#include "core/frames.h"
#include "plan/drivers.h"
#include "traffic/stamp.h"

namespace ringway {
namespace {

constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kMac = 6;
constexpr unsigned kMostAtOnce = 64;

std::uint32_t crc_of(const rte_mbuf* mbuf) {
  std::uint32_t crc = 0;
  for (const rte_mbuf* segment = mbuf; segment != nullptr; segment = segment->next) {
    crc = crc32c(rte_pktmbuf_mtod(segment, const std::uint8_t*), segment->data_len, crc);
  }
  return crc;
}

}  // namespace

FarSide::FarSide(const Plan& plan, const Runtime& runtime, Dice& dice, Findings& findings)
    : plan_(plan),
      runtime_(runtime),
      dice_(dice),
      findings_(findings),
      pool_(rte_mempool_lookup(plan.pools.front().name.c_str())),
      chains_(dice.percent(15)),
      nic_hash_(dice.percent(25)),
      flows_(draw_flows(plan, dice.percent(70) ? dice.between(1, 12) : dice.between(20, 40), dice)),
      next_(flows_.size()),
      leaves_(flows_.size()) {
  for (std::size_t port = 0; port < plan.ports.size(); ++port) {
    outputs_.push_back(port);
    put_.emplace_back(plan.ports[port].rx_queues);
  }
  for (const Way& way : plan.ways) {
    outputs_[way.from] = way.to;
  }
}

void FarSide::put() {
  const unsigned count = dice_.between(1, dice_.percent(10) ? 4 * kMostAtOnce : 32);
  for (unsigned i = 0; i < count; ++i) {
    if (!put_frame(dice_.below(flows_.size()))) {
      return;
    }
  }
}

/// Mostly what the output carries, and often just so.
std::size_t FarSide::length_of_next(const Flow& flow) {
  const unsigned longest = longest_frame(plan_.ports[outputs_[flow.port]].mtu);
  const auto least = static_cast<unsigned>(flow.head.size());
  const unsigned kind = dice_.below(100);
  if (kind < 4) {
    return dice_.below(kEthernetHeader);
  }
  if (flow.most != 0) {
    return dice_.between(least, flow.most);
  }
  if (kind < 8) {
    return longest + dice_.between(1, kMostOversize);
  }
  return kind < 16 ? longest : dice_.between(least, std::clamp(least + 80, least, longest));
}

Fate FarSide::fate_of(const Flow& flow, std::size_t bytes, std::size_t first_segment) const {
  if (bytes < kEthernetHeader) {
    return Fate::kTooShort;
  }
  if (bytes > longest_frame(plan_.ports[outputs_[flow.port]].mtu)) {
    return Fate::kTooLong;
  }
  return plan_.mode == Mode::kReflect && first_segment < kEthernetHeader ? Fate::kRunt : Fate::kPass;
}

rte_mbuf* FarSide::make_mbuf(const Bytes& bytes, std::size_t first_segment) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) {
    if (!chains_) {
      findings_.add("pool", "ran dry while an RX queue had room");
    }
    return nullptr;
  }
  std::copy_n(bytes.data(), first_segment, rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(first_segment)));
  if (const std::size_t rest = bytes.size() - first_segment; rest > 0) {
    rte_mbuf* last = rte_pktmbuf_alloc(pool_);
    if (last == nullptr) {
      rte_pktmbuf_free(mbuf);
      return nullptr;
    }
    std::memcpy(rte_pktmbuf_append(last, static_cast<std::uint16_t>(rest)), bytes.data() + first_segment, rest);
    rte_pktmbuf_chain(mbuf, last);
  }
  return mbuf;
}

/// False when there is no room.
bool FarSide::put_frame(std::uint32_t number) {
  Flow& flow = flows_[number];
  rte_ring* into = runtime_.lab(flow.port)->rx(flow.queue);
  if (rte_ring_free_count(into) == 0) {
    return false;
  }
  write_frame(flow, number, scratch_, length_of_next(flow));
  const std::size_t bytes = scratch_.size();
  std::size_t first_segment = bytes;
  if (chains_ && bytes > flow.head.size() && dice_.percent(25)) {
    // Where the flow is to be found must be whole, unless the frame is to be dropped.
    first_segment = plan_.mode == Mode::kReflect && dice_.percent(20)
                        ? dice_.below(kEthernetHeader)
                        : dice_.between(static_cast<unsigned>(flow.head.size()), static_cast<unsigned>(bytes) - 1);
  }
  rte_mbuf* mbuf = make_mbuf(scratch_, first_segment);
  if (mbuf == nullptr) {
    return false;
  }
  if (nic_hash_) {
    mbuf->hash.rss = flow.nic_hash;
    mbuf->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
  }
  if (plan_.mode == Mode::kReflect && bytes >= kEthernetHeader) {
    std::swap_ranges(scratch_.begin(), scratch_.begin() + kMac, scratch_.begin() + kMac);
  }
  where_[mbuf] = frames_.size();
  put_[flow.port][flow.queue].push_back(frames_.size());
  frames_.push_back({.flow = number,
                     .sequence = flow.sent++,
                     .crc = crc32c(scratch_.data(), bytes, 0),
                     .fate = fate_of(flow, bytes, first_segment)});
  rte_ring_enqueue(into, mbuf);
  return true;
}

void FarSide::take() {
  const std::size_t port = dice_.pick(plan_.ways).to;
  const unsigned queue = dice_.below(plan_.ports[port].tx_queues);
  void* mbufs[kMostAtOnce];
  const unsigned wanted = dice_.between(1, kMostAtOnce);
  const unsigned count = rte_ring_dequeue_burst(runtime_.lab(port)->tx(queue), mbufs, wanted, nullptr);
  for (unsigned i = 0; i < count; ++i) {
    look_at(static_cast<rte_mbuf*>(mbufs[i]), port, queue, false);
  }
}

unsigned FarSide::take_all(bool leave) {
  unsigned count = 0;
  for (std::size_t port = 0; port < plan_.ports.size(); ++port) {
    for (unsigned queue = 0; queue < plan_.ports[port].tx_queues; ++queue) {
      rte_ring* ring = runtime_.lab(port)->tx(queue);
      for (unsigned left = rte_ring_count(ring); left > 0; --left, ++count) {
        void* mbuf = nullptr;
        rte_ring_dequeue(ring, &mbuf);
        look_at(static_cast<rte_mbuf*>(mbuf), port, queue, leave);
      }
    }
  }
  return count;
}

const Frame* FarSide::frame_of(const rte_mbuf* mbuf) const noexcept {
  const auto found = where_.find(mbuf);
  return found == where_.end() ? nullptr : &frames_[found->second];
}

/// What comes out twice is not freed twice here: it is the forwarder's books that are to be looked at.
void FarSide::look_at(rte_mbuf* mbuf, std::size_t port, std::size_t queue, bool leave) {
  const auto found = where_.find(mbuf);
  if (found == where_.end()) {
    findings_.add("pointer", "an mbuf came out that never went in");
  } else if (frames_[found->second].out) {
    findings_.add("once", "an mbuf came out twice");
    return;
  } else {
    frames_[found->second].out = true;
    check(frames_[found->second], mbuf, port, queue);
  }
  ++taken_;
  if (leave) {
    rte_ring_enqueue(runtime_.lab(port)->tx(queue), mbuf);
  } else {
    rte_pktmbuf_free(mbuf);
  }
}

void FarSide::check(const Frame& frame, const rte_mbuf* mbuf, std::size_t port, std::size_t queue) {
  const Flow& flow = flows_[frame.flow];
  const std::string name = "frame " + std::to_string(frame.sequence) + " of flow " + std::to_string(frame.flow);
  if (port != outputs_[flow.port]) {
    findings_.add("port", name + " came out of port '" + plan_.ports[port].name + "'");
  }
  if (frame.fate != Fate::kPass) {
    findings_.add("limit", name + " came out, and was to be dropped");
  }
  if (frame.sequence < next_[frame.flow]) {
    findings_.add("order", name + " came out behind frame " + std::to_string(next_[frame.flow] - 1));
  }
  if (leaves_[frame.flow] != 0 && leaves_[frame.flow] != queue + 1) {
    findings_.add("queue", name + " left by another TX queue than the frames before it");
  }
  if (crc_of(mbuf) != frame.crc) {
    findings_.add("bytes", name + " was altered");
  }
  next_[frame.flow] = std::max(next_[frame.flow], frame.sequence + 1);
  leaves_[frame.flow] = queue + 1;
  note(frame.flow);
  note(frame.sequence);
}

unsigned FarSide::waiting_in() const {
  unsigned count = 0;
  for (std::size_t port = 0; port < plan_.ports.size(); ++port) {
    for (unsigned queue = 0; queue < plan_.ports[port].rx_queues; ++queue) {
      count += rte_ring_count(runtime_.lab(port)->rx(queue));
    }
  }
  return count;
}

unsigned FarSide::waiting_out() const {
  unsigned count = 0;
  for (std::size_t port = 0; port < plan_.ports.size(); ++port) {
    for (unsigned queue = 0; queue < plan_.ports[port].tx_queues; ++queue) {
      count += rte_ring_count(runtime_.lab(port)->tx(queue));
    }
  }
  return count;
}

}  // namespace ringway
