#include "traffic/replayer.h"

#include <rte_cycles.h>

#include <algorithm>
#include <cassert>

namespace ringway {
namespace {

constexpr std::uint32_t kLongestMbuf = 65535;  // bytes that an mbuf's 16-bit lengths can say

// References that the file's 16-bit count may come to by mbufs of the replay; as many again are left for clones.
constexpr std::uint16_t kMostOnTheirWay = 32768;

// Records gone through in a poll for each packet asked for: a capture of frames to skip must not hold up the lcore.
constexpr unsigned kStepsAPacket = 4;

// What a step may touch beyond its start: headers of a record, or of some blocks, and a frame that an mbuf refers to.
constexpr std::uint64_t kStepBytes = 128U << 10U;

}  // namespace

Replayer::Replayer(const ReplayProfile& profile, std::span<const std::byte> file, rte_mbuf_ext_shared_info& info,
                   rte_mempool* pool, std::uint16_t burst, std::uint64_t tsc_hz, const ReplayFileState& state,
                   ReplayCounters& counters) noexcept
    : reader_(file),
      pacer_(profile.packets_per_s, 0, tsc_hz, counters.forgone),
      file_bytes_(file.size()),
      info_(&info),
      pool_(pool),
      state_(&state),
      counters_(&counters),
      cycles_per_ns_(profile.speed > 0 ? static_cast<double>(tsc_hz) / 1e9 / profile.speed : 0),
      passes_left_(profile.passes == 0 ? UINT64_MAX : profile.passes),
      longest_(profile.longest),
      burst_(burst) {
  assert(burst > 0 && burst <= kMaxBurst);
}

std::uint16_t Replayer::fill(Burst& burst) noexcept {
  const std::uint64_t now = rte_rdtsc();
  const bool by_times = cycles_per_ns_ > 0;
  const std::uint64_t wanted = by_times ? burst_ : std::min(pacer_.due(now), std::uint64_t{burst_});
  std::uint16_t taken = 0;
  for (unsigned steps = kStepsAPacket * burst_; taken < wanted && steps > 0; --steps) {
    if (!pending_ && !step()) {
      break;
    }
    if (!pending_) {
      continue;  // the file went on, but not with a frame to send
    }
    rte_mbuf* const mbuf = !by_times || is_due(now) ? attach() : nullptr;
    if (mbuf == nullptr) {
      break;
    }
    burst[taken++] = mbuf;
    pending_ = false;
  }
  if (taken > 0) {
    rte_mbuf_ext_refcnt_update(info_, static_cast<std::int16_t>(taken));
    counters_->sent.add(taken);
    pacer_.made(taken);
  }
  burst.resize(taken);
  counters_->position.store(before_this_pass_ + reader_.offset(), std::memory_order_relaxed);
  return taken;
}

/// Goes on in the file by a record or more; false: there is no going on now.
bool Replayer::step() noexcept {
  if (over_ || is_cut() || !is_read()) {
    return false;
  }
  const CaptureReader::Step step = reader_.next(frame_);
  if (is_cut()) {  // what was read may be zeros
    return false;
  }
  switch (step) {
    case CaptureReader::Step::kFrame:
      pending_ = accept();
      return true;
    case CaptureReader::Step::kEnd:
      return next_pass();
    case CaptureReader::Step::kDamaged:
      break;
  }
  end(ReplayEnd::kDamaged);
  return false;
}

bool Replayer::is_cut() noexcept {
  const bool cut = state_->cut.load(std::memory_order_relaxed);
  if (cut) [[unlikely]] {
    end(ReplayEnd::kCut);
  }
  return cut;
}

/// Whether the next step finds its bytes in memory. It would find them all the same, but the lcore would wait for them.
bool Replayer::is_read() noexcept {
  const std::uint64_t needed = before_this_pass_ + std::min(reader_.offset() + kStepBytes, file_bytes_);
  const bool ready = needed <= state_->ready.load(std::memory_order_acquire);
  counters_->unread.add(ready || waiting_ ? 0 : 1);
  waiting_ = !ready;
  return ready;
}

bool Replayer::accept() noexcept {
  ReplaySkip skip{};
  if (!frame_.ethernet) {
    skip = ReplaySkip::kNotEthernet;
  } else if (frame_.captured == 0) {
    skip = ReplaySkip::kEmpty;
  } else if (frame_.captured < frame_.length) {
    skip = ReplaySkip::kCutShort;
  } else if (frame_.captured > kLongestMbuf) {
    skip = ReplaySkip::kTooLong;
  } else if (frame_.captured > longest_) {
    skip = ReplaySkip::kOverMtu;
  } else {
    found_ = true;
    return true;
  }
  counters_->skipped[static_cast<std::size_t>(skip)].add(1);
  return false;
}

bool Replayer::is_due(std::uint64_t now) noexcept {
  constexpr double kMostCycles = 1e18;  // decades: in range of 64 bits
  if (pass_start_ == 0) {
    pass_start_ = now;
    pass_start_ns_ = frame_.ns;
  }
  // Times that run back, as of packets from several interfaces, are those of the frame in front.
  const auto ns = std::max(static_cast<std::int64_t>(frame_.ns - pass_start_ns_), std::int64_t{0});
  const double cycles = std::min(static_cast<double>(ns) * cycles_per_ns_, kMostCycles);
  const auto since = static_cast<std::uint64_t>(cycles);
  if (now - pass_start_ < since) {
    return false;
  }
  counters_->late_cycles.raise(now - pass_start_ - since);
  return true;
}

/// An mbuf that refers to the pending frame; null: there is none now.
rte_mbuf* Replayer::attach() noexcept {
  const bool allowed = rte_mbuf_ext_refcnt_read(info_) <= kMostOnTheirWay;
  rte_mbuf* const mbuf = allowed ? rte_pktmbuf_alloc(pool_) : nullptr;
  counters_->no_mbuf.add(mbuf != nullptr || starved_ ? 0 : 1);
  starved_ = mbuf == nullptr;
  if (mbuf != nullptr) {
    const auto bytes = static_cast<std::uint16_t>(frame_.captured);
    // Nobody writes to it: the mapping is read-only, and the Plan has stages write to headers of their own.
    void* const data = const_cast<std::byte*>(frame_.data);
    rte_pktmbuf_attach_extbuf(mbuf, data, RTE_BAD_IOVA, bytes, info_);
    mbuf->data_len = bytes;
    mbuf->pkt_len = bytes;
    counters_->bytes.add(bytes);
  }
  return mbuf;
}

/// A pass without a frame to send is the last one, however many were asked for.
bool Replayer::next_pass() noexcept {
  counters_->passes.add(1);
  if (--passes_left_ == 0 || !found_) {
    end(ReplayEnd::kOver);
    return false;
  }
  before_this_pass_ += file_bytes_;
  pass_start_ = 0;
  found_ = false;
  reader_.rewind();
  return true;
}

void Replayer::end(ReplayEnd how) noexcept {
  over_ = true;
  counters_->end.store(how, std::memory_order_release);
}

}  // namespace ringway
