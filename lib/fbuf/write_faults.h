#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fbuf/memory.h"

namespace ringway::fbuf {

/// A pool's memory as the teller of write faults finds it.
struct Territory {
  const std::byte* begin;
  Geometry geometry;
  /// Which process each buffer is handed over to, 0 for none; in a receiver there is no such list.
  const std::atomic<pid_t>* readers;
  pid_t originator;
};

/// Makes a territory known for as long as it lives. Any thread; at most 64 at a time, or it throws Error.
class Known {
 public:
  explicit Known(const Territory& territory);
  ~Known();
  Known(const Known&) = delete;
  Known& operator=(const Known&) = delete;

 private:
  Territory territory_;
  std::size_t place_;
};

/// For as long as it lives, a write to a buffer that may not be written to is told in one line on stderr (which buffer,
/// handed over to which process, what to do instead) before the process dies of SIGSEGV, as it does without. Faults at
/// other addresses go to the handler that was there before. One at a time in a process, or it throws Error; opt-in,
/// since signal handlers are the program's business.
class WriteFaultTeller {
 public:
  WriteFaultTeller();
  /// Puts the earlier handler back, unless another one has come on top meanwhile, which then goes on calling this one.
  ~WriteFaultTeller();
  WriteFaultTeller(const WriteFaultTeller&) = delete;
  WriteFaultTeller& operator=(const WriteFaultTeller&) = delete;
};

}  // namespace ringway::fbuf
