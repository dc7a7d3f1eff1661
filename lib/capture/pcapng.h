#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace ringway {

// Blocks of pcapng (draft-ietf-opsawg-pcapng), in this machine's byte order, with the blocks and options that DPDK's
// rte_pcapng writes (22.11), and names where that has numbers. Times are nanoseconds since 1970.

/// An interface of a file.
struct PcapngInterface {
  std::string name;
  std::string description = {};  ///< empty: none, as for all that follow
  std::string hardware = {};
  std::string filter = {};  ///< as tcpdump takes it
  std::optional<std::array<std::uint8_t, 6>> mac = {};
  std::uint64_t bits_per_s = 0;  ///< 0: not known
  std::uint32_t snap = 0;        ///< most bytes of a packet
};

/// What an interface has seen.
struct PcapngStatistics {
  std::uint32_t interface = 0;
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t received = 0;  ///< packets that the filter took
  std::uint64_t missed = 0;    ///< of these, those that are in no file
};

/// Section header block: the first of a file.
std::string section_block(const std::string& comment);
/// Interface description block; the first one describes interface 0.
std::string interface_block(const PcapngInterface& interface);
/// Interface statistics block, of kStatisticsBytes.
inline constexpr std::size_t kStatisticsBytes = 76;
std::string statistics_block(const PcapngStatistics& statistics);

/// A block that readers skip, of so many bytes: a multiple of 4, and at least kLeastPadding. `at`: a multiple of 4.
inline constexpr std::size_t kLeastPadding = 16;
void write_padding_block(std::uint8_t* at, std::size_t bytes) noexcept;

/// Options of packets that are alike: which way they went, and a comment if there is one.
std::string packet_options(bool outbound, std::optional<std::uint32_t> queue, const std::string& comment);

/// What stands before a packet's bytes in an enhanced packet block.
struct PacketHead {
  std::uint32_t type = 6;
  std::uint32_t block_bytes = 0;
  std::uint32_t interface = 0;
  std::uint32_t time_high = 0;
  std::uint32_t time_low = 0;
  std::uint32_t captured_bytes = 0;
  std::uint32_t packet_bytes = 0;
};
static_assert(sizeof(PacketHead) == 28);

/// Bytes of the whole block.
constexpr std::size_t packet_block_bytes(std::size_t captured_bytes, const std::string& options) {
  return sizeof(PacketHead) + (captured_bytes + 3) / 4 * 4 + options.size() + sizeof(std::uint32_t);
}

/// Writes all of an enhanced packet block but the packet's bytes, whose place it returns. `at` is a multiple of 4 and
/// has room for packet_block_bytes(). Only block_bytes of the head is filled in here.
std::uint8_t* write_packet_block(std::uint8_t* at, PacketHead head, const std::string& options) noexcept;

}  // namespace ringway
