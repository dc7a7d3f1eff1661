#include "capture/block_io.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ringway {
namespace {

constexpr unsigned kEntries = 64;  // more than all captures have buffers

/// Has the ring take nothing but writes, and enables it. 0, or a negative errno. Debian's liburing (2.3) declares
/// functions for both and has none.
int restrict_to_writes(const io_uring& ring) {
  io_uring_restriction writes{};
  writes.opcode = IORING_RESTRICTION_SQE_OP;
  writes.sqe_op = IORING_OP_WRITE;
  const bool done = syscall(SYS_io_uring_register, ring.ring_fd, IORING_REGISTER_RESTRICTIONS, &writes, 1) == 0 &&
                    syscall(SYS_io_uring_register, ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) == 0;
  return done ? 0 : -errno;
}

}  // namespace

int write_all_at(int fd, const std::uint8_t* bytes, std::size_t length, std::uint64_t offset) noexcept {
  while (length > 0) {
    const ssize_t taken = pwrite(fd, bytes, length, static_cast<off_t>(offset));
    if (taken < 0 && errno == EINTR) {
      continue;
    }
    if (taken <= 0) {
      return taken < 0 ? errno : ENOSPC;
    }
    bytes += taken;
    length -= static_cast<std::size_t>(taken);
    offset += static_cast<std::uint64_t>(taken);
  }
  return 0;
}

BlockIo::BlockIo() {
  int result = io_uring_queue_init(kEntries, &ring_, IORING_SETUP_R_DISABLED);
  if (result == 0) {
    result = restrict_to_writes(ring_);
    if (result < 0) {
      io_uring_queue_exit(&ring_);
    }
  }
  without_uring_ = result < 0 ? std::strerror(-result) : "";
}

BlockIo::~BlockIo() {
  if (without_uring_.empty()) {
    io_uring_queue_exit(&ring_);
  }
}

void BlockIo::start(BlockWrite& write) noexcept {
  write.done = false;
  write.error = 0;
  io_uring_sqe* const sqe = without_uring_.empty() ? io_uring_get_sqe(&ring_) : nullptr;
  if (sqe == nullptr) {
    write.error = write_all_at(write.fd, write.bytes, write.length, write.offset);
    write.done = true;
    return;
  }
  io_uring_prep_write(sqe, write.fd, write.bytes, static_cast<unsigned>(write.length), write.offset);
  io_uring_sqe_set_data(sqe, &write);
  int result = -EAGAIN;
  while (result == -EINTR || result == -EAGAIN || result == -EBUSY) {
    result = io_uring_submit(&ring_);
  }
  if (result < 0) {  // nobody has it: what is left in the queue is to do nothing
    io_uring_prep_write(sqe, write.fd, write.bytes, 0, write.offset);
    io_uring_sqe_set_data(sqe, nullptr);
    write.error = write_all_at(write.fd, write.bytes, write.length, write.offset);
    write.done = true;
  }
}

void BlockIo::look(bool wait) noexcept {
  if (!without_uring_.empty()) {
    return;
  }
  io_uring_cqe* cqe = nullptr;
  while (wait && io_uring_wait_cqe(&ring_, &cqe) == -EINTR) {
  }
  while (io_uring_peek_cqe(&ring_, &cqe) == 0 && cqe != nullptr) {
    complete(cqe);
  }
}

void BlockIo::complete(io_uring_cqe* cqe) noexcept {
  auto* const write = static_cast<BlockWrite*>(io_uring_cqe_get_data(cqe));
  const int result = cqe->res;
  io_uring_cqe_seen(&ring_, cqe);
  if (write == nullptr) {
    return;
  }
  if (result < 0) {
    write->error = -result;
  } else if (static_cast<std::size_t>(result) < write->length) {
    const auto taken = static_cast<std::size_t>(result);  // a part only: the rest tells why
    write->error = write_all_at(write->fd, write->bytes + taken, write->length - taken, write->offset + taken);
  }
  write->done = true;
}

}  // namespace ringway
