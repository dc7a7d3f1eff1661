#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringway {

/// Why a packet was freed instead of sent. There is no free without one.
enum class DropReason : std::uint8_t {
  kTxFull,         ///< the output refused it, retries included
  kFrameTooShort,  ///< shorter than the output can send
  kFrameTooLong,   ///< longer than the output's port carries; never shortened instead
  kRunt,           ///< too short for an Ethernet header where one had to be rewritten
  kShutdown,       ///< still inside a driver that gives nothing back when it stops
};

/// Names in reports and tables, in the order of DropReason.
inline constexpr std::array<const char*, 5> kDropReasonNames = {"tx_full", "frame_too_short", "frame_too_long", "runt",
                                                                "shutdown"};
inline constexpr std::size_t kDropReasons = kDropReasonNames.size();
static_assert(static_cast<std::size_t>(DropReason::kShutdown) + 1 == kDropReasons);

/// Why payload was copied. Plain forwarding has no reason to.
enum class CopyReason : std::uint8_t {
  kSharedHeader,  ///< headers of a packet whose data others share, to be edited in private
};

/// Names in reports and tables, in the order of CopyReason.
inline constexpr std::array<const char*, 1> kCopyReasonNames = {"shared_header"};
inline constexpr std::size_t kCopyReasons = kCopyReasonNames.size();

}  // namespace ringway
