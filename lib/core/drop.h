#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>

namespace ringway {

/// Why a packet was freed instead of sent. There is no free without one.
enum class DropReason : std::uint8_t {
  kTxFull,         ///< the port it was to leave by refused it, retries or waiting included
  kRingFull,       ///< the ring to the next lcore had no room, waiting included
  kFrameTooShort,  ///< shorter than the output can send
  kFrameTooLong,   ///< longer than the output's port carries; never shortened instead
  kPortLost,       ///< the port it was to leave by has been unplugged
  kRunt,           ///< too short for an Ethernet header where one had to be rewritten
  kNoMbuf,         ///< the pool had none for headers of its own, where its data is shared
  kShutdown,       ///< still inside a driver that gives nothing back when it stops, or in a ring when time was up
};

/// Names in reports and tables, in the order of DropReason.
inline constexpr std::array<const char*, 8> kDropReasonNames = {
    "tx_full", "ring_full", "frame_too_short", "frame_too_long", "port_lost", "runt", "no_mbuf", "shutdown"};
inline constexpr std::size_t kDropReasons = kDropReasonNames.size();
static_assert(static_cast<std::size_t>(DropReason::kShutdown) + 1 == kDropReasons);

/// Whether it is the port of the output that did not take the packet.
constexpr bool is_at_output(DropReason reason) {
  return reason == DropReason::kTxFull || reason == DropReason::kPortLost;
}

/// Some of the reasons, by DropReason.
using DropReasons = std::bitset<kDropReasons>;

}  // namespace ringway
