#include "runtime/read_ahead.h"

#include <algorithm>
#include <chrono>

namespace ringway {
namespace {

using std::chrono::steady_clock;

// Ahead: what a disk needs to be read in big pieces, and this thread to be late by some milliseconds at 10 Gbit/s.
// Behind: most of what waits in descriptors and rings. Together well below 64 MiB.
constexpr std::uint64_t kStep = 2U << 20U;
constexpr std::uint64_t kAhead = 12U << 20U;
constexpr std::uint64_t kBehind = 4U << 20U;

// What was let go of and is read after all comes back: so far behind it is let go of again.
constexpr std::uint64_t kAgain = 32U << 20U;

// A file up to here stays as a whole.
constexpr std::uint64_t kSmall = kAhead + kBehind + 2 * kStep;

constexpr std::chrono::microseconds kNap{200};
constexpr std::chrono::milliseconds kLook{20};  // at the file's size

}  // namespace

ReadAhead::ReadAhead(ReplayFile& file, const ReplayCounters& counters, rte_mbuf_ext_shared_info& references)
    : file_(file), counters_(counters), references_(references), size_(file.bytes().size()), thread_([this] {
        run();
      }) {}

ReadAhead::~ReadAhead() {
  stop_ = true;
  thread_.join();
}

void ReadAhead::run() noexcept {
  auto next_look = steady_clock::now();
  while (!stop_) {
    if (steady_clock::now() >= next_look) {
      look();
      next_look = steady_clock::now() + kLook;
    }
    let_go();
    if (!read_on()) {
      std::this_thread::sleep_for(size_ > kSmall ? kNap : kLook);
    }
  }
}

/// A step ahead; false: there is none to do now.
bool ReadAhead::read_on() noexcept {
  std::atomic<std::uint64_t>& ready = file_.state().ready;
  const std::uint64_t from = ready.load(std::memory_order_relaxed);
  if (from == UINT64_MAX || from >= counters_.position.load(std::memory_order_relaxed) + kAhead) {
    return false;
  }
  const std::uint64_t at = from % size_;
  const std::uint64_t bytes = std::min(kStep, size_ - at);
  file_.read(at, bytes);
  const bool all = size_ <= kSmall && at + bytes == size_;
  ready.store(all ? UINT64_MAX : from + bytes, std::memory_order_release);
  return true;
}

void ReadAhead::let_go() noexcept {
  while (size_ > kSmall && counters_.position.load(std::memory_order_relaxed) > gone_ + kBehind + kStep) {
    const std::uint64_t at = gone_ % size_;
    const std::uint64_t bytes = std::min(kStep, size_ - at);
    // What lies that far behind in this pass; at its beginning the file's end is the way ahead of nobody yet.
    const std::uint64_t again = std::min(kAgain, at);
    file_.let_go(at - again, bytes + again);
    gone_ += bytes;
  }
}

void ReadAhead::look() noexcept {
  // In this order: what is sent in between counts as not safe.
  const std::uint64_t sent = counters_.sent.get();
  const std::uint64_t on_their_way = rte_mbuf_ext_refcnt_read(&references_) - 1U;
  if (file_.size_now() < size_) {
    file_.state().cut.store(true, std::memory_order_release);
  } else if (!file_.state().cut.load(std::memory_order_acquire)) {
    safe_when_whole_.store(sent - std::min(sent, on_their_way), std::memory_order_relaxed);
  }
}

std::uint64_t ReadAhead::sent_since_whole() const noexcept {
  return counters_.sent.get() - safe_when_whole_.load(std::memory_order_relaxed);
}

}  // namespace ringway
