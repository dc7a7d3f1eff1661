#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "ladder/packet_flow.h"
#include "ladder/waiting_side.h"

namespace ringway {
namespace {

constexpr int kBusyPollUs = 200;
constexpr unsigned kSpinsALook = 1024;  // at the clock
constexpr std::size_t kLongestMessage = 2048;

sockaddr_in waiting_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kWaitingPort);
  address.sin_addr.s_addr = inet_addr(kWaitingAddress);
  return address;
}

Descriptor open_waiting() {
  Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  const sockaddr_in address = waiting_address();
  check_call(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  check_call(setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
  return socket;
}

/// Receives in its own way, and sends back what came to whom it came from.
class SocketSide : public WaitingSide {
 public:
  void answer(std::uint64_t count) override {
    for (; count > 0; --count) {
      socklen_t length = sizeof sender_;
      const ssize_t got = take(&length);
      if (got < 0) {
        check_call(errno == EAGAIN ? 0 : -1, "recvfrom");
        return;
      }
      check_call(counted(::sendto, socket_.get(), message_, static_cast<std::size_t>(got), 0,
                         reinterpret_cast<const sockaddr*>(&sender_), length),
                 "sendto");
    }
  }

  void describe(Outcome& outcome) const override {
    outcome.copies_per_byte = 2;
    outcome.copies_shown_by = "definition: recvfrom copies out of the kernel, sendto into it";
  }

 protected:
  /// As recvfrom; EAGAIN when nothing came for too long.
  virtual ssize_t take(socklen_t* length) = 0;

  ssize_t receive(int flags, socklen_t* length) {
    return counted(::recvfrom, socket_.get(), message_, sizeof message_, flags, reinterpret_cast<sockaddr*>(&sender_),
                   length);
  }

  Descriptor socket_ = open_waiting();

 private:
  sockaddr_in sender_{};
  std::byte message_[kLongestMessage];
};

class Blocking : public SocketSide {
 protected:
  ssize_t take(socklen_t* length) override { return receive(0, length); }
};

class Epoll : public SocketSide {
 public:
  Epoll() {
    epoll_event event{.events = EPOLLIN, .data = {}};
    check_call(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event), "epoll_ctl");
  }

 protected:
  ssize_t take(socklen_t* length) override {
    epoll_event event{};
    const auto patience = std::chrono::milliseconds(kPatience).count();
    counted(::epoll_wait, epoll_.get(), &event, 1, static_cast<int>(patience));
    return receive(MSG_DONTWAIT, length);
  }

 private:
  Descriptor epoll_{epoll_create1(EPOLL_CLOEXEC), "epoll_create1"};
};

class Spinning : public SocketSide {
 protected:
  ssize_t take(socklen_t* length) override {
    const auto start = std::chrono::steady_clock::now();
    ssize_t got = receive(MSG_DONTWAIT, length);
    for (unsigned spins = 1; got < 0 && errno == EAGAIN; ++spins) {
      if (spins % kSpinsALook == 0 && std::chrono::steady_clock::now() - start > kPatience) {
        errno = EAGAIN;
        break;
      }
      got = receive(MSG_DONTWAIT, length);
    }
    return got;
  }
};

/// Packets that sockets of this network namespace got by polling the interface themselves.
std::uint64_t busy_polled() {
  std::ifstream file("/proc/thread-self/net/netstat");
  for (std::string names, values; std::getline(file, names) && std::getline(file, values);) {
    std::istringstream keys(names);
    std::istringstream numbers(values);
    for (std::string key, number; keys >> key && numbers >> number;) {
      if (key == "BusyPollRxPackets") {
        return std::stoull(number);
      }
    }
  }
  return 0;
}

class BusyPolling : public SocketSide {
 public:
  BusyPolling() {
    set(SO_BUSY_POLL, kBusyPollUs, "SO_BUSY_POLL");
    set(SO_PREFER_BUSY_POLL, 1, "SO_PREFER_BUSY_POLL");
  }

  void describe(Outcome& outcome) const override {
    SocketSide::describe(outcome);
    const std::uint64_t polled = busy_polled() - before_;
    outcome.notes.push_back("by its own polling the socket got " + std::to_string(polled) +
                            " packets (BusyPollRxPackets); the others came by themselves");
    if (polled == 0) {
      outcome.fell_back = "busy polling: the kernel brought no packet by it, as by recv alone";
    }
  }

 protected:
  ssize_t take(socklen_t* length) override { return receive(0, length); }

 private:
  void set(int option, int value, const char* name) {
    if (setsockopt(socket_.get(), SOL_SOCKET, option, &value, sizeof value) != 0) {
      throw CannotRun(std::string(name) + ": " + std::strerror(errno) +
                      "; expected CAP_NET_ADMIN, and CONFIG_NET_RX_BUSY_POLL");
    }
  }

  std::uint64_t before_ = busy_polled();
};

}  // namespace

std::unique_ptr<WaitingSide> make_blocking() {
  return std::make_unique<Blocking>();
}

std::unique_ptr<WaitingSide> make_epoll() {
  return std::make_unique<Epoll>();
}

std::unique_ptr<WaitingSide> make_busy_polling() {
  return std::make_unique<BusyPolling>();
}

std::unique_ptr<WaitingSide> make_spinning() {
  return std::make_unique<Spinning>();
}

}  // namespace ringway
