#include "ladder/network.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "ladder/rung.h"

namespace ringway {
namespace {

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) {
    throw CannotRun("cannot write " + path + ": " + std::strerror(errno));
  }
}

/// A namespace of this process's own.
void unshare_or_throw(int what, const char* name) {
  if (unshare(what) != 0) {
    throw CannotRun("unshare(" + std::string(name) + "): " + std::strerror(errno) +
                    "; expected root, or a kernel that lets users have namespaces (sysctl user.max_user_namespaces, "
                    "kernel.unprivileged_userns_clone)");
  }
}

[[noreturn]] void become_ip(int input, int errors) {
  dup2(input, STDIN_FILENO);
  dup2(errors, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  execlp("ip", "ip", "-batch", "-", nullptr);
  _exit(127);
}

}  // namespace

void become_able() {
  if (geteuid() == 0) {
    return;
  }
  const std::string user = std::to_string(geteuid());
  const std::string group = std::to_string(getegid());
  unshare_or_throw(CLONE_NEWUSER, "CLONE_NEWUSER");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + user + " 1");
  write_file("/proc/self/gid_map", "0 " + group + " 1");
}

Descriptor new_network() {
  unshare_or_throw(CLONE_NEWNET, "CLONE_NEWNET");
  for (const char* scope : {"all", "default"}) {  // the kernel is to send nothing of its own
    set_network_switch(std::string("ipv6/conf/") + scope + "/disable_ipv6", true);
  }
  return {open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "open(/proc/self/ns/net)"};
}

void enter_network(const Descriptor& network) {
  check_call(setns(network.get(), CLONE_NEWNET), "setns");
}

void run_ip(const std::string& lines) {
  const Descriptor input = memory_file(lines);
  const Descriptor errors = memory_file("");
  const pid_t child = fork();
  check_call(child, "fork");
  if (child == 0) {
    become_ip(input.get(), errors.get());
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status == 0) {
    return;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
    throw CannotRun("there is no program `ip`; it comes with the package iproute2");
  }
  throw CannotRun("ip " + lines + ": " + text_of(errors));
}

void set_network_switch(const std::string& name, bool on) {
  const std::string path = "/proc/sys/net/" + name;
  if (std::filesystem::exists(path)) {
    write_file(path, on ? "1" : "0");
  }
}

int interface_switch(const std::string& interface, std::uint32_t command, std::uint32_t value) {
  const Descriptor any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  ethtool_value request{.cmd = command, .data = value};
  ifreq named{};
  std::copy_n(interface.begin(), std::min(interface.size(), sizeof named.ifr_name - 1), named.ifr_name);
  named.ifr_data = reinterpret_cast<char*>(&request);
  return ioctl(any.get(), SIOCETHTOOL, &named) == 0 ? static_cast<int>(request.data) : -1;
}

}  // namespace ringway
