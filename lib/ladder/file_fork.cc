#include <fcntl.h>
#include <sys/mman.h>

#include <thread>

#include "core/errors.h"
#include "ladder/descriptor.h"
#include "ladder/file_by_pipe.h"
#include "ladder/file_cases.h"
#include "ladder/result.h"

namespace ringway {
namespace {

constexpr std::uint64_t kWrittenEvery = 8;  // of the pages, while they are to be sent
constexpr double kPatience = 1000;          // seconds; the rung itself has less

/// The file as private memory: pages that are the page cache's as long as nobody writes to them.
class PrivatePages {
 public:
  explicit PrivatePages(const PatternFile& file)
      : bytes_(file.bytes()), at_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.fd(), 0)) {
    if (at_ == MAP_FAILED) {
      throw Error(ExitStatus::kFailed, failure_of("mmap"));
    }
  }
  ~PrivatePages() { munmap(at_, bytes_); }
  PrivatePages(const PrivatePages&) = delete;
  PrivatePages& operator=(const PrivatePages&) = delete;

  std::span<std::byte> bytes() const noexcept { return {static_cast<std::byte*>(at_), bytes_}; }

 private:
  std::size_t bytes_;
  void* at_;
};

/// What is to be written to: an address in every so many pages.
std::vector<std::byte*> written_places(std::span<std::byte> memory) {
  std::vector<std::byte*> places;
  for (std::uint64_t at = 0; at < memory.size(); at += kPage * kWrittenEvery) {
    places.push_back(&memory[at]);
  }
  return places;
}

/// Which page frames of the machine they are; 0 for all: the kernel does not tell this user.
std::vector<std::uint64_t> frames_of(std::span<std::byte* const> places) {
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

/// What the writing of them did.
struct Written {
  std::uint64_t pages = 0;
  std::uint64_t faults = 0;
  std::uint64_t moved = 0;  // to another page frame
  bool frames_known = false;
};

Written write_to(std::span<std::byte* const> places) {
  for (const std::byte* const place : places) {
    static_cast<void>(*static_cast<const volatile std::byte*>(place));  // there, and still the file's
  }
  const std::vector<std::uint64_t> before = frames_of(places);
  Meter meter;
  meter.start();
  for (std::byte* const place : places) {
    *place ^= std::byte{0xFF};
  }
  const Usage usage = meter.stop();
  const std::vector<std::uint64_t> after = frames_of(places);
  Written written{.pages = places.size(), .faults = usage.minor_faults, .moved = 0, .frames_known = after[0] != 0};
  for (std::size_t page = 0; page < places.size(); ++page) {
    written.moved += before[page] != after[page] ? 1 : 0;
  }
  return written;
}

/// One side waits until the other has done something.
class Gate {
 public:
  Gate() {
    int ends[2];
    check_call(pipe2(ends, O_CLOEXEC), "pipe2");
    out_ = Descriptor(ends[0], "pipe2");
    in_ = Descriptor(ends[1], "pipe2");
  }
  void open() const { check_call(write(in_.get(), "", 1), "write"); }
  void wait() const {
    char byte = 0;
    check_call(read(out_.get(), &byte, 1), "read");
  }

 private:
  Descriptor out_;
  Descriptor in_;
};

void tell(const Written& written, Outcome& outcome) {
  const std::uint64_t copied = written.frames_known ? written.moved : written.faults;
  outcome.copies_per_byte += static_cast<double>(copied * kPage) / static_cast<double>(outcome.bytes);
  outcome.notes.push_back("after the fork the parent wrote to " + std::to_string(written.pages) + " pages, one in " +
                          std::to_string(kWrittenEvery) + ": " + std::to_string(written.faults) + " faults" +
                          (written.frames_known
                               ? ", " + std::to_string(written.moved) + " pages in another page frame afterwards"
                               : "; page frames are told to root only") +
                          "; the far end got all of them as they had been at the fork");
  outcome.copies_shown_by += "; and " + std::to_string(copied) + " pages copied when the parent wrote to them (" +
                             (written.frames_known ? "page frames" : "faults") + ")";
}

}  // namespace

Outcome run_fork(const Load& load, Via via) {
  const FileRun run(load, via);
  const PrivatePages memory(run.file());
  const std::vector<std::byte*> places = written_places(memory.bytes());
  const Gate forked;
  const Gate written_to;
  Written written;
  std::thread parent([&] {
    forked.wait();
    written = write_to(places);
    written_to.open();
  });
  const Rung sender{
      .name = "sender", .group = {}, .title = {}, .use = {}, .limit = {}, .run = [&](const Load&) {
        forked.open();
        written_to.wait();
        return run.measure([&memory](const Ends& ends) { return std::make_unique<VmSplice>(ends, memory.bytes()); });
      }};
  const Result result = run_apart(sender, load, kPatience);
  forked.open();  // where it did not get so far
  parent.join();
  if (!result.outcome) {
    throw Error(ExitStatus::kFailed, "the forked sender: " + result.skipped_because);
  }
  Outcome outcome = *result.outcome;
  tell(written, outcome);
  return outcome;
}

}  // namespace ringway
