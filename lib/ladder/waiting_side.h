#pragma once

#include <memory>

#include "ladder/packet_wires.h"
#include "ladder/rung.h"

namespace ringway {

inline constexpr const char* kWaitingAddress = "10.11.1.2";
inline constexpr std::uint16_t kWaitingPort = 4711;

/// Who waits for messages, in the middle of the wires, and sends each back.
class WaitingSide {
 public:
  virtual ~WaitingSide() = default;
  /// Answers so many messages, or until none has come for kPatience. One thread only.
  virtual void answer(std::uint64_t count) = 0;
  /// Adds what is to be told.
  virtual void describe(Outcome& outcome) const = 0;
};

/// By a UDP socket: asleep in recv, or in epoll_wait; asleep in recv after a while of polling the interface there; or
/// never asleep, calling recv over and over.
std::unique_ptr<WaitingSide> make_blocking();
std::unique_ptr<WaitingSide> make_epoll();
std::unique_ptr<WaitingSide> make_busy_polling();
std::unique_ptr<WaitingSide> make_spinning();

/// By an AF_XDP socket's ring, looked at over and over without a system call.
std::unique_ptr<WaitingSide> make_poll_mode();

}  // namespace ringway
