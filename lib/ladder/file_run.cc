#include "ladder/file_run.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

#include "ladder/file_probe.h"
#include "ladder/file_receiver.h"
#include "ladder/latency.h"
#include "ladder/placement.h"

namespace ringway {
namespace {

using Clock = Receiver::Clock;

// Looked at by the probe: as much as any socket takes that nobody reads.
constexpr std::uint64_t kProbed = std::uint64_t{32} << 10U;

constexpr std::size_t kRounds = 3;

double since(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

/// The connections of one measurement, and who is at their far ends.
class FarEnds {
 public:
  FarEnds(const Route& route, unsigned count, std::uint64_t file_bytes, std::uint64_t block) {
    for (unsigned made = 0; made < count; ++made) {
      connections_.push_back(route.connect());
      receivers_.push_back(std::make_unique<Receiver>(connections_.back().far.get(), file_bytes, block));
    }
  }

  std::vector<int> sockets(Descriptor Connection::*end) const {
    std::vector<int> sockets;
    for (const Connection& connection : connections_) {
      sockets.push_back((connection.*end).get());
    }
    return sockets;
  }

  void expect(std::uint64_t blocks) {
    for (const auto& receiver : receivers_) {
      receiver->expect(blocks);
    }
    expected_ += blocks;
  }

  /// Until all but so many of the expected blocks have come everywhere.
  Clock::time_point wait(std::uint64_t but = 0) const {
    Clock::time_point last{};
    for (const auto& receiver : receivers_) {
      last = std::max(last, receiver->wait_for(expected_ - but));
    }
    return last;
  }

 private:
  std::vector<Connection> connections_;
  std::vector<std::unique_ptr<Receiver>> receivers_;  // after their sockets
  std::uint64_t expected_ = 0;
};

/// The whole file, block by block.
void send_file(FileMove& move, FarEnds& far_ends, const Ends& ends, Outcome& outcome) {
  far_ends.expect(ends.file.bytes() / ends.block);
  Meter meter;
  const Clock::time_point begin = Clock::now();
  meter.start();
  for (std::uint64_t at = 0; at < ends.file.bytes(); at += ends.block) {
    move.move(at, ends.block);
  }
  move.finish();
  outcome.usage = meter.stop();
  outcome.seconds = since(begin, far_ends.wait());
  outcome.bytes = ends.file.bytes();
  outcome.packets = outcome.bytes / ends.block;
}

/// One block after the other, each when the one before has been compared.
void send_alone(FileMove& move, FarEnds& far_ends, const Ends& ends, unsigned samples, Outcome& outcome) {
  far_ends.expect(samples);
  std::vector<double> us;
  for (unsigned sample = 0; sample < samples; ++sample) {
    const Clock::time_point begin = Clock::now();
    move.move(sample * ends.block % ends.file.bytes(), ends.block);
    move.finish();
    us.push_back(since(begin, far_ends.wait(samples - sample - 1)) * 1e6);
  }
  set_latency(outcome, us);
}

}  // namespace

std::string three_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

double cpu_ns_a_byte(const Outcome& outcome) {
  return outcome.usage.cpu_s() * 1e9 / static_cast<double>(outcome.bytes);
}

Outcome middle_of_rounds(const std::function<Outcome()>& once) {
  std::array<Outcome, kRounds> rounds;
  std::ranges::generate(rounds, once);
  std::ranges::sort(rounds, {}, cpu_ns_a_byte);
  std::string times;
  for (const Outcome& round : rounds) {
    times += (times.empty() ? "" : ", ") + three_digits(cpu_ns_a_byte(round));
  }
  Outcome middle = rounds[kRounds / 2];
  middle.notes.push_back("figures are those of one of " + std::to_string(kRounds) +
                         " rounds, the middle one by CPU time: " + times + " ns a byte");
  return middle;
}

FileRun::FileRun(const Load& load, Via via) : load_(load), file_(load.folder, load.bytes), route_(via) {
  run_on(mover_cpu());
  std::signal(SIGPIPE, SIG_IGN);  // a far end that gave up is told by the call
}

Outcome FileRun::once(const MakeMove& make, unsigned receivers) const {
  FarEnds far_ends(route_, receivers, file_.bytes(), load_.block);
  const Ends ends{.file = file_, .sockets = far_ends.sockets(&Connection::near), .block = load_.block};
  const std::unique_ptr<FileMove> move = make(ends);
  Outcome outcome;
  send_file(*move, far_ends, ends, outcome);
  send_alone(*move, far_ends, ends, load_.samples, outcome);
  outcome.verified = true;  // or a receiver would have thrown
  const Seen seen = probe(*move, ends, far_ends.sockets(&Connection::far), 0, std::min(kProbed, load_.block));
  outcome.copies_per_byte = seen.copies_per_byte;
  outcome.copies_shown_by = seen.shown_by;
  move->tell(outcome);
  return outcome;
}

Outcome FileRun::measure(const MakeMove& make, unsigned receivers) const {
  return middle_of_rounds([&] { return once(make, receivers); });
}

}  // namespace ringway
