#include "ladder/file_receiver.h"

#include <sys/socket.h>

#include <limits>

#include "core/errors.h"
#include "ladder/descriptor.h"
#include "ladder/pattern.h"
#include "ladder/placement.h"

namespace ringway {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Receiver::Receiver(int socket, std::uint64_t file_bytes, std::uint64_t block)
    : socket_(socket), file_bytes_(file_bytes), buffer_(block), thread_([this] { run(); }) {}

Receiver::~Receiver() {
  ended_ = true;
  expect(1);
  shutdown(socket_, SHUT_RDWR);
  thread_.join();
}

void Receiver::expect(std::uint64_t blocks) {
  expected_ += blocks;
  expected_.notify_one();
}

Receiver::Clock::time_point Receiver::wait_for(std::uint64_t blocks) const {
  for (std::uint64_t taken = taken_; taken < blocks; taken = taken_) {
    taken_.wait(taken);
  }
  if (failed_) {
    throw Error(ExitStatus::kFailed, "the far end: " + failure_);
  }
  return found_right_;
}

void Receiver::run() {
  run_on(far_end_cpu());
  std::uint64_t block = 0;
  for (bool more = true; more; ++block) {
    while (expected_ == block) {
      expected_.wait(block);
    }
    more = !ended_ && take(block);
    taken_ = more ? block + 1 : kAll;
    taken_.notify_one();
  }
}

/// False: no more will come.
bool Receiver::take(std::uint64_t block) {
  const ssize_t got = recv(socket_, buffer_.data(), buffer_.size(), MSG_WAITALL);
  if (got < 0 || static_cast<std::size_t>(got) != buffer_.size()) {
    fail(got < 0 ? failure_of("recv") : "the connection ended inside block " + std::to_string(block));
    return false;
  }
  if (const auto wrong = first_difference(buffer_, block * buffer_.size() % file_bytes_)) {
    fail("byte " + std::to_string(*wrong) + " of the file came wrong");
  }
  found_right_ = Clock::now();
  return true;
}

void Receiver::fail(const std::string& why) {
  if (!failed_) {
    failure_ = why;
    failed_ = true;
  }
}

}  // namespace ringway
