#pragma once

#include <memory>

#include "ladder/packet_flow.h"

namespace ringway {

/// recvfrom and sendto, a frame each.
std::unique_ptr<PacketMove> make_packet_socket();

/// recvmmsg and sendmmsg, up to kBatch frames each.
std::unique_ptr<PacketMove> make_packet_batches();

}  // namespace ringway
