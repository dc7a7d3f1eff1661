#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

namespace ringway {

Notify::Notify() {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string_view path = name != nullptr ? name : "";
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return;
  }
  path.copy(address.sun_path, path.size());
  if (path[0] == '@') {
    address.sun_path[0] = '\0';  // an abstract socket
  }
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_ >= 0 && connect(socket_, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    close(socket_);
    socket_ = -1;
  }
}

Notify::~Notify() {
  if (socket_ >= 0) {
    close(socket_);
  }
}

void Notify::tell(std::string_view state) const noexcept {
  if (socket_ >= 0) {
    [[maybe_unused]] const ssize_t sent = write(socket_, state.data(), state.size());  // who does not listen misses it
  }
}

}  // namespace ringway
