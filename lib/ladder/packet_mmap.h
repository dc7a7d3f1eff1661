#pragma once

#include <memory>

#include "ladder/packet_flow.h"

namespace ringway {

/// The kernel's rings mapped into the process: blocks of frames to read (TPACKET_V3), slots to send from (TPACKET_V2).
std::unique_ptr<PacketMove> make_packet_mmap();

}  // namespace ringway
