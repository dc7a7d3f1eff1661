#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dice.h"
#include "plan/plan.h"

namespace ringway {

using Bytes = std::vector<std::uint8_t>;

/// Frames that belong together: the forwarder must not change their order. What makes them a flow is written down in
/// datapath/flow_hash.h; here it is built, not parsed.
struct Flow {
  std::size_t port = 0;  ///< where its frames come in
  unsigned queue = 0;
  Bytes head;                   ///< the start of its frames, up to the last byte that decides the flow
  std::size_t fragment_at = 0;  ///< where IPv4's or IPv6's fragment field stands in it; 0: nowhere
  bool ipv6_fragment = false;   ///< the field is IPv6's
  unsigned most = 0;            ///< bytes that its frames may have; 0: any number
  std::uint32_t nic_hash = 0;   ///< what a NIC would say
  std::size_t meets = 0;        ///< flows with one number are two directions of one
  std::uint32_t sent = 0;       ///< frames so far
};

/// Flows for every port that something is received from; some are the other direction of one before.
std::vector<Flow> draw_flows(const Plan& plan, unsigned count, Dice& dice);

/// Bytes of a flow's tag: its number and the frame's, at the end of each frame that has room for it.
inline constexpr std::size_t kTagBytes = 8;

/// Writes the next frame of the flow that has this number.
void write_frame(const Flow& flow, std::uint32_t number, Bytes& frame, std::size_t bytes);

}  // namespace ringway
