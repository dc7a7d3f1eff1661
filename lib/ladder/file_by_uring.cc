#include "ladder/file_by_uring.h"

#include <sys/socket.h>

#include <algorithm>

#include "core/errors.h"
#include "ladder/descriptor.h"

namespace ringway {
namespace {

// As much as is read and sent by one system call, as long as it is few blocks.
constexpr std::uint64_t kChainBytes = std::uint64_t{512} << 10U;
constexpr std::uint64_t kLongestChain = 8;

// Of Linux 6.2; Debian 12's headers do not have them yet.
constexpr unsigned kReportUsage = 1U << 3U;   // IORING_SEND_ZC_REPORT_USAGE
constexpr unsigned kUsageCopied = 1U << 31U;  // IORING_NOTIF_USAGE_ZC_COPIED

// In user_data: whether it is a send, of which half, and how many bytes.
constexpr std::uint64_t kSend = 1;
constexpr unsigned kHalfShift = 1;
constexpr unsigned kBytesShift = 2;

unsigned half_of(const io_uring_cqe& completion) {
  return static_cast<unsigned>(completion.user_data >> kHalfShift) & 1U;
}

unsigned depth_for(std::uint64_t block) {
  return static_cast<unsigned>(std::clamp<std::uint64_t>(kChainBytes / block, 1, kLongestChain));
}

}  // namespace

Uring::Uring(unsigned entries, std::span<std::byte> buffer) {
  if (const int failed = io_uring_queue_init(entries, &ring_, 0); failed < 0) {
    throw CannotRun(failure_of("io_uring_setup", -failed) +
                    "; it needs Linux 5.1, sysctl kernel.io_uring_disabled=0, and a seccomp filter that allows it");
  }
  const iovec all{.iov_base = buffer.data(), .iov_len = buffer.size()};
  if (const int failed = io_uring_register_buffers(&ring_, &all, 1); failed < 0) {
    io_uring_queue_exit(&ring_);
    throw CannotRun(failure_of("registering " + std::to_string(buffer.size() >> 10U) + " KiB", -failed) +
                    "; ulimit -l must be larger");
  }
}

void Uring::run(unsigned completions, const std::function<void(const io_uring_cqe&)>& take) {
  const int submitted = counted(io_uring_submit_and_wait, &ring_, completions);
  if (submitted < 0 && submitted != -EINTR) {
    throw Error(ExitStatus::kFailed, failure_of("io_uring_enter", -submitted));
  }
  unsigned head = 0;
  unsigned came = 0;
  const io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(&ring_, head, completion) {
    ++came;
    take(*completion);
  }
  io_uring_cq_advance(&ring_, came);
}

UringMove::UringMove(const Ends& ends, Sends sends)
    : ends_(ends),
      sends_(sends),
      depth_(depth_for(ends.block)),
      memory_(2 * depth_ * ends.block),
      ring_(2 * depth_, memory_.bytes()) {
  if (sends_ == Sends::kZeroCopy) {
    find_out_about_zero_copy();
  }
}

/// Whether the kernel has it, and whether it tells of copies.
void UringMove::find_out_about_zero_copy() {
  for (const unsigned flags : {IORING_RECVSEND_FIXED_BUF | kReportUsage, unsigned{IORING_RECVSEND_FIXED_BUF}}) {
    zero_copy_flags_ = flags;
    const int result = try_empty_send();
    if (result == 0) {
      return;
    }
    if (result != -EINVAL) {
      throw Error(ExitStatus::kFailed, failure_of("IORING_OP_SEND_ZC", -result));
    }
  }
  throw CannotRun(failure_of("IORING_OP_SEND_ZC", EINVAL) + "; it needs Linux 6.0");
}

int UringMove::try_empty_send() {
  io_uring_prep_send_zc_fixed(ring_.entry(), ends_.sockets[0], memory_.data(), 0, 0, zero_copy_flags_, 0);
  int result = 0;
  for (bool more = true; more;) {
    ring_.run(1, [&](const io_uring_cqe& completion) {
      const bool told = (completion.flags & IORING_CQE_F_NOTIF) != 0;
      result = told ? result : completion.res;
      more = !told && (completion.flags & IORING_CQE_F_MORE) != 0;
    });
  }
  return result;
}

void UringMove::move(std::uint64_t offset, std::uint64_t bytes) {
  const std::span<std::byte> buffer = memory_.bytes().subspan((half_ * depth_ + blocks_) * ends_.block, bytes);
  queue_read(buffer, offset);
  queue_send(buffer);
  if (++blocks_ == depth_) {
    send_chain();
  }
}

void UringMove::queue_read(std::span<std::byte> into, std::uint64_t offset) {
  io_uring_sqe* const entry = ring_.entry();
  io_uring_prep_read_fixed(entry, ends_.file.fd(), into.data(), static_cast<unsigned>(into.size()), offset, 0);
  queue(entry, false, into.size());
}

void UringMove::queue_send(std::span<const std::byte> from) {
  io_uring_sqe* const entry = ring_.entry();
  if (sends_ == Sends::kZeroCopy) {
    io_uring_prep_send_zc_fixed(entry, ends_.sockets[0], from.data(), from.size(), MSG_WAITALL, zero_copy_flags_, 0);
    ++lent_[half_];
  } else {
    io_uring_prep_send(entry, ends_.sockets[0], from.data(), from.size(), MSG_WAITALL);
  }
  queue(entry, true, from.size());
}

/// After the one before it has ended well.
void UringMove::queue(io_uring_sqe* entry, bool send, std::uint64_t bytes) {
  io_uring_sqe_set_data64(entry, bytes << kBytesShift | half_ << kHalfShift | (send ? kSend : 0));
  if (last_ != nullptr) {
    last_->flags |= IOSQE_IO_LINK;
  }
  last_ = entry;
  ++open_;
}

/// Until it is with the kernel, and the other half is free for the next one.
void UringMove::send_chain() {
  last_ = nullptr;
  blocks_ = 0;
  half_ = 1 - half_;
  while (open_ + lent_[half_] > 0) {
    run(open_ + lent_[half_]);
  }
}

void UringMove::finish() {
  if (blocks_ > 0) {
    send_chain();
  }
  while (lent_[0] + lent_[1] > 0) {
    run(lent_[0] + lent_[1]);
  }
}

void UringMove::run(unsigned completions) {
  ring_.run(completions, [this](const io_uring_cqe& completion) { take(completion); });
}

void UringMove::take(const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_NOTIF) != 0) {
    --lent_[half_of(completion)];
    ++sent_;
    copied_ += (static_cast<unsigned>(completion.res) & kUsageCopied) != 0 ? 1 : 0;
    return;
  }
  --open_;
  const auto wanted = static_cast<int>(completion.user_data >> kBytesShift);
  if (completion.res != wanted) {
    const bool send = (completion.user_data & kSend) != 0;
    const std::string what = send ? "an io_uring send" : "an io_uring read";
    if (!send && completion.res >= 0) {
      ends_.file.taken(0, what.c_str());
    }
    throw Error(ExitStatus::kFailed, completion.res < 0 ? failure_of(what, -completion.res)
                                                        : what + " moved " + std::to_string(completion.res) + " of " +
                                                              std::to_string(wanted) + " bytes");
  }
}

std::vector<Place> UringMove::places(std::span<std::byte> file_pages) {
  const std::uint64_t half = (1 - half_) * depth_ * ends_.block;  // of the last chain
  return {{"the file's page", file_pages}, {"the registered buffer", memory_.bytes().subspan(half, file_pages.size())}};
}

void UringMove::tell(Outcome& outcome) const {
  outcome.notes.push_back("chains of " + std::to_string(depth_) +
                          " blocks; one io_uring_enter reads and sends a chain");
  if (sends_ == Sends::kCopy) {
    return;
  }
  if ((zero_copy_flags_ & kReportUsage) == 0) {
    outcome.notes.emplace_back("this kernel does not tell whether it copied; Linux 6.2 does");
    return;
  }
  const std::string of_all = std::to_string(copied_) + " of " + std::to_string(sent_) + " sends";
  outcome.notes.push_back("notifications of the ring: the kernel copied " + of_all);
  if (copied_ > 0) {
    outcome.fell_back = "copied " + of_all + ": this interface hands packets to a socket of this machine";
  }
}

}  // namespace ringway
