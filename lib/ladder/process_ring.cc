#include "ladder/process_ring.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>

#include "ladder/descriptor.h"
#include "ladder/mapping.h"

namespace ringway {
namespace {

constexpr std::uint32_t kSlots = 16;
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kControlBytes = 4096;  // slots begin at a page

/// A number that one process raises and the other waits for.
class alignas(kCacheLine) Raised {
 public:
  std::uint32_t get() const noexcept { return value_.load(std::memory_order_acquire); }

  /// One process only. A system call only where the other sleeps: one each time it does.
  void raise() {
    value_.fetch_add(1);  // seq_cst, as asleep_: one of the two sees the other
    if (asleep_.load() != 0 && asleep_.exchange(0) != 0) {
      counted(::syscall, SYS_futex, &value_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    }
  }

  /// The other process only; while it is `old`, but not for longer than kLook. Whether it is something else then.
  bool wait_while(std::uint32_t old) {
    if (value_.load() == old) {
      const timespec look{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(kLook).count()};
      asleep_.store(1);
      counted(::syscall, SYS_futex, &value_, FUTEX_WAIT, old, &look, nullptr, 0);
      asleep_.store(0);
      sleeps_.fetch_add(1);
    }
    return value_.load() != old;
  }

  /// How often the other process has slept.
  std::uint32_t sleeps() const noexcept { return sleeps_.load(); }

 private:
  std::atomic<std::uint32_t> value_{0};
  std::atomic<std::uint32_t> asleep_{0};  // whoever waits, or is about to
  std::atomic<std::uint32_t> sleeps_{0};
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

struct Control {
  Raised written;  // messages; sender: w, receiver: r
  Raised read;     // messages; receiver: w, sender: r
};
static_assert(sizeof(Control) <= kControlBytes);

Descriptor shared_memory(std::size_t bytes) {
  Descriptor memory(memfd_create("ladder", MFD_CLOEXEC), "memfd_create");
  check_call(ftruncate(memory.get(), static_cast<off_t>(bytes)), "ftruncate");
  return memory;
}

class RingPath : public MessagePath {
 public:
  explicit RingPath(std::size_t block)
      : block_(block),
        fd_(shared_memory(kControlBytes + kSlots * block)),
        memory_(kControlBytes + kSlots * block, MAP_SHARED, fd_.get()),
        control_(*new (memory_.data()) Control) {}

  void send(std::span<const std::byte> message) override {
    const std::uint32_t number = control_.written.get();
    for (std::uint32_t read = control_.read.get(); number - read == kSlots; read = control_.read.get()) {
      control_.read.wait_while(read);
    }
    std::memcpy(slot(number), message.data(), message.size());
    control_.written.raise();
  }

  std::span<const std::byte> receive() override {
    if (std::exchange(holds_, false)) {
      control_.read.raise();
    }
    const std::uint32_t number = control_.read.get();
    holds_ = control_.written.wait_while(number);
    return holds_ ? std::span<const std::byte>(slot(number), block_) : std::span<const std::byte>();
  }

  std::uint64_t batches() const override { return control_.written.sleeps() + control_.read.sleeps(); }

  void describe(Outcome& outcome) const override {
    outcome.copies_per_byte = 1;
    outcome.copies_shown_by = "definition: the sender copies into the ring, the receiver reads there";
  }

 private:
  std::byte* slot(std::uint32_t number) const { return memory_.data() + kControlBytes + number % kSlots * block_; }

  std::size_t block_;
  Descriptor fd_;
  Mapping memory_;
  Control& control_;
  bool holds_ = false;  // a message, in the receiver
};

}  // namespace

std::unique_ptr<MessagePath> make_ring_path(std::size_t block) {
  return std::make_unique<RingPath>(block);
}

}  // namespace ringway
