#pragma once

#include <rte_mempool.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "core/frames.h"
#include "datapath/burst.h"
#include "traffic/frame.h"
#include "traffic/pacer.h"
#include "traffic/profile.h"

namespace ringway {

/// What a generator has made. lcore: written; main: read.
struct alignas(kCacheLine) GeneratorCounters {
  Counter sent;                         ///< frames made, bad ones included
  Counter sent_expected_to_drop;        ///< of these, frames that must_be_dropped()
  std::array<Counter, kFaults> faults;  ///< of these, by Fault
  Counter forgone;                      ///< frames that were due and never made: too far behind, see Pacer
  Counter no_mbuf;                      ///< times that the pool ran empty; the frames stay due
  std::atomic<bool> done{false};        ///< nothing more will come: all of `packets` or `seconds` is over
};

/// The source of a leg: makes the frames of one RX queue of a port, its flows in turn, each flow with sequence numbers
/// of its own. Fault follows fault at even distances, the kinds in turn, on flows of their own.
///
/// Packets and rate of the profile are shared out evenly over the queues that have flows; a queue without makes
/// nothing.
class Generator {
 public:
  /// An mbuf of `pool` has room for kLongestHead bytes, for every frame of the profile, tag included, and with faults
  /// for one byte more than the longest. `burst`: frames at most a poll, 1 to kMaxBurst. `pool` and `counters` outlive
  /// it.
  Generator(const TrafficProfile& profile, const PortFlows& flows, std::uint32_t queue, rte_mempool* pool,
            std::uint16_t burst, std::uint64_t tsc_hz, GeneratorCounters& counters) noexcept;

  /// Fills the burst with what is due, or with nothing when the pool has not that many mbufs; returns its size. Owning
  /// lcore only.
  std::uint16_t fill(Burst& burst) noexcept;

  static constexpr bool kTellsEmpty = false;
  void done(std::uint16_t) noexcept {}

 private:
  static constexpr std::uint32_t kMixLength = 12;

  void write_next(rte_mbuf* mbuf, std::uint64_t now) noexcept;
  void write_fault(rte_mbuf* mbuf, std::uint64_t now) noexcept;
  void write_bad(rte_mbuf* mbuf, Fault fault, std::uint32_t sequence, std::uint64_t now) const noexcept;

  std::array<std::array<FrameTemplate, kImixBytes.size()>, 2> templates_;  // by IpVersion and length
  std::array<std::uint8_t, kMixLength> mix_;                               // lengths in their order
  FrameTemplate bad_;
  PortFlows flows_;
  Pacer pacer_;
  rte_mempool* pool_;
  GeneratorCounters* counters_;
  std::uint64_t remaining_;  // frames
  std::uint64_t faults_made_ = 0;
  std::uint32_t queue_;
  std::uint32_t index_;      // of the next ordinary flow
  std::uint32_t round_ = 0;  // through the flows; also the sequence number of each
  std::uint32_t mix_at_ = 0;
  std::uint32_t vlans_;
  std::uint32_t ipv6_ppm_;
  std::uint32_t faults_ppm_;
  std::uint32_t fault_debt_ = 0;  // millionths of a fault
  std::uint32_t longest_;
  std::uint32_t room_;  // bytes of a frame in an mbuf
  std::uint16_t burst_;
  bool starved_ = false;  // the pool was empty at the last poll
};

}  // namespace ringway
