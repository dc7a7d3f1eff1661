#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fbuf/channel.h"
#include "fbuf/memory.h"
#include "fbuf/messages.h"
#include "fbuf/write_faults.h"

/// Fbufs (fast buffers; P. Druschel and L. Peterson, "Fbufs: A High-Bandwidth Cross-Domain Transfer Facility", SOSP
/// 1993): a pool of buffers in memory that processes share. The originator writes a buffer and hands it over to one
/// receiver, by a descriptor of a few bytes: no byte of it is copied. From then on it is immutable, until the receiver
/// returns it to the pool or dies.
///
/// A receiver never can write: the kernel refuses. The originator's own mapping is read-only while a buffer is handed
/// over (a write there ends in SIGSEGV, a system call that would write there in EFAULT). That stops mistakes, not
/// malice: a process can give itself back what it took from itself.
namespace ringway::fbuf {

class Originator;

/// Names a receiver of one originator; never used again for another one.
enum class ReceiverId : std::uint32_t {};

/// A buffer of the pool, to be written and handed over. Move-only; goes back to the pool when it is destroyed, which
/// must be before its originator is.
class WritableBuffer {
 public:
  /// Holds none.
  WritableBuffer() = default;
  WritableBuffer(WritableBuffer&& other) noexcept;
  WritableBuffer& operator=(WritableBuffer&& other) noexcept;
  ~WritableBuffer();
  WritableBuffer(const WritableBuffer&) = delete;
  WritableBuffer& operator=(const WritableBuffer&) = delete;

  /// Whether it holds a buffer: not if it was handed over or moved from.
  explicit operator bool() const noexcept { return originator_ != nullptr; }
  /// The whole buffer, with what the last user left in it. Throws Error where it holds none.
  std::span<std::byte> bytes() const;
  /// Says which part the receiver gets to see; all, if nobody says. Throws Error where that is not inside the buffer.
  void set_content(std::size_t offset, std::size_t length);

 private:
  friend Originator;

  void let_go() noexcept;

  Originator* originator_ = nullptr;
  std::uint32_t index_ = 0;
  std::size_t offset_ = 0;
  std::size_t length_ = 0;
};

/// Something that happened to a receiver.
struct Event {
  ReceiverId receiver;
  pid_t pid;
  /// The process died or closed its channel. What it held is free again; the id means nobody any more.
  bool gone;
  unsigned taken_back;  ///< buffers that it held
  std::string text;     ///< all of it in words
};

/// Where the buffers of a pool are; each is in one place.
struct Census {
  std::uint32_t free = 0;
  std::uint32_t taken = 0;        ///< held by a WritableBuffer
  std::uint32_t handed_over = 0;  ///< to receivers

  bool operator==(const Census&) const = default;
};

/// Owns a pool and hands its buffers over. Each hand-over and its way back cost two mprotect calls, with their TLB
/// invalidation, and a message each way; a batch of neighbours costs as many for all of them, which is what makes it
/// fast (tests/bench/fbuf.cc). One thread.
class Originator {
 public:
  /// `bytes`: of each buffer, a multiple of the page size. Throws Error where that cannot be, or memory is lacking.
  Originator(std::uint32_t buffers, std::size_t bytes);
  ~Originator();
  Originator(const Originator&) = delete;
  Originator& operator=(const Originator&) = delete;

  /// Lets the process at the other end read the pool. Waits, for 10 s at most, until a Receiver is made there. Throws
  /// Error where none is, and the pool is as before.
  ReceiverId attach(Channel channel);

  /// Fills a prefix with free buffers, neighbours where there are some, and returns its length; what the elements held
  /// goes back to the pool first. Throws Error where the kernel refuses to make them writable.
  unsigned take(std::span<WritableBuffer> into);

  /// Hands a prefix over and returns its length; those elements then hold nothing. What is left is the caller's still:
  /// the receiver has not kept up, or is gone; collect() tells. Throws Error, with nothing handed over, where there is
  /// no such receiver or an element holds no buffer of this pool. Throws Error, too, where the kernel refuses to
  /// protect memory: the elements that hold a buffer then are to be let go.
  unsigned hand_over(ReceiverId to, std::span<WritableBuffer> buffers);

  /// Takes in what receivers returned, and notices who is gone. Waits for the first message at most that long. A
  /// receiver that returns what it does not hold is given nothing more and keeps what it has until its end, since it
  /// may be reading.
  std::vector<Event> collect(std::chrono::milliseconds wait = {});

  /// Looks at every buffer.
  Census census() const;

 private:
  friend WritableBuffer;

  /// A buffer's place in the books.
  struct Slot {
    enum State : std::uint8_t { kFree, kTaken, kHandedOver };
    State state = kFree;
    bool writable = true;
    ReceiverId holder{};
    std::uint64_t sequence = 0;
  };
  struct Peer {
    Channel channel;
    pid_t pid;
    bool expelled = false;  // for what it sent; its end is waited for
  };
  /// Indexes of one batch.
  struct Batch {
    std::array<std::uint32_t, kBatch> indexes;
    unsigned size = 0;

    std::span<std::uint32_t> all() noexcept { return {indexes.data(), size}; }
  };

  unsigned take_batch(std::span<WritableBuffer> into);
  bool hand_over_batch(ReceiverId to, Peer& peer, std::span<WritableBuffer> buffers);
  void protect(Batch batch, bool writable);
  void put_back(std::uint32_t index) noexcept;
  void free(std::uint32_t index) noexcept;
  bool drain_all(std::vector<Event>& events);
  bool drain(ReceiverId id, Peer& peer, std::vector<Event>& events);
  std::string accept(ReceiverId from, std::span<const Return> returns);
  Event take_back(ReceiverId from, const Peer& peer);
  void wait_for_message(std::chrono::milliseconds time) const;

  Memory memory_;
  std::vector<Slot> slots_;
  std::unique_ptr<std::atomic<pid_t>[]> readers_;  // for whom a fault finds it: which process each is handed over to
  Known known_;
  std::uint32_t free_;
  std::uint32_t next_ = 0;  // where the search for a free buffer goes on, so that neighbours are found together
  std::uint64_t handed_over_ = 0;
  std::map<ReceiverId, Peer> peers_;
  std::uint32_t last_id_ = 0;
};

}  // namespace ringway::fbuf
