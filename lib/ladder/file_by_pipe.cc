#include "ladder/file_by_pipe.h"

#include <fcntl.h>
#include <sys/uio.h>

#include "core/errors.h"
#include "ladder/descriptor.h"

namespace ringway {

BlockPipe::BlockPipe(std::uint64_t bytes) {
  fcntl(in(), F_SETPIPE_SZ, static_cast<int>(bytes));  // refused: more calls a block, which are counted
}

void BlockPipe::empty_into(int socket, std::uint64_t bytes) const {
  while (bytes > 0) {
    const ssize_t sent = check_call(counted(::splice, out(), nullptr, socket, nullptr, bytes, SPLICE_F_MOVE), "splice");
    bytes -= static_cast<std::uint64_t>(sent);
  }
}

namespace {

/// As much of the piece as the pipe has slots for.
std::uint64_t file_into(const BlockPipe& pipe, const PatternFile& file, std::uint64_t offset, std::uint64_t bytes) {
  auto at = static_cast<off64_t>(offset);
  const ssize_t taken = counted(::splice, file.fd(), &at, pipe.in(), nullptr, bytes, SPLICE_F_MOVE);
  return static_cast<std::uint64_t>(file.taken(taken, "splice from the file"));
}

}  // namespace

void Splice::move(std::uint64_t offset, std::uint64_t bytes) {
  for (const std::uint64_t end = offset + bytes; offset < end;) {
    const std::uint64_t taken = file_into(pipe_, ends_.file, offset, end - offset);
    pipe_.empty_into(ends_.sockets[0], taken);
    offset += taken;
  }
}

void Tee::move(std::uint64_t offset, std::uint64_t bytes) {
  for (const std::uint64_t end = offset + bytes; offset < end;) {
    const std::uint64_t taken = file_into(first_, ends_.file, offset, end - offset);
    const ssize_t doubled = check_call(counted(::tee, first_.out(), second_.in(), taken, 0U), "tee");
    if (static_cast<std::uint64_t>(doubled) != taken) {
      throw Error(ExitStatus::kFailed, "tee doubled " + std::to_string(doubled) + " of " + std::to_string(taken) +
                                           " bytes: the second pipe is smaller");
    }
    first_.empty_into(ends_.sockets[0], taken);
    second_.empty_into(ends_.sockets[1], taken);
    offset += taken;
  }
}

void Tee::tell(Outcome& outcome) const {
  outcome.notes.emplace_back(
      "to two receivers: each got every byte, and figures are of a byte, MiB or block of the file, once");
}

void VmSplice::move(std::uint64_t offset, std::uint64_t bytes) {
  for (const std::uint64_t end = offset + bytes; offset < end;) {
    iovec piece{.iov_base = mapped_.data() + offset, .iov_len = end - offset};
    const ssize_t taken = ends_.file.taken(counted(::vmsplice, pipe_.in(), &piece, std::size_t{1}, 0U), "vmsplice");
    pipe_.empty_into(ends_.sockets[0], static_cast<std::uint64_t>(taken));
    offset += static_cast<std::uint64_t>(taken);
  }
}

}  // namespace ringway
