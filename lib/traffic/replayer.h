#pragma once

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "datapath/burst.h"
#include "traffic/capture_reader.h"
#include "traffic/pacer.h"

namespace ringway {

/// Why a frame of a capture is not sent. Nothing is shortened or filled up instead.
enum class ReplaySkip : std::uint8_t {
  kEmpty,        ///< it has no bytes
  kCutShort,     ///< the capture holds fewer bytes than it had on the wire (snap length)
  kTooLong,      ///< beyond 65,535 bytes, which no mbuf refers to
  kOverMtu,      ///< longer than the port's MTU allows
  kNotEthernet,  ///< of an interface with another link type, or with checksums behind its frames
};

/// Names in reports, in the order of ReplaySkip.
inline constexpr std::array<const char*, 5> kReplaySkipNames = {"empty", "cut_short", "too_long", "over_mtu",
                                                                "not_ethernet"};
inline constexpr std::size_t kReplaySkips = kReplaySkipNames.size();
static_assert(static_cast<std::size_t>(ReplaySkip::kNotEthernet) + 1 == kReplaySkips);

/// How a replay ended.
enum class ReplayEnd : std::uint8_t {
  kNotYet,
  kOver,     ///< all passes are done
  kDamaged,  ///< the file makes no sense at `position`
  kCut,      ///< the file lost bytes meanwhile
};

/// What a replayer has done. lcore: written; main and the thread that reads ahead: read.
struct alignas(kCacheLine) ReplayCounters {
  Counter sent;                               ///< frames
  Counter bytes;                              ///< of these
  Counter passes;                             ///< through the file, to its end
  std::array<Counter, kReplaySkips> skipped;  ///< frames, by ReplaySkip
  Counter no_mbuf;                            ///< times that mbufs had run out; the frames came later
  Counter unread;                             ///< times that the file was not yet read so far; likewise
  Counter forgone;                            ///< frames by which a rate fell behind for good; none is left out
  HighWater late_cycles;                      ///< TSC cycles by which a frame missed its own time at most
  std::atomic<std::uint64_t> position{0};     ///< bytes of the file behind it, all passes together
  std::atomic<ReplayEnd> end{ReplayEnd::kNotYet};
};

/// What is known of the file at this moment. Whoever reads ahead or takes SIGBUS: written; lcore: read.
struct alignas(kCacheLine) ReplayFileState {
  std::atomic<std::uint64_t> ready{0};  ///< bytes, all passes together, up to which the file is in memory
  std::atomic<bool> cut{false};         ///< bytes of the mapping are lost
};

/// How fast, how long and how often.
struct ReplayProfile {
  double speed = 1;               ///< times the capture's own pace; 0: `packets_per_s` instead
  double packets_per_s = 0;       ///< 0: as fast as the port takes them
  std::uint64_t passes = 1;       ///< 0: for ever
  std::uint32_t longest = 65535;  ///< bytes of a frame
};

/// The source of a leg: attaches the frames of a mapped capture to mbufs, one external buffer each. Not a byte of them
/// is read here, let alone copied.
///
/// By their own times each frame is due so long after the first one of the pass as the capture says, and never before
/// the one in front of it; a pass begins when the one before has ended. Who is late catches up at full speed. By a
/// rate: as Pacer says.
class Replayer {
 public:
  /// Mbufs of `pool` need no room for data. `info` counts who refers to the file: 1, and 1 for each mbuf on its way.
  /// It, the mapped file, the pool, `state` and `counters` outlive the replayer, and all but the last two its mbufs.
  /// `burst`: frames at most a poll, 1 to kMaxBurst.
  Replayer(const ReplayProfile& profile, std::span<const std::byte> file, rte_mbuf_ext_shared_info& info,
           rte_mempool* pool, std::uint16_t burst, std::uint64_t tsc_hz, const ReplayFileState& state,
           ReplayCounters& counters) noexcept;

  /// Fills the burst with what is due and there; returns its size. Owning lcore only.
  std::uint16_t fill(Burst& burst) noexcept;

  static constexpr bool kTellsEmpty = false;
  void done(std::uint16_t) noexcept {}

 private:
  bool step() noexcept;
  bool is_cut() noexcept;
  bool is_read() noexcept;
  bool accept() noexcept;
  bool is_due(std::uint64_t now) noexcept;
  bool next_pass() noexcept;
  rte_mbuf* attach() noexcept;
  void end(ReplayEnd how) noexcept;

  CaptureReader reader_;
  CapturedFrame frame_;  // while pending_
  Pacer pacer_;
  std::uint64_t file_bytes_;
  rte_mbuf_ext_shared_info* info_;
  rte_mempool* pool_;
  const ReplayFileState* state_;
  ReplayCounters* counters_;
  double cycles_per_ns_;  // of the capture's time; 0: it does not count
  std::uint64_t passes_left_;
  std::uint64_t before_this_pass_ = 0;  // bytes
  std::uint64_t pass_start_ = 0;        // TSC; 0: the pass has not begun
  std::uint64_t pass_start_ns_ = 0;
  std::uint32_t longest_;
  std::uint16_t burst_;
  bool pending_ = false;
  bool found_ = false;  // a frame to send, in this pass
  bool over_ = false;
  bool starved_ = false;  // no mbuf at the last poll
  bool waiting_ = false;  // for the file, at the last poll
};

}  // namespace ringway
