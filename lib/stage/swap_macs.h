#pragma once

#include "datapath/stage.h"

namespace ringway {

/// Swaps a frame's source and destination MAC address.
///
/// Edits: bytes 0 to 11. The Plan uses it only where nothing else shares the packet's data. Drops: runt, when the first
/// segment is too short for an Ethernet header (14 bytes). Source: IEEE 802.3 clause 3.2.
class SwapMacs {
 public:
  void process(Burst& burst, Counters& counters) const noexcept;
};

}  // namespace ringway
