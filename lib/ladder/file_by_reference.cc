#include "ladder/file_by_reference.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "core/errors.h"
#include "ladder/descriptor.h"

namespace ringway {
namespace {

// Between two looks at the error queue: rare enough to cost little, often enough that what the kernel keeps for each
// send stays far below net.core.optmem_max.
constexpr std::uint64_t kSendsALook = 16;

}  // namespace

void SendFile::move(std::uint64_t offset, std::uint64_t bytes) {
  auto at = static_cast<off_t>(offset);
  while (bytes > 0) {
    const ssize_t sent =
        ends_.file.taken(counted(::sendfile, ends_.sockets[0], ends_.file.fd(), &at, bytes), "sendfile");
    bytes -= static_cast<std::uint64_t>(sent);
  }
}

ZeroCopySend::ZeroCopySend(const Ends& ends) : ends_(ends), mapped_(ends.file.pages_to_fault_in()) {
  const int on = 1;
  if (setsockopt(ends.sockets[0], SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) != 0) {
    throw CannotRun(failure_of("SO_ZEROCOPY") + "; it needs Linux 4.14");
  }
}

void ZeroCopySend::move(std::uint64_t offset, std::uint64_t bytes) {
  while (bytes > 0) {
    const ssize_t sent = counted(::send, ends_.sockets[0], mapped_.data() + offset, bytes, MSG_ZEROCOPY);
    if (sent < 0 && errno == ENOBUFS) {  // so many pages may be pinned, or so many sends not complete, and no more
      if (completed_ == sends_) {
        throw CannotRun(failure_of("send with MSG_ZEROCOPY") + "; ulimit -l or net.core.optmem_max must be larger");
      }
      wait_for_completions();
      continue;
    }
    ends_.file.taken(sent, "send with MSG_ZEROCOPY");
    offset += static_cast<std::uint64_t>(sent);
    bytes -= static_cast<std::uint64_t>(sent);
    if (++sends_ % kSendsALook == 0) {
      take_completions();
    }
  }
}

void ZeroCopySend::finish() {
  while (completed_ < sends_) {
    wait_for_completions();
  }
}

void ZeroCopySend::wait_for_completions() {
  pollfd errors{.fd = ends_.sockets[0], .events = 0, .revents = 0};
  check_call(counted(::poll, &errors, nfds_t{1}, -1), "poll");
  while (take_completions()) {
  }
}

/// One message, which tells of a row of sends; false: there is none.
bool ZeroCopySend::take_completions() {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(sock_extended_err)) + CMSG_SPACE(sizeof(sockaddr_in6))];
  msghdr message{};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = counted(::recvmsg, ends_.sockets[0], &message, MSG_ERRQUEUE | MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) {
    return false;
  }
  check_call(got, "recvmsg from the error queue");
  const auto* const told = reinterpret_cast<const sock_extended_err*>(CMSG_DATA(CMSG_FIRSTHDR(&message)));
  if (told->ee_origin != SO_EE_ORIGIN_ZEROCOPY || told->ee_errno != 0) {
    throw Error(ExitStatus::kFailed, failure_of("the socket's error queue", static_cast<int>(told->ee_errno)));
  }
  const std::uint64_t sends = std::uint64_t{told->ee_data} - told->ee_info + 1;
  completed_ += sends;
  copied_ += (told->ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0 ? sends : 0;
  return true;
}

void ZeroCopySend::tell(Outcome& outcome) const {
  const std::string of_all = std::to_string(copied_) + " of " + std::to_string(sends_) + " sends";
  outcome.notes.push_back("completions on the error queue: the kernel copied " + of_all);
  if (copied_ > 0) {
    outcome.fell_back = "copied " + of_all + ": this interface hands packets to a socket of this machine";
  }
}

}  // namespace ringway
