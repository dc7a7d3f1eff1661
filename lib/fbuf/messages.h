#pragma once

#include <cstdint>

namespace ringway::fbuf {

// What the two ends of a channel say to each other, in the byte order of the machine that both run on. The receiver
// opens with a Hello, the originator answers with a Grant and the pool's memfd; from then on a message is a batch of
// Descriptors one way, and a batch of Returns the other way.

/// Buffers that one message names, at most: one system call for all of them.
inline constexpr unsigned kBatch = 32;

inline constexpr std::uint64_t kMagic = 0x66756266'676e6972;  // "ringfbuf"
inline constexpr std::uint32_t kVersion = 1;

/// Receiver to originator, once.
struct Hello {
  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t zero = 0;
};

/// Originator to receiver, once; the memfd comes with it.
struct Grant {
  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t buffers = 0;
  std::uint64_t bytes = 0;  ///< of each buffer; a multiple of the page size
};

/// Originator to receiver: this buffer is yours to read.
struct Descriptor {
  std::uint64_t sequence = 0;  ///< counts the originator's hand-overs from 1
  std::uint64_t offset = 0;    ///< of the content in the buffer, bytes
  std::uint64_t length = 0;    ///< of the content, bytes
  std::uint32_t index = 0;     ///< of the buffer in the pool
  std::uint32_t zero = 0;
};

/// Receiver to originator: this buffer is yours again. The sequence tells one loan of a buffer from the next.
struct Return {
  std::uint64_t sequence = 0;
  std::uint32_t index = 0;
  std::uint32_t zero = 0;
};

}  // namespace ringway::fbuf
