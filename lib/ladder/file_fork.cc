#include <fcntl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <limits>
#include <new>
#include <random>
#include <thread>

#include "core/errors.h"
#include "ladder/descriptor.h"
#include "ladder/file_by_pipe.h"
#include "ladder/file_cases.h"
#include "ladder/result.h"

namespace ringway {
namespace {

constexpr std::uint64_t kWrittenEvery = 8;      // of the pages, while they are sent
constexpr std::uint64_t kAhead = 8;             // so much of the memory, an eighth, writes may be ahead of the sender
constexpr std::chrono::milliseconds kPause{1};  // between two looks at how far it is
constexpr double kPatience = 200;               // seconds; the rung itself has less

using Places = std::vector<std::byte*>;

/// How much memory the machine can give.
std::uint64_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::uint64_t kib = 0;
  for (std::string line; std::getline(file, line);) {
    if (std::sscanf(line.c_str(), "MemAvailable: %lu kB", &kib) == 1) {
      return kib << 10U;
    }
  }
  return std::numeric_limits<std::uint64_t>::max();
}

/// Memory of the parent's own that has what the file has, and how far its sender is.
class State {
 public:
  explicit State(const PatternFile& file)
      : shared_(kPage, MAP_SHARED | MAP_ANONYMOUS),
        sent_(*new (shared_.data()) std::atomic<std::uint64_t>(0)),
        memory_(file.bytes()) {
    std::ranges::copy(file.pages(), memory_.data());
    for (std::uint64_t at = 0; at < memory_.size(); at += kPage * kWrittenEvery) {
      places_.push_back(memory_.data() + at);
    }
    std::shuffle(places_.begin(), places_.end(), std::minstd_rand());
  }

  std::span<std::byte> bytes() const noexcept { return memory_.bytes(); }
  /// In every so many pages an address, in no order.
  const Places& places() const noexcept { return places_; }
  /// Bytes.
  std::atomic<std::uint64_t>& sent() const noexcept { return sent_; }

 private:
  Mapping shared_;
  std::atomic<std::uint64_t>& sent_;
  Mapping memory_;
  Places places_;
};

/// The sender's, out of its snapshot.
class SendSnapshot final : public FileMove {
 public:
  SendSnapshot(const Ends& ends, const State& state) : ends_(ends), state_(state), splice_(ends, state.bytes()) {}

  void move(std::uint64_t offset, std::uint64_t bytes) override {
    splice_.move(offset, bytes);
    state_.sent() += bytes;
  }

  std::vector<Place> places(std::span<std::byte> file_pages) override {
    const auto offset = static_cast<std::size_t>(file_pages.data() - ends_.file.pages().data());
    return {{"the snapshot's page", state_.bytes().subspan(offset, file_pages.size())}};
  }

 private:
  const Ends ends_;
  const State& state_;
  VmSplice splice_;
};

/// Which page frames of the machine they are in; 0 for all: the kernel does not tell this user.
std::vector<std::uint64_t> frames_of(const Places& places) {
  constexpr std::uint64_t kFrame = (std::uint64_t{1} << 55U) - 1;
  const Descriptor pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), "/proc/self/pagemap");
  std::vector<std::uint64_t> frames;
  for (const std::byte* const place : places) {
    std::uint64_t entry = 0;
    const auto at = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(place) / kPage * sizeof entry);
    check_call(pread(pagemap.get(), &entry, sizeof entry, at), "/proc/self/pagemap");
    frames.push_back(entry & kFrame);
  }
  return frames;
}

void turn_round(std::span<std::byte* const> places) {
  for (std::byte* const place : places) {
    *place ^= std::byte{0xFF};
  }
}

/// What the parent's writes came to.
struct Written {
  Usage usage{.traced_calls = 0};
  std::uint64_t pages = 0;
  std::uint64_t in_time = 0;  // before the last byte was with the kernel
  std::uint64_t moved = 0;    // to another page frame
  bool frames_known = false;
};

