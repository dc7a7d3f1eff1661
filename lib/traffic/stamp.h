#pragma once

#include <rte_hash_crc.h>

#include <cstddef>
#include <cstdint>

namespace ringway {

/// The start of a generated frame's UDP payload; the rest is padding. In the host's byte order.
struct [[gnu::packed]] Stamp {
  std::uint32_t flow = 0;
  std::uint32_t sequence = 0;  ///< of the frame within its flow, from 0; wraps around
  std::uint64_t tsc = 0;       ///< when it was made
  std::uint16_t check = 0;     ///< over the rest of the stamp, the padding and the payload's length
};
static_assert(sizeof(Stamp) == 18, "Ethernet, IPv4, UDP and a stamp are 60 bytes, the shortest frame without CRC");

/// Words at any address; DPDK's unaligned_uint64_t is an ordinary one where the CPU does not mind.
using Word32 = std::uint32_t __attribute__((aligned(1), may_alias));
using Word64 = std::uint64_t __attribute__((aligned(1), may_alias));

/// CRC32C of bytes, continued from `crc`; in whatever pieces they come, the result is the same.
inline std::uint32_t crc32c(const std::uint8_t* bytes, std::size_t n, std::uint32_t crc) noexcept {
  for (; n >= sizeof(std::uint64_t); n -= sizeof(std::uint64_t), bytes += sizeof(std::uint64_t)) {
    crc = rte_hash_crc_8byte(*reinterpret_cast<const Word64*>(bytes), crc);
  }
  for (; n > 0; --n) {
    crc = rte_hash_crc_1byte(*bytes++, crc);
  }
  return crc;
}

/// What the CRC of a payload's padding begins with: its length, so that a frame that was cut does not pass.
inline std::uint32_t crc_of_length(std::uint32_t payload_bytes) noexcept {
  return rte_hash_crc_4byte(payload_bytes, 0);
}

/// The check of a stamp. The padding comes first: its CRC is the same in all frames of a length. Of random changes, 1
/// in 65,536 goes unseen.
inline std::uint16_t check_of(const Stamp& stamp, std::uint32_t padding_crc) noexcept {
  const std::uint64_t flow_and_sequence = stamp.flow | std::uint64_t{stamp.sequence} << 32;
  const std::uint32_t crc = rte_hash_crc_8byte(stamp.tsc, rte_hash_crc_8byte(flow_and_sequence, padding_crc));
  return static_cast<std::uint16_t>(crc ^ crc >> 16);
}

}  // namespace ringway
