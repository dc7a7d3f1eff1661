#include "ladder/file_veth.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "ladder/file_call.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

constexpr const char* kFarInterface = "far";
constexpr const char* kNearAddress = "10.77.0.1";
constexpr const char* kNetmask = "255.255.255.0";

/// A namespace of the calling thread's own.
Descriptor enter_new_namespace() {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    throw CannotRun(failure_of("a network namespace of its own") +
                    "; run as root, or let users have namespaces: user.max_user_namespaces, "
                    "kernel.unprivileged_userns_clone");
  }
  return {open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "/proc/thread-self/ns/net"};
}

void enter(const Descriptor& name_space) {
  checked(setns(name_space.get(), CLONE_NEWNET), "setns");
}

/// A message of rtnetlink: attributes one after another, some with others inside.
class Message {
 public:
  template <class Value>
  void put(const Value& value) {
    append(&value, sizeof value);
  }

  void attribute(unsigned short type, std::string_view value) {
    const std::size_t at = begin(type);
    append(value.data(), value.size());
    end(at);
  }

  std::size_t begin(unsigned short type) {
    put(rtattr{.rta_len = 0, .rta_type = type});
    return bytes_.size() - sizeof(rtattr);
  }

  void end(std::size_t attribute) {
    reinterpret_cast<rtattr*>(bytes_.data() + attribute)->rta_len =
        static_cast<unsigned short>(bytes_.size() - attribute);
    bytes_.resize(RTA_ALIGN(bytes_.size()));
  }

  /// Whole, with its length in the header.
  std::span<const char> finished() {
    reinterpret_cast<nlmsghdr*>(bytes_.data())->nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
    return bytes_;
  }

 private:
  void append(const void* from, std::size_t bytes) {
    const auto* const first = static_cast<const char*>(from);
    bytes_.insert(bytes_.end(), first, first + bytes);
  }

  std::vector<char> bytes_;
};

std::string_view as_text(const int& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

/// `near` in this namespace, with its peer `far` in that one.
Message pair_wanted(const Descriptor& far) {
  Message message;
  message.put(nlmsghdr{.nlmsg_len = 0,
                       .nlmsg_type = RTM_NEWLINK,
                       .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
                       .nlmsg_seq = 1,
                       .nlmsg_pid = 0});
  message.put(ifinfomsg{});
  message.attribute(IFLA_IFNAME, kNearInterface);
  const std::size_t link = message.begin(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, "veth");
  const std::size_t data = message.begin(IFLA_INFO_DATA);
  const std::size_t peer = message.begin(VETH_INFO_PEER);
  message.put(ifinfomsg{});
  message.attribute(IFLA_IFNAME, kFarInterface);
  message.attribute(IFLA_NET_NS_FD, as_text(far.get()));
  message.end(peer);
  message.end(data);
  message.end(link);
  return message;
}

void make_pair(const Descriptor& far) {
  const Descriptor netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "a netlink socket");
  Message message = pair_wanted(far);
  const std::span<const char> bytes = message.finished();
  checked(send(netlink.get(), bytes.data(), bytes.size(), 0), "rtnetlink");
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char original[512];
  } answer{};
  checked(recv(netlink.get(), &answer, sizeof answer, 0), "rtnetlink");
  if (answer.header.nlmsg_type != NLMSG_ERROR || answer.error.error != 0) {
    throw CannotRun(failure_of("a veth pair", -answer.error.error) + "; modprobe veth, or a kernel with CONFIG_VETH");
  }
}

ifreq request_for(std::string_view interface) {
  ifreq request{};
  std::copy_n(interface.begin(), std::min(interface.size(), sizeof request.ifr_name - 1), request.ifr_name);
  return request;
}

void set_address(int socket, unsigned long what, std::string_view interface, const char* address) {
  ifreq request = request_for(interface);
  auto* const internet = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
  internet->sin_family = AF_INET;
  inet_pton(AF_INET, address, &internet->sin_addr);
  checked(ioctl(socket, what, &request), "the address of a veth interface");
}

/// An interface of the thread's namespace.
void bring_up(std::string_view interface, const char* address) {
  const Descriptor any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  set_address(any.get(), SIOCSIFADDR, interface, address);
  set_address(any.get(), SIOCSIFNETMASK, interface, kNetmask);
  ifreq request = request_for(interface);
  request.ifr_flags = IFF_UP;
  checked(ioctl(any.get(), SIOCSIFFLAGS, &request), "raising a veth interface");
}

}  // namespace

VethPair::VethPair() : far_(enter_new_namespace()), near_(enter_new_namespace()) {
  make_pair(far_);
  bring_up(kNearInterface, kNearAddress);
  in_far([] { bring_up(kFarInterface, kFarAddress); });
}

void VethPair::in_far(const std::function<void()>& what) const {
  enter(far_);
  try {
    what();
  } catch (...) {
    enter(near_);
    throw;
  }
  enter(near_);
}

}  // namespace ringway
