#include "ladder/packet_wires.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/errors.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

constexpr int kReceiveBuffer = 8 << 20;  // asked for; a user without privileges gets net.core.rmem_max

void write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) {
    throw CannotRun(std::string("cannot write ") + path + ": " + std::strerror(errno));
  }
}

void need(int result, const char* what) {
  if (result != 0) {
    throw CannotRun(std::string(what) + ": " + std::strerror(errno) +
                    "; expected root, or a kernel that lets users have namespaces (sysctl user.max_user_namespaces, "
                    "kernel.unprivileged_userns_clone)");
  }
}

/// Whoever is not root becomes root of a namespace of users.
void become_able() {
  if (geteuid() == 0) {
    return;
  }
  const std::string user = std::to_string(geteuid());
  const std::string group = std::to_string(getegid());
  need(unshare(CLONE_NEWUSER), "unshare(CLONE_NEWUSER)");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + user + " 1");
  write_file("/proc/self/gid_map", "0 " + group + " 1");
}

/// Moves the process into a new one.
Descriptor new_network() {
  need(unshare(CLONE_NEWNET), "unshare(CLONE_NEWNET)");
  for (const char* scope : {"all", "default"}) {  // the kernel is to send nothing of its own
    const std::string path = std::string("/proc/sys/net/ipv6/conf/") + scope + "/disable_ipv6";
    if (std::filesystem::exists(path)) {
      write_file(path.c_str(), "1");
    }
  }
  return {open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "open(/proc/self/ns/net)"};
}

/// A name for other processes.
std::string path_of(const Descriptor& descriptor) {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor.get());
}

[[noreturn]] void become_ip(int input, int errors) {
  dup2(input, STDIN_FILENO);
  dup2(errors, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  execlp("ip", "ip", "-batch", "-", nullptr);
  _exit(127);
}

Descriptor file_of(const std::string& text) {
  Descriptor file(memfd_create("ladder", MFD_CLOEXEC), "memfd_create");
  check_call(pwrite(file.get(), text.data(), text.size(), 0), "pwrite");
  return file;
}

/// In the namespace that the process is in.
void run_ip(const std::string& lines) {
  const Descriptor input = file_of(lines);
  const Descriptor errors = file_of("");
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
  std::ostringstream said;
  said << std::ifstream(path_of(errors)).rdbuf();
  throw CannotRun("ip " + lines + ": " + said.str());
}

std::string new_pair(const std::string& name, const Mac& mac, const Mac& far_mac, const Descriptor& far_space) {
  return "link add " + name + " address " + text_of(mac) + " type veth peer name far address " + text_of(far_mac) +
         " netns " + path_of(far_space) + "\nlink set " + name + " up\n";
}

/// Kernels' interfaces and tracepoints as the new namespace has them. In a container that does not allow it, they stay
/// as they were; what depends on them tells.
void mount_views() {
  need(unshare(CLONE_NEWNS), "unshare(CLONE_NEWNS)");
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
  check_call(setns(source_.get(), CLONE_NEWNET), "setns");
  run_ip("link set far up\nlink add direct type veth peer name direct netns " + path_of(sink_) +
         "\nlink set direct up\n");
  check_call(setns(sink_.get(), CLONE_NEWNET), "setns");
  run_ip("link set far up\nlink set direct up\n");
  check_call(setns(middle_.get(), CLONE_NEWNET), "setns");
}

Descriptor Wires::inside(const Descriptor& space, const std::function<Descriptor()>& open) const {
  check_call(setns(space.get(), CLONE_NEWNET), "setns");
  Descriptor socket = open();
  check_call(setns(middle_.get(), CLONE_NEWNET), "setns");
  return socket;
}

void Wires::configure(const std::string& lines) const {
  run_ip(lines);
}

void Wires::configure_source(const std::string& lines) const {
  inside(source_, [&lines] {
    run_ip(lines);
    return Descriptor();
  });
}

void Wires::switch_middle(const std::string& name, bool on) const {
  const std::string path = "/proc/sys/net/" + name;
  if (std::filesystem::exists(path)) {
    write_file(path.c_str(), on ? "1" : "0");
  }
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
