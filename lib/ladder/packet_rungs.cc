#include "ladder/packet_socket.h"
#include "ladder/packet_way.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

auto by(std::unique_ptr<PacketMove> (*make)()) {
  return [make](const Load& load) { return run_move(load, make); };
}

}  // namespace

std::vector<Rung> packet_rungs() {
  return {
      {.name = "af_packet",
       .group = "packet",
       .title = "packet sockets, recvfrom and sendto",
       .use = "any interface, any kernel, beside the kernel's own network stack",
       .limit = "two system calls and two copies a packet; needs CAP_NET_RAW",
       .run = by(make_packet_socket)},
      {.name = "af_packet_mmsg",
       .group = "packet",
       .title = "packet sockets, recvmmsg and sendmmsg",
       .use = "as af_packet, where packets come faster than one by one",
       .limit = "two copies a packet; a batch is as long as what had come; needs CAP_NET_RAW",
       .run = by(make_packet_batches)},
  };
}

}  // namespace ringway
