#include "fbuf/receiver.h"

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "core/errors.h"

namespace ringway::fbuf {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw Error(ExitStatus::kFailed, "fbuf: " + text);
}

}  // namespace

ReadableBuffer::ReadableBuffer(ReadableBuffer&& other) noexcept {
  *this = std::move(other);
}

ReadableBuffer& ReadableBuffer::operator=(ReadableBuffer&& other) noexcept {
  if (this != &other) {
    let_go();
    receiver_ = std::exchange(other.receiver_, nullptr);
    descriptor_ = other.descriptor_;
  }
  return *this;
}

ReadableBuffer::~ReadableBuffer() {
  let_go();
}

void ReadableBuffer::let_go() noexcept {
  if (receiver_ != nullptr) {
    std::exchange(receiver_, nullptr)->put_back(descriptor_);
  }
}

const Receiver& ReadableBuffer::receiver() const {
  if (receiver_ == nullptr) {
    refuse("this ReadableBuffer holds no buffer; it was returned, moved from or never received");
  }
  return *receiver_;
}

std::span<const std::byte> ReadableBuffer::content() const {
  return {receiver().memory_.buffer(descriptor_.index) + descriptor_.offset, descriptor_.length};
}

std::uint64_t ReadableBuffer::sequence() const {
  receiver();
  return descriptor_.sequence;
}

void ReadableBuffer::give_back() {
  receiver();
  let_go();
}

Receiver::Opening Receiver::open(Channel channel) {
  const Hello hello;
  channel.greet(std::as_bytes(std::span(&hello, 1)));
  Grant grant;
  Greeting greeting = channel.await_greeting(std::as_writable_bytes(std::span(&grant, 1)), "originator");
  if (grant.magic != kMagic || grant.version != kVersion) {
    refuse("the originator (pid " + std::to_string(greeting.pid) + ") is none of version " + std::to_string(kVersion));
  }
  return {std::move(channel), greeting.pid, {grant.buffers, grant.bytes}, std::move(greeting.file)};
}

Receiver::Receiver(Channel channel) : Receiver(open(std::move(channel))) {}

Receiver::Receiver(Opening opening)
    : channel_(std::move(opening.channel)),
      originator_(opening.originator),
      memory_(opening.geometry, opening.file),
      known_({memory_.buffer(0), opening.geometry, nullptr, originator_}),
      held_(opening.geometry.buffers) {
  returns_.reserve(opening.geometry.buffers);
}

Receiver::~Receiver() {
  assert(static_cast<std::size_t>(std::ranges::count(held_, true)) == returns_.size() + inbox_.size() &&
         "a ReadableBuffer outlives its receiver");
}

unsigned Receiver::receive(std::span<ReadableBuffer> into, std::chrono::milliseconds wait) {
  for (ReadableBuffer& buffer : into) {
    buffer.let_go();
  }
  flush();
  take_message();
  if (inbox_.empty() && wait.count() > 0) {
    wait_for_message(wait);
  }
  const auto count = std::min(into.size(), inbox_.size());
  for (std::size_t i = 0; i < count; ++i) {
    into[i].receiver_ = this;
    into[i].descriptor_ = inbox_[i];
  }
  inbox_ = inbox_.subspan(count);
  return static_cast<unsigned>(count);
}

/// Until there is one, or the end. Returns go out meanwhile: the originator may wait for them.
void Receiver::wait_for_message(std::chrono::milliseconds time) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + time;
  while (inbox_.empty() && !gone_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const auto events = static_cast<short>(returns_.empty() ? POLLIN : POLLIN | POLLOUT);
    if (left.count() <= 0 || !wait_for(channel_.fd(), events, left)) {
      return;
    }
    flush();
    take_message();
  }
}

void Receiver::take_message() {
  if (!inbox_.empty() || gone_) {
    return;
  }
  const Received got = channel_.receive(std::as_writable_bytes(std::span(message_)));
  gone_ = got.kind == Received::kGone;
  if (got.kind == Received::kMessage) {
    const std::size_t count = got.bytes / sizeof(Descriptor);
    if (got.bytes % sizeof(Descriptor) != 0 || count > message_.size()) {
      gone_ = true;
      refuse("the originator (pid " + std::to_string(originator_) + ") sent a message of " + std::to_string(got.bytes) +
             " bytes, which is no batch");
    }
    accept(std::span(message_).first(count));
  }
}

/// All of them or, where one is wrong, none: then the originator is not to be trusted further.
void Receiver::accept(std::span<const Descriptor> batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (const std::string wrong = wrong_with(batch[i]); !wrong.empty()) {
      for (const Descriptor& accepted : batch.first(i)) {
        held_[accepted.index] = false;
      }
      gone_ = true;
      refuse("the originator (pid " + std::to_string(originator_) + ") handed over buffer " +
             std::to_string(batch[i].index) + wrong);
    }
    held_[batch[i].index] = true;
    last_ = batch[i].sequence;
  }
  inbox_ = batch;
}

std::string Receiver::wrong_with(const Descriptor& descriptor) const {
  const auto [buffers, bytes] = memory_.geometry();
  if (descriptor.index >= buffers) {
    return " of a pool of " + std::to_string(buffers);
  }
  if (descriptor.offset > bytes || descriptor.length > bytes - descriptor.offset) {
    return " with " + std::to_string(descriptor.length) + " bytes at offset " + std::to_string(descriptor.offset) +
           ", which is not inside its " + std::to_string(bytes);
  }
  if (held_[descriptor.index]) {
    return ", which this process holds already";
  }
  return descriptor.sequence > last_
             ? ""
             : " as number " + std::to_string(descriptor.sequence) + " after number " + std::to_string(last_);
}

void Receiver::put_back(const Descriptor& descriptor) noexcept {
  if (gone_) {
    held_[descriptor.index] = false;
  } else {
    returns_.push_back({descriptor.sequence, descriptor.index});
  }
}

void Receiver::flush() noexcept {
  std::size_t sent = 0;
  while (sent < returns_.size()) {
    const auto batch =
        std::span<const Return>(returns_).subspan(sent, std::min<std::size_t>(kBatch, returns_.size() - sent));
    if (!gone_ && channel_.send(std::as_bytes(batch)) == Sent::kFull) {
      break;
    }
    for (const Return& one : batch) {
      held_[one.index] = false;
    }
    sent += batch.size();
  }
  returns_.erase(returns_.begin(), returns_.begin() + static_cast<std::ptrdiff_t>(sent));
}

}  // namespace ringway::fbuf
