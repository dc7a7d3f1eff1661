#include "fbuf/originator.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/errors.h"

namespace ringway::fbuf {
namespace {

/// A receiver is heard for so many messages before the others are: one that talks without end stops nobody.
constexpr unsigned kMostMessages = 1024;

std::string name(ReceiverId id, pid_t pid) {
  return "receiver " + std::to_string(static_cast<std::uint32_t>(id)) + " (pid " + std::to_string(pid) + ")";
}

[[noreturn]] void refuse(const std::string& text) {
  throw Error(ExitStatus::kFailed, "fbuf: " + text);
}

}  // namespace

WritableBuffer::WritableBuffer(WritableBuffer&& other) noexcept {
  *this = std::move(other);
}

WritableBuffer& WritableBuffer::operator=(WritableBuffer&& other) noexcept {
  if (this != &other) {
    let_go();
    originator_ = std::exchange(other.originator_, nullptr);
    index_ = other.index_;
    offset_ = other.offset_;
    length_ = other.length_;
  }
  return *this;
}

WritableBuffer::~WritableBuffer() {
  let_go();
}

void WritableBuffer::let_go() noexcept {
  if (originator_ != nullptr) {
    std::exchange(originator_, nullptr)->put_back(index_);
  }
}

std::span<std::byte> WritableBuffer::bytes() const {
  if (originator_ == nullptr) {
    refuse("this WritableBuffer holds no buffer; it was handed over, moved from or never taken");
  }
  const Memory& memory = originator_->memory_;
  return {memory.buffer(index_), memory.geometry().bytes};
}

void WritableBuffer::set_content(std::size_t offset, std::size_t length) {
  const std::size_t size = bytes().size();
  if (offset > size || length > size - offset) {
    refuse("content of " + std::to_string(length) + " bytes at offset " + std::to_string(offset) +
           " is not inside a buffer of " + std::to_string(size));
  }
  offset_ = offset;
  length_ = length;
}

Originator::Originator(std::uint32_t buffers, std::size_t bytes)
    : memory_({buffers, bytes}),
      slots_(buffers),
      readers_(std::make_unique<std::atomic<pid_t>[]>(buffers)),
      known_({memory_.buffer(0), memory_.geometry(), readers_.get(), getpid()}),
      free_(buffers) {}

Originator::~Originator() {
  assert(census().taken == 0 && "a WritableBuffer outlives its originator");
}

ReceiverId Originator::attach(Channel channel) {
  Hello hello;
  const Greeting greeting = channel.await_greeting(std::as_writable_bytes(std::span(&hello, 1)), "receiver");
  if (hello.magic != kMagic || hello.version != kVersion) {
    refuse("the receiver (pid " + std::to_string(greeting.pid) + ") is none of version " + std::to_string(kVersion));
  }
  const Grant grant{.buffers = memory_.geometry().buffers, .bytes = memory_.geometry().bytes};
  channel.greet(std::as_bytes(std::span(&grant, 1)), memory_.file().get());
  const ReceiverId id{++last_id_};
  peers_.emplace(id, Peer{std::move(channel), greeting.pid});
  return id;
}

unsigned Originator::take(std::span<WritableBuffer> into) {
  for (WritableBuffer& buffer : into) {
    buffer.let_go();
  }
  unsigned taken = 0;
  for (unsigned got = 1; got > 0 && taken < into.size(); taken += got) {
    got = take_batch(into.subspan(taken, std::min<std::size_t>(kBatch, into.size() - taken)));
  }
  return taken;
}

unsigned Originator::take_batch(std::span<WritableBuffer> into) {
  Batch batch;
  for (const auto wanted = std::min<std::size_t>(into.size(), free_); batch.size < wanted;) {
    if (slots_[next_].state == Slot::kFree) {
      batch.indexes[batch.size++] = next_;
    }
    next_ = next_ + 1 < slots_.size() ? next_ + 1 : 0;
  }
  protect(batch, true);
  for (unsigned i = 0; i < batch.size; ++i) {
    slots_[batch.indexes[i]].state = Slot::kTaken;
    into[i].originator_ = this;
    into[i].index_ = batch.indexes[i];
    into[i].set_content(0, memory_.geometry().bytes);
  }
  free_ -= batch.size;
  return batch.size;
}

unsigned Originator::hand_over(ReceiverId to, std::span<WritableBuffer> buffers) {
  const auto peer = peers_.find(to);
  if (peer == peers_.end()) {
    refuse("there is no receiver " + std::to_string(static_cast<std::uint32_t>(to)) + "; it is gone or never came");
  }
  for (const WritableBuffer& buffer : buffers) {
    if (buffer.originator_ != this) {
      refuse("a WritableBuffer to be handed over holds no buffer of this pool; was it handed over before?");
    }
  }
  unsigned done = 0;
  while (done < buffers.size() && !peer->second.expelled) {
    const auto batch = buffers.subspan(done, std::min<std::size_t>(kBatch, buffers.size() - done));
    if (!hand_over_batch(to, peer->second, batch)) {
      break;
    }
    done += static_cast<unsigned>(batch.size());
  }
  return done;
}

/// Protected first, then sent: nobody writes to what a receiver may be reading.
bool Originator::hand_over_batch(ReceiverId to, Peer& peer, std::span<WritableBuffer> buffers) {
  Batch batch;
  std::array<Descriptor, kBatch> descriptors;
  for (const WritableBuffer& buffer : buffers) {
    readers_[buffer.index_].store(peer.pid, std::memory_order_relaxed);
    descriptors[batch.size] = {handed_over_ + batch.size + 1, buffer.offset_, buffer.length_, buffer.index_};
    batch.indexes[batch.size++] = buffer.index_;
  }
  protect(batch, false);
  if (peer.channel.send(std::as_bytes(std::span(descriptors.data(), batch.size))) != Sent::kYes) {
    for (const std::uint32_t index : batch.all()) {
      readers_[index].store(0, std::memory_order_relaxed);
    }
    protect(batch, true);
    return false;
  }
  for (WritableBuffer& buffer : buffers) {
    Slot& slot = slots_[buffer.index_];
    slot.state = Slot::kHandedOver;
    slot.holder = to;
    slot.sequence = ++handed_over_;
    buffer.originator_ = nullptr;
  }
  return true;
}

/// One call for each run of neighbours that are not all as wanted.
void Originator::protect(Batch batch, bool writable) {
  const std::span<std::uint32_t> indexes = batch.all();
  std::ranges::sort(indexes);
  for (std::size_t first = 0; first < indexes.size();) {
    std::size_t end = first;
    bool as_wanted = true;
    for (; end < indexes.size() && indexes[end] - indexes[first] == end - first; ++end) {
      as_wanted = as_wanted && slots_[indexes[end]].writable == writable;
    }
    if (!as_wanted) {
      memory_.protect(indexes[first], static_cast<std::uint32_t>(end - first), writable);
    }
    for (; first < end; ++first) {
      slots_[indexes[first]].writable = writable;
    }
  }
}

/// A buffer that was taken and is not wanted.
void Originator::put_back(std::uint32_t index) noexcept {
  assert(slots_[index].state == Slot::kTaken);
  free(index);
}

/// Stays as protected as it is, until somebody takes it.
void Originator::free(std::uint32_t index) noexcept {
  slots_[index].state = Slot::kFree;
  readers_[index].store(0, std::memory_order_relaxed);
  ++free_;
}

std::vector<Event> Originator::collect(std::chrono::milliseconds wait) {
  std::vector<Event> events;
  if (!drain_all(events) && wait.count() > 0) {
    wait_for_message(wait);
    drain_all(events);
  }
  return events;
}

bool Originator::drain_all(std::vector<Event>& events) {
  bool heard = false;
  for (auto at = peers_.begin(); at != peers_.end();) {
    const std::size_t told = events.size();
    heard = drain(at->first, at->second, events) || heard;
    const bool gone = events.size() > told && events.back().gone;
    at = gone ? peers_.erase(at) : std::next(at);
  }
  return heard;
}

/// What one receiver has sent. False: nothing.
bool Originator::drain(ReceiverId id, Peer& peer, std::vector<Event>& events) {
  std::array<Return, kBatch> returns;
  unsigned messages = 0;
  for (; messages < kMostMessages; ++messages) {
    const Received got = peer.channel.receive(std::as_writable_bytes(std::span(returns)));
    if (got.kind == Received::kNothing) {
      break;
    }
    if (got.kind == Received::kGone) {
      events.push_back(take_back(id, peer));
      return true;
    }
    if (peer.expelled) {
      continue;
    }
    const std::size_t count = got.bytes / sizeof(Return);
    const std::string wrong = got.bytes % sizeof(Return) != 0 || count > returns.size()
                                  ? "sent a message of " + std::to_string(got.bytes) + " bytes, which is no batch"
                                  : accept(id, std::span(returns).first(count));
    if (!wrong.empty()) {
      peer.expelled = true;
      peer.channel.finish();
      events.push_back({id, peer.pid, false, 0,
                        "fbuf: " + name(id, peer.pid) + " " + wrong +
                            "; it gets nothing more, and what it holds comes back when it is gone"});
    }
  }
  return messages > 0;
}

/// Frees what was returned, up to the first return that is none. What is wrong with that one, or nothing.
std::string Originator::accept(ReceiverId from, std::span<const Return> returns) {
  for (const Return& one : returns) {
    const std::string buffer = "returned buffer " + std::to_string(one.index);
    if (one.index >= slots_.size()) {
      return buffer + " of a pool of " + std::to_string(slots_.size());
    }
    const Slot& slot = slots_[one.index];
    if (slot.state != Slot::kHandedOver || slot.holder != from || slot.sequence != one.sequence) {
      return buffer + " of hand-over " + std::to_string(one.sequence) + ", which it does not hold";
    }
    free(one.index);
  }
  return {};
}

/// A receiver's end: whatever it held is nobody's now.
Event Originator::take_back(ReceiverId from, const Peer& peer) {
  unsigned taken_back = 0;
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].state == Slot::kHandedOver && slots_[index].holder == from) {
      free(index);
      ++taken_back;
    }
  }
  return {from, peer.pid, true, taken_back,
          "fbuf: " + name(from, peer.pid) + " is gone; buffers taken back: " + std::to_string(taken_back)};
}

void Originator::wait_for_message(std::chrono::milliseconds time) const {
  std::vector<pollfd> ready;
  for (const auto& [id, peer] : peers_) {
    ready.push_back({peer.channel.fd(), POLLIN, 0});
  }
  poll(ready.data(), ready.size(), static_cast<int>(time.count()));
}

Census Originator::census() const {
  Census census;
  for (const Slot& slot : slots_) {
    ++(slot.state == Slot::kFree ? census.free : slot.state == Slot::kTaken ? census.taken : census.handed_over);
  }
  return census;
}

}  // namespace ringway::fbuf
