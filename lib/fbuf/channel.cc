#include "fbuf/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "core/errors.h"

namespace ringway::fbuf {
namespace {

/// A peer that says nothing for so long is taken for none: it has only to start and to open its channel.
constexpr std::chrono::seconds kPatience{10};

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(ExitStatus::kFailed, "fbuf: " + what + ": " + std::strerror(error));
}

int option(int socket, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/// The peer's end, in one of the ways in which the kernel tells it.
bool ended(int error) {
  return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

/// Room for a process's credentials and one file, without padding: the kernel closes further files that a peer sends.
constexpr std::size_t kCredentialsRoom = CMSG_SPACE(sizeof(ucred));
constexpr std::size_t kAttachmentsRoom = kCredentialsRoom + CMSG_LEN(sizeof(int));

struct Attachments {
  alignas(cmsghdr) std::byte bytes[kAttachmentsRoom] = {};
};

template <class T>
void attach(cmsghdr* header, int type, T value) {
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof value);
  new (CMSG_DATA(header)) T(value);
}

Greeting read_attachments(msghdr& header) {
  Greeting greeting;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_CREDENTIALS) {
      greeting.pid = reinterpret_cast<const ucred*>(CMSG_DATA(part))->pid;
    } else if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
      greeting.file = File(*reinterpret_cast<const int*>(CMSG_DATA(part)));
    }
  }
  return greeting;
}

}  // namespace

File::~File() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

Channel::Channel(int socket) : socket_(socket) {
  if (option(socket, SO_DOMAIN) != AF_UNIX || option(socket, SO_TYPE) != SOCK_SEQPACKET) {
    throw Error(ExitStatus::kUsage, "fbuf: descriptor " + std::to_string(socket) +
                                        " is no channel; expected a connected AF_UNIX socket of type SOCK_SEQPACKET");
  }
}

std::pair<Channel, Channel> Channel::pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    fail("socketpair", errno);
  }
  return {Channel(ends[0]), Channel(ends[1])};
}

Sent Channel::send(std::span<const std::byte> message) noexcept {
  ssize_t sent = -1;
  do {
    sent = ::send(fd(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0 ? Sent::kYes : ended(errno) ? Sent::kGone : Sent::kFull;
}

Received Channel::receive(std::span<std::byte> into) noexcept {
  for (;;) {
    const ssize_t got = recv(fd(), into.data(), into.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got > 0) {
      return {Received::kMessage, static_cast<std::size_t>(got)};
    }
    if (got == 0) {
      return {Received::kGone};
    }
    // The kernel tells once, ahead of what the peer sent, that the peer left messages unread when it ended.
    if (errno != EINTR && errno != ECONNRESET) {
      return {errno == EAGAIN ? Received::kNothing : Received::kGone};
    }
  }
}

void Channel::finish() noexcept {
  shutdown(fd(), SHUT_WR);
}

void Channel::greet(std::span<const std::byte> message, int file) {
  iovec part = {const_cast<std::byte*>(message.data()), message.size()};
  Attachments attachments;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = attachments.bytes;
  header.msg_controllen = file >= 0 ? kAttachmentsRoom : kCredentialsRoom;
  cmsghdr* const first = CMSG_FIRSTHDR(&header);
  attach(first, SCM_CREDENTIALS, ucred{getpid(), geteuid(), getegid()});
  if (file >= 0) {
    attach(CMSG_NXTHDR(&header, first), SCM_RIGHTS, file);
  }
  if (sendmsg(fd(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    fail("cannot send the first message to the peer", errno);
  }
}

Greeting Channel::await_greeting(std::span<std::byte> message, const char* peer) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  iovec part = {message.data(), message.size()};
  Attachments attachments;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = attachments.bytes;
  header.msg_controllen = kAttachmentsRoom;
  const int on = 1;
  const int off = 0;
  setsockopt(fd(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  ssize_t got = -1;
  int error = EAGAIN;
  while (got < 0 && (error == EAGAIN || error == EINTR) && std::chrono::steady_clock::now() < deadline) {
    wait_for(fd(), POLLIN, std::chrono::milliseconds(100));
    got = recvmsg(fd(), &header, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    error = got < 0 ? errno : 0;
  }
  setsockopt(fd(), SOL_SOCKET, SO_PASSCRED, &off, sizeof off);
  if (got < 0 && error != ECONNRESET) {
    fail(std::string("no first message from the ") + peer, error == EAGAIN ? ETIMEDOUT : error);
  }
  if (got <= 0) {
    throw Error(ExitStatus::kFailed, std::string("fbuf: the ") + peer + " is gone before it said anything");
  }
  Greeting greeting = read_attachments(header);
  if (static_cast<std::size_t>(got) != message.size()) {
    throw Error(ExitStatus::kFailed, std::string("fbuf: the ") + peer + " (pid " + std::to_string(greeting.pid) +
                                         ") opened with " + std::to_string(got) + " bytes; expected " +
                                         std::to_string(message.size()) + "; are both ends of one version?");
  }
  return greeting;
}

bool wait_for(int fd, short events, std::chrono::milliseconds time) noexcept {
  pollfd ready{fd, events, 0};
  return poll(&ready, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace ringway::fbuf
