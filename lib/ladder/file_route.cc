#include "ladder/file_route.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "ladder/network.h"

namespace ringway {
namespace {

constexpr const char* kLoopbackAddress = "127.0.0.1";

Descriptor tcp_socket() {
  return {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"};
}

Descriptor listener_at(const char* address) {
  Descriptor listener = tcp_socket();
  sockaddr_in any_port{};
  any_port.sin_family = AF_INET;
  inet_pton(AF_INET, address, &any_port.sin_addr);
  check_call(bind(listener.get(), reinterpret_cast<sockaddr*>(&any_port), sizeof any_port), "bind");
  check_call(listen(listener.get(), 1), "listen");
  return listener;
}

}  // namespace

Route::Route(Via via) {
  if (via == Via::kLoopback) {
    interface_ = "lo";
    listener_ = listener_at(kLoopbackAddress);
    return;
  }
  pair_.emplace();
  interface_ = kNearInterface;
  pair_->in_far([this] { listener_ = listener_at(kFarAddress); });
}

Connection Route::connect() const {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  check_call(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  Connection connection{.near = tcp_socket(), .far = Descriptor()};
  const int at_once = 1;
  check_call(setsockopt(connection.near.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once), "TCP_NODELAY");
  check_call(::connect(connection.near.get(), reinterpret_cast<sockaddr*>(&address), length), "connect");
  connection.far = Descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept");
  return connection;
}

Offloads Route::offloads() const {
  return {.scatter_gather = interface_switch(interface_, ETHTOOL_GSG) > 0,
          .segmentation = interface_switch(interface_, ETHTOOL_GTSO) > 0,
          .checksum = interface_switch(interface_, ETHTOOL_GTXCSUM) > 0};
}

bool Route::set_scatter_gather(bool on) const {
  const auto wanted = static_cast<std::uint32_t>(on);
  return interface_switch(interface_, ETHTOOL_SSG, wanted) >= 0 && offloads().scatter_gather == on;
}

}  // namespace ringway
