#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringway {

/// Why payload was copied. Plain forwarding has no reason to.
enum class CopyReason : std::uint8_t {
  kSharedHeader,  ///< headers of a packet whose data others share, to be edited in private
  kCapture,       ///< what a capture's writer puts into a file
};

/// Names in reports and tables, in the order of CopyReason.
inline constexpr std::array<const char*, 2> kCopyReasonNames = {"shared_header", "capture"};
inline constexpr std::size_t kCopyReasons = kCopyReasonNames.size();

}  // namespace ringway
