#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringway {

/// The device of a port in memory that sends a capture's frames from where they stand in the file.
inline constexpr std::string_view kReplayDevice = "replay";

/// What its devargs ask for.
struct Replay {
  std::string file;          ///< path
  double speed = 1;          ///< times the capture's own pace; 0: `packets_per_s` instead
  double packets_per_s = 0;  ///< without a speed; 0: as fast as the port takes them
  std::uint64_t passes = 1;  ///< times that the file is gone through; 0: for ever

  bool operator==(const Replay&) const = default;
};

/// Whether a device string is `replay`, with or without devargs.
bool is_replay_device(std::string_view device);

/// The devargs of a device whose replay_fault() is empty.
Replay replay_of(std::string_view device);

/// What is wrong with the values of its devargs, and what was expected; or nothing. Their names are known already.
std::string replay_fault(std::string_view device);

}  // namespace ringway
