#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "runtime/replay_file.h"

namespace ringway {

/// A thread that has a capture read from disk ahead of its replayer, and takes what is behind out of the process's
/// memory again: neither system calls nor waiting for a disk are an lcore's business, and the main thread looks around
/// too seldom for a replay of gigabytes a second. The replayer goes no further than it has come. It also finds out when
/// the file is cut.
class ReadAhead {
 public:
  /// `file`, `counters` and `references` (of mbufs to the file, see Replayer) outlive it. The thread inherits the
  /// caller's signal mask and CPUs.
  ReadAhead(ReplayFile& file, const ReplayCounters& counters, rte_mbuf_ext_shared_info& references);
  /// Ends the thread.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Frames that were sent, or still on their way, after the file was last seen whole: at most so many had lost bytes.
  std::uint64_t sent_since_whole() const noexcept;

 private:
  void run() noexcept;
  bool read_on() noexcept;
  void let_go() noexcept;
  void look() noexcept;

  ReplayFile& file_;
  const ReplayCounters& counters_;
  rte_mbuf_ext_shared_info& references_;
  std::uint64_t size_;
  std::uint64_t gone_ = 0;                         // bytes let go of, all passes together
  std::atomic<std::uint64_t> safe_when_whole_{0};  // frames sent and off their way when the file was last seen whole
  std::atomic<bool> stop_{false};
  std::thread thread_;  // last: it uses the others
};

}  // namespace ringway
