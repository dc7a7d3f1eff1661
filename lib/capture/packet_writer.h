#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/pcapng_files.h"
#include "capture/tsc_clock.h"
#include "datapath/tap_lane.h"

namespace ringway {

/// Where packets of a tap are seen: a port, a queue of it, and which way they go there.
struct TapPlace {
  std::size_t port = 0;  ///< the plan's
  std::optional<std::uint32_t> queue;
  bool outbound = false;

  bool operator==(const TapPlace&) const = default;
};

/// Empties the rings of all taps into the captures' files. Set up and stopped by main; between start() and stop() a
/// thread of its own writes, on a CPU that no lcore has if there is one, else on the main lcore's.
class PacketWriter {
 public:
  PacketWriter() = default;
  ~PacketWriter();
  PacketWriter(const PacketWriter&) = delete;
  PacketWriter& operator=(const PacketWriter&) = delete;

  /// The next capture, numbered from 0; one interface a port, in that order. Opens its first file. Throws Error.
  void add_capture(const CaptureSettings& settings, const std::vector<std::size_t>& ports);

  /// A tap whose lane and ring outlive this. `dropped_at`: for a tap of dropped packets, where those are seen that the
  /// output did not take.
  void add_tap(const TapLane& lane, rte_ring* ring, const TapPlace& place, std::optional<TapPlace> dropped_at);

  /// Throws Error.
  void start();
  /// Once nobody puts packets into the taps any more: empties them and completes the files.
  void stop();

  const PcapngFiles& files(std::size_t capture) const { return *captures_[capture].files; }
  /// Packets that a capture was given, and those of them that no file has, whoever lost them.
  std::uint64_t matched(std::size_t capture) const;
  std::uint64_t missed(std::size_t capture) const;
  /// The writer's own copies.
  const Counters& ledger() const noexcept { return ledger_; }
  /// What is done otherwise than asked, a line each.
  std::vector<std::string> notices() const;

 private:
  struct Capture {
    std::unique_ptr<PcapngFiles> files;
    std::map<std::size_t, std::uint32_t> interfaces;  // by port
    std::uint64_t begin_ns = 0;
  };
  /// What packets of a tap have in common.
  struct Kind {
    std::array<std::uint32_t, kMaxCaptures> interface {};  // by capture
    std::string options;
  };
  struct Tap {
    const TapLane* lane;
    RingSource source;
    TapPlace place;
    std::optional<TapPlace> dropped_at;
    std::vector<Kind> kinds;  // one; of dropped packets one a reason
  };

  static void* run(void* self);
  void write_until_stopped();
  bool drain();
  bool drain(Tap& tap);
  void finish();
  Kind kind_of(const TapPlace& place, const std::string& comment) const;
  std::vector<PcapngStatistics> statistics(std::size_t capture, std::uint64_t end_ns) const;

  std::optional<BlockIo> io_;  // none: nor is there a capture
  Counters ledger_;
  TscClock clock_;
  std::vector<Capture> captures_;
  std::vector<Tap> taps_;
  std::optional<pthread_t> thread_;
  std::atomic<bool> running_ = false;
  std::atomic<bool> stop_ = false;
  bool finished_ = false;
};

}  // namespace ringway
