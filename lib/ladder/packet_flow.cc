#include "ladder/packet_flow.h"

#include <exception>
#include <thread>

#include "ladder/latency.h"
#include "ladder/placement.h"

namespace ringway {
namespace {

constexpr std::uint8_t kTtl = 64;

/// What the mover did and what it cost.
struct Moved {
  std::uint64_t batches = 0;
  Usage usage;
};

/// The mover's part, phase by phase as drive().
Moved move_metered(PacketMove& move, const Load& load) {
  run_on(mover_cpu());
  Moved moved;
  Meter meter;
  move.move(kWarmUp);
  meter.start();
  moved.batches = move.move(load.packets);
  moved.usage = meter.stop();
  move.move(load.samples);
  return moved;
}

/// The far ends' part.
Outcome drive(FrameFlow& flow, const Load& load) {
  run_on(far_end_cpu());
  flow.warm_up();
  flow.move(load.packets);
  return flow.finish(load.samples);
}

}  // namespace

Headers unchanged_headers(const Load& load) {
  const FrameHeader header = make_header(kSourceMac, kSinkMac, kTtl, load.packet_bytes);
  return {.sent = header, .expected = header};
}

FrameFlow::FrameFlow(const Wires& wires, const Load& load, const Headers& headers, const std::string& interface)
    : source_(wires.in_source([&] { return open_packet_socket(interface, Hears::kNothing); })),
      sink_(wires.in_sink([&] { return open_packet_socket(interface, Hears::kAll); })),
      ends_(source_, sink_, {headers.sent, load.packet_bytes}),
      check_({headers.expected, load.packet_bytes}),
      drive_(ends_, check_, kPatience),
      frame_bytes_(load.packet_bytes) {}

void FrameFlow::move(std::uint64_t packets) {
  const std::uint64_t before = check_.arrived();
  seconds_ += drive_.move(packets);
  moved_ += check_.arrived() - before;
}

Outcome FrameFlow::finish(std::uint64_t samples) {
  Outcome outcome;
  outcome.seconds = seconds_;
  outcome.packets = moved_;
  outcome.bytes = moved_ * frame_bytes_;
  set_latency(outcome, drive_.move_singly(samples));
  outcome.verified = check_.all_arrived(drive_.sent());
  if (!outcome.verified) {
    outcome.notes.push_back("of " + std::to_string(drive_.sent()) + " frames " + std::to_string(check_.arrived()) +
                            " arrived as they were sent; " + std::to_string(check_.altered()) + " were altered and " +
                            std::to_string(check_.out_of_order()) + " came twice or too late");
  }
  return outcome;
}

Outcome run_move(const Load& load, const std::function<std::unique_ptr<PacketMove>()>& make) {
  usable_cpus();
  const Wires wires;
  const std::unique_ptr<PacketMove> move = make();
  FrameFlow flow(wires, load, unchanged_headers(load));
  Moved moved;
  std::exception_ptr error;
  std::thread mover([&] {
    try {
      moved = move_metered(*move, load);
    } catch (...) {
      error = std::current_exception();
    }
  });
  Outcome outcome;
  try {
    outcome = drive(flow, load);
  } catch (...) {
    mover.join();
    throw;
  }
  mover.join();
  if (error) {
    std::rethrow_exception(error);
  }
  outcome.usage = moved.usage;
  outcome.batches = moved.batches;
  outcome.notes.push_back(kReceivePath);
  move->describe(outcome);
  return outcome;
}

}  // namespace ringway
