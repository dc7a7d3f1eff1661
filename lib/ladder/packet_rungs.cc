#include "ladder/packet_flow.h"
#include "ladder/packet_kernel.h"
#include "ladder/packet_mmap.h"
#include "ladder/packet_ringway.h"
#include "ladder/packet_socket.h"
#include "ladder/packet_xdp.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

auto by(std::unique_ptr<PacketMove> (*make)()) {
  return [make](const Load& load) { return run_move(load, make); };
}

std::vector<Rung> rungs_by_sockets() {
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
      {.name = "packet_mmap",
       .group = "packet",
       .title = "packet sockets, the kernel's rings mapped into the process (PACKET_MMAP, as PF_RING's plain mode)",
       .use = "as af_packet, at high rates: one system call for a block of frames",
       .limit = "a block waits until it is full or its timer ends, so single frames are late; needs CAP_NET_RAW",
       .run = by(make_packet_mmap)},
      {.name = "af_xdp",
       .group = "packet",
       .title = "AF_XDP, one memory for both interfaces",
       .use = "where the NIC's driver has zero copy, or to pass the kernel's own network stack by",
       .limit = "takes the queue's frames away from the kernel; needs CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW",
       .run = by(make_packet_xdp)},
  };
}

std::vector<Rung> rungs_by_forwarders() {
  return {
      {.name = "bridge",
       .group = "packet",
       .title = "the kernel's own bridge",
       .use = "to join interfaces with no program in between",
       .limit = "forwards by MAC address and nothing else; what it costs is charged to whoever sends",
       .run = run_bridge},
      {.name = "router",
       .group = "packet",
       .title = "the kernel's own router",
       .use = "to forward IP with routes, neighbours and filters",
       .limit = "a route look-up, TTL and checksum a packet, charged to whoever sends",
       .run = run_router},
      {.name = "ringway_af_packet",
       .group = "packet",
       .title = "ringway, ports over af_packet",
       .use = "to run ringway on any interface, without hugepages or a bound NIC",
       .limit = "three copies a packet, by the kernel and the driver; a CPU polls; needs CAP_NET_RAW and CAP_NET_ADMIN",
       .run = run_ringway_af_packet},
      {.name = "ringway_af_xdp",
       .group = "packet",
       .title = "ringway, ports over AF_XDP",
       .use = "to share a NIC with the kernel, without binding it",
       .limit = "copies where the NIC's driver has no zero copy; a CPU polls; needs CAP_BPF and more",
       .run = run_ringway_af_xdp},
      {.name = "ringway_lab",
       .group = "packet",
       .title = "ringway, ports in memory, as on a bound NIC or PF_RING ZC: DMA into user memory",
       .use = "on NICs that can be bound to vfio-pci: no copy and no system call",
       .limit = "takes the NIC away from the kernel, and a CPU polls; here with no NIC, so without its DMA and PCIe",
       .run = run_ringway_lab},
  };
}

}  // namespace

std::vector<Rung> packet_rungs() {
  std::vector<Rung> rungs = rungs_by_sockets();
  const std::vector<Rung> forwarders = rungs_by_forwarders();
  rungs.insert(rungs.end(), forwarders.begin(), forwarders.end());
  return rungs;
}

}  // namespace ringway
