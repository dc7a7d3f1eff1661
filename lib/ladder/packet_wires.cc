#include "ladder/packet_wires.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "ladder/network.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

constexpr int kReceiveBuffer = 8 << 20;  // asked for; a user without privileges gets net.core.rmem_max

std::string new_pair(const std::string& name, const Mac& mac, const Mac& far_mac, const Descriptor& far_space) {
  return "link add " + name + " address " + text_of(mac) + " type veth peer name far address " + text_of(far_mac) +
         " netns " + path_of(far_space) + "\nlink set " + name + " up\n";
}

/// Kernels' interfaces and tracepoints as the new namespace has them. In a container that does not allow it, they stay
/// as they were; what depends on them tells.
void mount_views() {
  if (unshare(CLONE_NEWNS) != 0) {
    throw CannotRun(std::string("unshare(CLONE_NEWNS): ") + std::strerror(errno));
  }
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  mount("tracefs", "/sys/kernel/tracing", "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

}  // namespace

std::string text_of(const Mac& mac) {
  std::string text;
  for (const unsigned byte : mac) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%s%02x", text.empty() ? "" : ":", byte);
    text += digits;
  }
  return text;
}

Wires::Wires() {
  become_able();
  source_ = new_network();
  sink_ = new_network();
  middle_ = new_network();
  mount_views();
  run_ip(new_pair("left", kLeftMac, kSourceMac, source_) + new_pair("right", kRightMac, kSinkMac, sink_));
  enter_network(source_);
  run_ip("link set far up\nlink add direct type veth peer name direct netns " + path_of(sink_) +
         "\nlink set direct up\n");
  enter_network(sink_);
  run_ip("link set far up\nlink set direct up\n");
  enter_network(middle_);
}

Descriptor Wires::inside(const Descriptor& space, const std::function<Descriptor()>& open) const {
  enter_network(space);
  Descriptor socket = open();
  enter_network(middle_);
  return socket;
}

void Wires::configure_source(const std::string& lines) const {
  inside(source_, [&lines] {
    run_ip(lines);
    return Descriptor();
  });
}

Descriptor open_packet_socket(const std::string& interface, Hears hears) {
  Descriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), "socket(AF_PACKET)");
  const int on = 1;
  check_call(setsockopt(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on), "PACKET_IGNORE_OUTGOING");
  if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
    check_call(setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer), "SO_RCVBUF");
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = hears == Hears::kAll ? htons(ETH_P_ALL) : 0;
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  check_call(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind " + interface);
  return socket;
}

}  // namespace ringway
