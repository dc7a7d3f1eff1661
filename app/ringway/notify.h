#pragma once

#include <string_view>

namespace ringway {

/// Tells a service manager how the process is (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names.
/// Without one nothing is told.
class Notify {
 public:
  /// Opens the socket, while that may be done.
  Notify();
  ~Notify();
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;

  /// Such as `READY=1`, `STOPPING=1` or `WATCHDOG=1`.
  void tell(std::string_view state) const noexcept;

 private:
  int socket_ = -1;
};

}  // namespace ringway
