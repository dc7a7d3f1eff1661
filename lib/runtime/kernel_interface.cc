#include "runtime/kernel_interface.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

namespace ringway {
namespace {

/// One interface request on a socket made for it: sysfs may belong to another network namespace, a socket never does.
std::optional<ifreq> ask(const std::string& interface, unsigned long what) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool answered = fd >= 0 && ioctl(fd, what, &request) == 0;
  if (fd >= 0) {
    close(fd);
  }
  return answered ? std::optional(request) : std::nullopt;
}

}  // namespace

KernelCounters kernel_counters(const std::string& interface) {
  KernelCounters counters;
  std::ifstream table("/proc/thread-self/net/dev");
  for (std::string line; std::getline(table, line);) {
    const std::size_t colon = line.find(':');
    const std::size_t name = line.find_first_not_of(' ');
    if (colon == std::string::npos || line.substr(name, colon - name) != interface) {
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

unsigned kernel_mtu(const std::string& interface, unsigned otherwise) {
  const auto answer = ask(interface, SIOCGIFMTU);
  return answer ? static_cast<unsigned>(std::max(answer->ifr_mtu, 0)) : otherwise;
}

bool kernel_link_up(const std::string& interface) {
  const auto answer = ask(interface, SIOCGIFFLAGS);
  return answer && (answer->ifr_flags & IFF_RUNNING) != 0;
}

}  // namespace ringway
