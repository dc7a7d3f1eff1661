#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

namespace ringway {

/// Holds back what EAL and the drivers print: it is shown when it explains a failure, or when asked for. One a process;
/// main thread only, except that drivers may log into it at any time.
class HeldOutput {
 public:
  /// Most bytes that held() returns: the last ones. A run's log takes no more than twice as much memory.
  static constexpr long kMostHeld = 64L * 1024;

  /// Throws Error when no memory file can be made.
  HeldOutput();
  ~HeldOutput();
  HeldOutput(const HeldOutput&) = delete;
  HeldOutput& operator=(const HeldOutput&) = delete;

  /// From now on nothing is held back.
  void show_all() noexcept { show_ = true; }

  /// Redirects standard output and standard error, for code that prints past the log. Undone by release_streams().
  void hold_streams();
  void release_streams();

  /// Sends DPDK's log here, once EAL runs.
  void take_log();

  /// The last of what was held since the last forget(), in whole lines, without blank lines and usage texts; ends with
  /// a new line unless empty.
  std::string held();
  /// From now on held() returns the last `lines` of what tells of a failure: not what EAL says on every start, nor a
  /// line that only repeats another.
  void keep_last(std::size_t lines) noexcept { most_lines_ = lines; }
  /// What was held so far turned out to be of no interest.
  void forget();

 private:
  bool show_ = false;
  std::size_t most_lines_ = 0;  // 0: all
  int file_ = -1;               // in memory; every write goes to its end
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> log_;
  int saved_out_ = -1;
  int saved_err_ = -1;
};

}  // namespace ringway
