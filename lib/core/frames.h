#pragma once

#include <array>

namespace ringway {

/// Simple IMIX: bytes of its frames without CRC, and how many of each there are in twelve.
inline constexpr std::array<unsigned, 3> kImixBytes = {60, 590, 1514};
inline constexpr std::array<unsigned, 3> kImixShares = {7, 4, 1};

/// Bytes that a frame takes on a wire beside its own without CRC: preamble and start delimiter 8, CRC 4, the gap to the
/// next frame 12 (IEEE 802.3).
inline constexpr unsigned kWireOverhead = 24;

/// Bytes by which a frame that is too long on purpose exceeds what its port carries, at most.
inline constexpr unsigned kMostOversize = 64;

}  // namespace ringway
