#include "ladder/packet_kernel.h"

#include <algorithm>
#include <cstdio>

#include "ladder/network.h"
#include "ladder/packet_flow.h"
#include "ladder/placement.h"

namespace ringway {
namespace {

// With the hop and without it, in turns, so that both see the same machine.
constexpr std::uint64_t kRounds = 10;

double cpu_seconds(const Usage& usage) {
  return usage.user_s + usage.system_s;
}

/// A piece of the load, and what the thread that plays the far ends paid for it.
double cpu_of(FrameFlow& flow, std::uint64_t packets) {
  Meter meter;
  meter.start();
  flow.move(packets);
  return cpu_seconds(meter.stop());
}

std::string told(double without, std::uint64_t packets) {
  char text[300];
  std::snprintf(
      text, sizeof text,
      "the kernel forwards inside the sender's calls: the CPU time is what the far ends paid more than over a "
      "wire without a hop, where it was %.0f ns a packet; what ran in the kernel's own threads is not in it",
      without * 1e9 / static_cast<double>(packets));
  return text;
}

/// With the middle as it is set up.
Outcome run_hop(const Wires& wires, const Load& load, const Headers& headers) {
  FrameFlow flow(wires, load, headers);
  FrameFlow direct(wires, load, unchanged_headers(load), "direct");
  run_on(far_end_cpu());
  flow.warm_up();
  direct.warm_up();
  double with = 0;
  double without = 0;
  std::uint64_t packets = 0;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    const std::uint64_t piece = load.packets * round / kRounds - packets;
    with += cpu_of(flow, piece);
    without += cpu_of(direct, piece);
    packets += piece;
  }
  Outcome outcome = flow.finish(load.samples);
  const Outcome bare = direct.finish(0);
  outcome.verified = bare.verified && outcome.verified;
  outcome.usage.system_s = std::max(with - without, 0.0);
  outcome.copies_per_byte = 0;
  outcome.copies_shown_by = "definition: the kernel passes its own buffer from one interface to the other";
  outcome.notes.push_back(told(without, packets));
  for (const std::string& note : bare.notes) {
    outcome.notes.push_back("over the wire without a hop: " + note);
  }
  return outcome;
}

}  // namespace

Outcome run_bridge(const Load& load) {
  const Wires wires;
  set_network_switch("bridge/bridge-nf-call-iptables", false);  // or each frame passes IP's filters as well
  run_ip(
      "link add hop type bridge forward_delay 0 mcast_snooping 0\n"
      "link set left master hop\n"
      "link set right master hop\n"
      "link set hop up\n");
  return run_hop(wires, load, unchanged_headers(load));
}

Outcome run_router(const Load& load) {
  constexpr std::uint8_t kTtl = 64;
  const Wires wires;
  run_ip(std::string("address add 10.11.1.2/24 dev left\n"
                     "address add 10.11.2.2/24 dev right\n"
                     "neighbour add ") +
         kSinkAddress + " lladdr " + text_of(kSinkMac) + " dev right\n");
  set_network_switch("ipv4/ip_forward", true);
  return run_hop(wires, load,
                 {.sent = make_header(kSourceMac, kLeftMac, kTtl, load.packet_bytes),
                  .expected = make_header(kRightMac, kSinkMac, kTtl - 1, load.packet_bytes)});
}

}  // namespace ringway
