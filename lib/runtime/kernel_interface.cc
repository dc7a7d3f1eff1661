#include "runtime/kernel_interface.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace ringway {
namespace {

/// One request about an interface; false when nobody answers.
bool ask(int socket, const std::string& name, unsigned long what, ifreq& request) {
  request = {};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return socket >= 0 && ioctl(socket, what, &request) == 0;
}

}  // namespace

std::vector<std::string> kernel_interfaces() {
  std::vector<std::string> names;
  struct if_nameindex* const all = if_nameindex();
  for (const struct if_nameindex* one = all; one != nullptr && one->if_name != nullptr; ++one) {
    names.emplace_back(one->if_name);
  }
  if_freenameindex(all);
  return names;
}

KernelInterface::KernelInterface(const std::string& name)
    : name_(name), table_("/proc/thread-self/net/dev"), socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

KernelInterface::KernelInterface(KernelInterface&& other) noexcept
    : name_(std::move(other.name_)), table_(std::move(other.table_)), socket_(std::exchange(other.socket_, -1)) {}

KernelInterface::~KernelInterface() {
  if (socket_ >= 0) {
    close(socket_);
  }
}

KernelCounters KernelInterface::counters() const {
  KernelCounters counters;
  std::istringstream table(table_.text());
  for (std::string line; std::getline(table, line);) {
    const std::size_t colon = line.find(':');
    const std::size_t name = line.find_first_not_of(' ');
    if (colon == std::string::npos || line.substr(name, colon - name) != name_) {
      continue;
    }
    // Eight numbers received, eight transmitted: bytes packets errs drop ...
    std::istringstream numbers(line.substr(colon + 1));
    std::uint64_t fields[16] = {};
    for (std::uint64_t& field : fields) {
      numbers >> field;
    }
    counters = {.rx_packets = fields[1], .rx_dropped = fields[3], .tx_packets = fields[9], .tx_dropped = fields[11]};
  }
  return counters;
}

unsigned KernelInterface::mtu(unsigned otherwise) const {
  ifreq answer;
  return ask(socket_, name_, SIOCGIFMTU, answer) ? static_cast<unsigned>(std::max(answer.ifr_mtu, 0)) : otherwise;
}

bool KernelInterface::link_up() const {
  ifreq answer;
  return ask(socket_, name_, SIOCGIFFLAGS, answer) && (answer.ifr_flags & IFF_RUNNING) != 0;
}

}  // namespace ringway