/// From the first byte that is sent on: behind the sender, where it is, and ahead of it; until all are written, or it
/// has ended.
Written write_meanwhile(const State& state, const std::atomic<bool>& ended) {
  const std::span<std::byte* const> places = state.places();
  const std::uint64_t all = state.bytes().size();
  Meter meter;
  Written written;
  while (written.pages < places.size() && !ended) {
    const std::uint64_t sent = state.sent();
    const std::uint64_t due = sent == 0 ? 0 : std::min(all, sent + all / kAhead) / (kPage * kWrittenEvery);
    if (due == written.pages) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    meter.start();
    turn_round(places.subspan(written.pages, due - written.pages));
    written.usage += meter.stop();
    written.in_time = sent < all ? due : written.in_time;
    written.pages = due;
  }
  return written;
}

std::string in_ms(double seconds) {
  return three_digits(seconds * 1e3) + " ms";
}

void tell(const Written& written, const Usage& fork, Outcome& outcome) {
  const std::uint64_t copied = written.frames_known ? written.moved : written.usage.minor_faults;
  outcome.copies_per_byte += static_cast<double>(copied * kPage) / static_cast<double>(outcome.bytes);
  outcome.copies_shown_by += "; and " + std::to_string(copied) + " pages copied when the parent wrote to them (" +
                             (written.frames_known ? "page frames" : "faults") + ")";
  outcome.usage += written.usage;
  outcome.usage.user_s += fork.user_s;
  outcome.usage.system_s += fork.system_s;
  outcome.notes.push_back(
      "the parent had read the file into memory of its own, which is in no figure; after the fork it wrote to " +
      std::to_string(written.pages) + " of its pages, one in " + std::to_string(kWrittenEvery) + ", " +
      std::to_string(written.in_time) +
      " of them while the sender was at work: " + std::to_string(written.usage.minor_faults) + " faults" +
      (written.frames_known ? ", " + std::to_string(written.moved) + " pages in another page frame afterwards"
                            : "; page frames are told to root only") +
      "; the far end got all of them as they had been at the fork");
  outcome.notes.push_back("CPU time has " + in_ms(fork.cpu_s()) + " of the parent's for the fork and " +
                          in_ms(written.usage.cpu_s()) + " for its writes; faults have those of its writes");
}

/// A fork, and all that it sends; the parent's memory is as before when it is done.
Outcome send_snapshot(const FileRun& run, const Load& load, const State& state) {
  const Rung sender{
      .name = "sender", .group = {}, .title = {}, .use = {}, .limit = {}, .run = [&](const Load&) {
        return run.once([&state](const Ends& ends) { return std::make_unique<SendSnapshot>(ends, state); });
      }};
  const std::vector<std::uint64_t> before = frames_of(state.places());
  state.sent() = 0;
  std::atomic<bool> ended = false;
  Written written;
  std::thread writer([&] { written = write_meanwhile(state, ended); });
  Meter meter;
  meter.start();
  const Result result = run_apart(sender, load, kPatience);
  const Usage fork = meter.stop();
  ended = true;
  writer.join();
  if (!result.outcome) {
    const std::string why = "the forked sender: " + result.skipped_because;
    result.failed ? throw Error(ExitStatus::kFailed, why) : throw CannotRun(why);
  }
  const std::vector<std::uint64_t> after = frames_of(state.places());
  written.frames_known = after[0] != 0;
  for (std::size_t page = 0; page < after.size(); ++page) {
    written.moved += before[page] != after[page] ? 1 : 0;
  }
  turn_round(std::span(state.places()).first(written.pages));
  Outcome outcome = *result.outcome;
  tell(written, fork, outcome);
  return outcome;
}

}  // namespace

Outcome run_fork(const Load& load, Via via) {
  const FileRun run(load, via);
  if (load.bytes + load.bytes / kWrittenEvery > available_bytes()) {
    throw CannotRun("memory of " + std::to_string(load.bytes >> 20U) +
                    " MiB, and copies of what is written of it, is more than is available; --size makes it less");
  }
  check_call(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "PR_SET_THP_DISABLE");  // or a write might copy more than a page
  const State state(run.file());
  return middle_of_rounds([&] { return send_snapshot(run, load, state); });
}

}  // namespace ringway
