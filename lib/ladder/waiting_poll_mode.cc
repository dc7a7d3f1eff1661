#include <algorithm>
#include <cstring>

#include "ladder/packet_frame.h"
#include "ladder/packet_xdp.h"
#include "ladder/waiting_side.h"

namespace ringway {
namespace {

constexpr unsigned kSpinsALook = 1024;  // at the clock

/// Back to whom it came from. The sums stay right, since only places are exchanged.
void turn_round(std::span<std::byte> frame) {
  FrameHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  std::swap(header.ethernet.ether_shost, header.ethernet.ether_dhost);
  const FrameHeader came = header;
  header.ip.saddr = came.ip.daddr;
  header.ip.daddr = came.ip.saddr;
  header.udp.source = came.udp.dest;
  header.udp.dest = came.udp.source;
  std::memcpy(frame.data(), &header, sizeof header);
}

class PollMode : public WaitingSide {
 public:
  PollMode() { port_.fill_all(); }

  void answer(std::uint64_t count) override {
    xdp_desc frames[kBatch];
    auto last = std::chrono::steady_clock::now();
    for (unsigned spins = 1; count > 0; ++spins) {
      port_.recycle(port_);
      const auto got = port_.receive(std::span(frames).first(std::min<std::uint64_t>(count, kBatch)));
      for (const xdp_desc& frame : got) {
        turn_round(memory_.bytes(frame));
      }
      if (!got.empty()) {
        port_.send(got);
        count -= got.size();
        last = std::chrono::steady_clock::now();
      } else if (spins % kSpinsALook == 0 && std::chrono::steady_clock::now() - last > kPatience) {
        return;
      }
    }
  }

  void describe(Outcome& outcome) const override { describe_copies(outcome, {&port_}); }

 private:
  XdpMemory memory_;
  XdpPort port_{memory_, "left", XdpMode::kCopy, Hears::kAll};
};

}  // namespace

std::unique_ptr<WaitingSide> make_poll_mode() {
  return std::make_unique<PollMode>();
}

}  // namespace ringway
