#pragma once

#include <array>

namespace ringway {

/// Simple IMIX: bytes of its frames without CRC, and how many of each there are in twelve.
inline constexpr std::array<unsigned, 3> kImixBytes = {60, 590, 1514};
inline constexpr std::array<unsigned, 3> kImixShares = {7, 4, 1};

/// Bytes by which a frame that is too long on purpose exceeds what its port carries, at most.
inline constexpr unsigned kMostOversize = 64;

}  // namespace ringway
