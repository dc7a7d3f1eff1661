#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace ringway {

/// The far end of a connection, on a thread of its own: takes the file, over and over, block by block into a buffer of
/// its own, and compares every byte. That copy into its buffer is the same whatever the sender does, and is in none of
/// its figures.
class Receiver {
 public:
  using Clock = std::chrono::steady_clock;

  /// Of a connected socket, which outlives it. The file: whole blocks.
  Receiver(int socket, std::uint64_t file_bytes, std::uint64_t block);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Takes so many blocks more.
  void expect(std::uint64_t blocks);

  /// Waits until so many blocks have come since the start, and tells when the last one that has come was found right.
  /// Throws Error for a wrong byte, after which it goes on taking blocks, or for a connection that ended.
  Clock::time_point wait_for(std::uint64_t blocks) const;

 private:
  void run();
  bool take(std::uint64_t block);
  void fail(const std::string& why);

  const int socket_;
  const std::uint64_t file_bytes_;
  std::vector<std::byte> buffer_;  // a block
  std::string failure_;            // written before failed_
  std::atomic<std::uint64_t> expected_ = 0;
  std::atomic<std::uint64_t> taken_ = 0;
  std::atomic<Clock::time_point> found_right_{};
  std::atomic<bool> failed_ = false;
  std::atomic<bool> ended_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace ringway
