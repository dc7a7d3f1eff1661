#include "ladder/file_cases.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <csignal>
#include <cstring>

#include "core/errors.h"
#include "ladder/descriptor.h"
#include "ladder/file_by_copy.h"
#include "ladder/file_by_reference.h"

namespace ringway {
namespace {

std::string on_or_off(bool on) {
  return on ? "on" : "off";
}

std::string in_words(const Offloads& offloads) {
  return "scatter/gather " + on_or_off(offloads.scatter_gather) + ", checksums " + on_or_off(offloads.checksum) +
         ", segmentation (TSO) " + on_or_off(offloads.segmentation);
}

std::string in_mib(std::uint64_t bytes) {
  return std::to_string(bytes >> 20U) + " MiB";
}

}  // namespace

Outcome run_scatter_gather(const Load& load, Via via) {
  const FileRun run(load, via);
  Outcome outcome = run.measure(make_move<SendFile>);
  outcome.notes.push_back("'" + run.route().interface() + "' has " + in_words(run.route().offloads()));
  if (!run.route().set_scatter_gather(false)) {
    outcome.notes.push_back("'" + run.route().interface() + "' does not let it be switched off");
    return outcome;
  }
  const Outcome without = run.measure(make_move<SendFile>);
  outcome.notes.push_back("with " + in_words(run.route().offloads()) + ", sendfile fell back to " +
                          three_digits(without.copies_per_byte) + " copies and " +
                          three_digits(cpu_ns_a_byte(without)) + " ns of CPU a byte instead of " +
                          three_digits(cpu_ns_a_byte(outcome)) + " (" + without.copies_shown_by + ")");
  return outcome;
}

namespace {

// Of the signal's handler: the page that is not there any more gets zeros in its place, and whoever read it goes on.
volatile std::sig_atomic_t bus_errors = 0;

void replace_lost_page(int, siginfo_t* fault, void*) {
  bus_errors = bus_errors + 1;
  const auto at = reinterpret_cast<std::uintptr_t>(fault->si_addr) & ~std::uintptr_t{kPage - 1};
  mmap(reinterpret_cast<void*>(at), kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/// What write(2) says of a page, and then what the program meets that reads it.
std::string meet(std::span<const std::byte> lost) {
  const Pipe pipe;
  const ssize_t written = write(pipe.in.get(), lost.data(), 1);
  const std::string said = written < 0 ? std::strerror(errno) : "that all was well";
  struct sigaction handler {};
  struct sigaction before {};
  handler.sa_sigaction = replace_lost_page;
  handler.sa_flags = SA_SIGINFO;
  check_call(sigaction(SIGBUS, &handler, &before), "sigaction");
  const auto read = std::to_integer<int>(*static_cast<const volatile std::byte*>(lost.data()));
  check_call(sigaction(SIGBUS, &before, nullptr), "sigaction");
  if (bus_errors != 1) {
    throw Error(ExitStatus::kFailed, "a page of a cut file was read without SIGBUS");
  }
  return "a file was cut while it was mapped: write(2) of the lost page said '" + said +
         "', and reading it raised SIGBUS, which was caught; a page of zeros took its place (read: " +
         std::to_string(read) + ") and the run went on";
}

}  // namespace

Outcome run_map_write(const Load& load, Via via) {
  const FileRun run(load, via);
  Outcome outcome = run.measure(make_move<MapWrite>);
  const PatternFile to_cut(load.folder, 2 * kPage);
  check_call(ftruncate(to_cut.fd(), kPage), "ftruncate");
  outcome.notes.push_back(meet(to_cut.pages().subspan(kPage)));
  return outcome;
}

Outcome run_direct(const Load& load, Via via) {
  const FileRun run(load, via);
  const PatternFile& file = run.file();
  const std::uint64_t made = file.cached_bytes();
  file.drop_from_cache();
  const std::uint64_t before = file.cached_bytes();
  if (before > file.bytes() / 2) {
    throw CannotRun("'" + load.folder.string() + "' keeps its files in the page cache, direct I/O or not; --folder " +
                    "names a folder on a disk");
  }
  Outcome outcome = run.measure(make_move<DirectWrite>);
  const std::uint64_t after = file.cached_bytes();
  run.once(make_move<ReadWrite>);
  outcome.notes.push_back("of the file's " + in_mib(file.bytes()) + " were in the page cache: " + in_mib(made) +
                          " when it was made, " + in_mib(before) + " when it had been dropped, " + in_mib(after) +
                          " after direct I/O, " + in_mib(file.cached_bytes()) +
                          " after read + write: as much less for what others read again");
  if (after > before) {
    outcome.copies_per_byte += static_cast<double>(after - before) / static_cast<double>(file.bytes());
    outcome.fell_back = "the file system read through the page cache: " + in_mib(after) + " are there";
  }
  return outcome;
}

}  // namespace ringway
