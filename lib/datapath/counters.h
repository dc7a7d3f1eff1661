#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/drop.h"
#include "datapath/copy_reason.h"

namespace ringway {

/// Assumed size of a cache line; what one lcore writes shares none with what another writes.
inline constexpr std::size_t kCacheLine = 64;

/// A count with one writer. lcore: read and written; main: read.
class Counter {
 public:
  /// Owning lcore only. A plain load and store: no locked instruction, since nobody else writes.
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  /// The writer only.
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Any thread; may lag behind the writer.
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// The largest value seen, with one writer. lcore: read and written; main: read.
class HighWater {
 public:
  /// Owning lcore only.
  void raise(std::uint64_t value) noexcept {
    if (value > value_.load(std::memory_order_relaxed)) {
      value_.store(value, std::memory_order_relaxed);
    }
  }
  /// Any thread.
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class TapLane;

/// What became of the packets of one leg, and what they cost in copies. One writer: the lcore that polls the leg.
/// received = transmitted + sum of dropped + packets held, exact whenever the leg is not inside poll().
struct alignas(kCacheLine) Counters {
  Counter received;                                  ///< packets taken from the source
  Counter bursts;                                    ///< polls that brought at least one packet
  Counter transmitted;                               ///< packets that the output accepted
  std::array<Counter, kDropReasons> dropped;         ///< packets, by DropReason
  std::array<Counter, kCopyReasons> copied_packets;  ///< by CopyReason
  std::array<Counter, kCopyReasons> copied_bytes;    ///< by CopyReason

  TapLane* drop_tap = nullptr;  ///< takes dropped packets in the place of the pool; null: none does. Set at set-up
};

}  // namespace ringway
