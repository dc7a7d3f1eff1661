#include "runtime/device_needs.h"

#include <net/if.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "config/device.h"
#include "config/replay.h"
#include "core/errors.h"
#include "core/text.h"
#include "plan/drivers.h"
#include "runtime/kernel_interface.h"
#include "runtime/replay_file.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMemifSocket = "/run/memif.sock";  // net_memif's own choice

[[noreturn]] void missing(const std::string& text) {
  throw Error(ExitStatus::kResourceMissing, text);
}

void require_interface(const std::string& name) {
  if (name.empty() || if_nametoindex(name.c_str()) != 0) {
    return;  // without a name the driver itself says so
  }
  const std::vector<std::string> there = kernel_interfaces();
  const std::string advice = did_you_mean(name, there);
  missing("no interface of this network namespace is named '" + name + "'" +
          (advice.empty() ? "; expected " + join(there, "or") : advice));
}

/// Whether a socket was left behind by a process that has ended. To ask with a type that no server here has disturbs
/// none: one that lives answers EPROTOTYPE.
bool is_left_behind(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::error_code none;
  if (!fs::is_socket(path, none) || path.size() >= sizeof address.sun_path) {
    return false;
  }
  path.copy(address.sun_path, path.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool refused = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
  const bool left_behind = refused && errno == ECONNREFUSED;
  close(fd);
  return left_behind;
}

/// A server makes its socket itself, and removes it again unless it is killed.
void require_place(const std::string& path) {
  const std::string folder = folder_of(path);
  std::error_code none;
  if (is_left_behind(path)) {
    fs::remove(path, none);
  }
  if (fs::exists(path, none)) {
    missing(path + " is there already, and in use or no socket; expected another path");
  }
  if (!fs::is_directory(folder, none)) {
    missing(folder + " is no folder; expected one for the socket");
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw Error(ExitStatus::kPermission,
                folder + ": " + std::strerror(errno) + "; expected a folder where this user may make the socket");
  }
}

/// Whether a socket has this abstract name, which `/proc/net/unix` shows with an `@` in front.
bool has_abstract(const std::string& name) {
  std::ifstream table("/proc/thread-self/net/unix");
  for (std::string line; std::getline(table, line);) {
    if (line.ends_with(" @" + name)) {
      return true;
    }
  }
  return false;
}

/// net_memif's client connects once, when the port starts, and fails without a word of why. To try the connection here
/// would disturb the one that counts.
void require_memif_server(const std::string& path, bool abstract) {
  std::error_code none;
  if (abstract ? !has_abstract(path) : !fs::exists(path, none)) {
    missing("no memif server has made the " + std::string(abstract ? "abstract " : "") + "socket " + path +
            "; expected it to be started first: a client connects once");
  }
}

void require_memif(const std::string& device) {
  const std::string given = devarg(device, "socket");
  const std::string path = given.empty() ? kMemifSocket : given;
  const bool abstract = devarg(device, "socket-abstract") != "no";
  const std::string role = devarg(device, "role");
  if (role.empty() || role == "client") {
    require_memif_server(path, abstract);
  } else if (role == "server" && !abstract) {
    require_place(path);
  }
}

}  // namespace

void require_needs(const std::string& device) {
  const std::string_view driver = vdev_driver(device);
  if (driver == "net_af_packet" || driver == "net_af_xdp" || driver == "net_pcap") {
    for (const char* key : {"iface", "rx_iface", "rx_iface_in", "tx_iface"}) {
      require_interface(devarg(device, key));
    }
  } else if (driver == "net_memif") {
    require_memif(device);
  } else if (driver == "net_vhost" && !devarg(device, "iface").empty() && devarg(device, "client") != "1") {
    require_place(devarg(device, "iface"));
  } else if (driver == kReplayDevice) {
    require_capture(replay_of(device).file);
  }
}

}  // namespace ringway
