// What it costs to hand an fbuf to another process and get it back, and what part of that is page protection. CPU time:
// the processes may share a CPU with others.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "child.h"
#include "fbuf/originator.h"
#include "fbuf/receiver.h"
#include "fbuf_ends.h"

namespace ringway::fbuf {
namespace {

constexpr std::uint32_t kBuffers = 256;
constexpr unsigned kHandOvers = 50 * kBuffers;
constexpr unsigned kRounds = 7;

double cpu_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

/// The median of several rounds, for each hand-over.
template <class Run>
double median_ns(const std::vector<clockid_t>& clocks, Run run) {
  const auto now = [&] {
    double sum = 0;
    for (const clockid_t clock : clocks) {
      sum += cpu_ns(clock);
    }
    return sum;
  };
  std::vector<double> rounds;
  for (unsigned round = 0; round < kRounds; ++round) {
    const double start = now();
    run();
    rounds.push_back((now() - start) / kHandOvers);
  }
  std::ranges::sort(rounds);
  return rounds[kRounds / 2];
}

/// Read-only and back, for runs of so many neighbours between others that stay writable, and a write to each.
double protection_ns(std::size_t bytes, unsigned run) {
  Memory memory({kBuffers, bytes});
  return median_ns({CLOCK_PROCESS_CPUTIME_ID}, [&] {
    for (unsigned done = 0; done < kHandOvers; done += run) {
      const unsigned first = 2 * done % kBuffers;
      memory.protect(first, run, false);
      memory.protect(first, run, true);
      for (unsigned index = first; index < first + run; ++index) {
        *const_cast<volatile std::byte*>(memory.buffer(index)) = std::byte{1};
      }
    }
  });
}

/// Receives and returns whatever comes; reads the first byte of each.
std::string read_all(Channel end) {
  Receiver receiver(std::move(end));
  ReadableBuffer read[kBatch];
  unsigned sum = 0;
  while (!receiver.originator_gone()) {
    for (const ReadableBuffer& buffer : std::span(read).first(receiver.receive(read, std::chrono::seconds(1)))) {
      sum += std::to_integer<unsigned>(buffer.content()[0]);
    }
  }
  return sum > 0 ? "" : "nothing was read\n";
}

/// Both processes' time, `batch` buffers at a time.
double hand_over_ns(std::size_t bytes, unsigned batch) {
  auto [near, far] = Channel::pair();
  Child reader([&near = near, &far = far] {
    leave(near);
    return read_all(std::move(far));
  });
  leave(far);
  clockid_t readers_clock{};
  clock_getcpuclockid(reader.pid(), &readers_clock);
  Originator originator(kBuffers, bytes);
  const ReceiverId id = originator.attach(std::move(near));
  std::vector<WritableBuffer> buffers(batch);
  return median_ns({CLOCK_PROCESS_CPUTIME_ID, readers_clock}, [&] {
    for (unsigned done = 0; done < kHandOvers;) {
      const auto taken = std::span(buffers).first(originator.take(buffers));
      for (const WritableBuffer& buffer : taken) {
        buffer.bytes()[0] = std::byte{1};
      }
      const unsigned sent = originator.hand_over(id, taken);
      done += sent;
      originator.collect(std::chrono::milliseconds(sent == 0 ? 100 : 0));
    }
  });
}

}  // namespace
}  // namespace ringway::fbuf

int main() {
  using namespace ringway::fbuf;
  std::printf("CPU ns a buffer, median of %u rounds of %u hand-overs, %u buffers\n", kRounds, kHandOvers, kBuffers);
  std::printf("%9s %6s %22s %16s\n", "bytes", "batch", "hand-over and return", "of it mprotect");
  for (const std::size_t bytes : {std::size_t{4096}, std::size_t{65536}}) {
    for (const unsigned batch : {1U, 8U, 32U}) {
      std::printf("%9zu %6u %22.0f %16.0f\n", bytes, batch, hand_over_ns(bytes, batch), protection_ns(bytes, batch));
    }
  }
}
