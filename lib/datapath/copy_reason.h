#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringway {

/// Why payload was copied. Plain forwarding has no reason to.
enum class CopyReason : std::uint8_t {
  kSharedHeader,  ///< headers of a packet whose data others share, to be edited in private
};

/// Names in reports and tables, in the order of CopyReason.
inline constexpr std::array<const char*, 1> kCopyReasonNames = {"shared_header"};
inline constexpr std::size_t kCopyReasons = kCopyReasonNames.size();

}  // namespace ringway
