#include "ladder/file_probe.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <thread>

#include "core/errors.h"
#include "ladder/descriptor.h"

namespace ringway {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMark = kPage / 2;  // of each page: away from its ends, where headers and short rests are

/// Turns a byte of each page round; a second time, it is as it was.
void mark(std::span<std::byte> bytes) {
  for (std::uint64_t at = kMark; at < bytes.size(); at += kPage) {
    bytes[at] ^= std::byte{0xFF};
  }
}

/// Writes each page as it is: one that another process has as well, since a fork, becomes this one's now.
void make_own(std::span<std::byte> bytes) {
  for (std::uint64_t at = kMark; at < bytes.size(); at += kPage) {
    volatile std::byte& byte = bytes[at];
    byte = std::byte{byte};
  }
}

std::uint64_t pages_of(std::span<const std::byte> bytes) {
  return bytes.size() / kPage;
}

std::uint64_t marks_between(std::span<const std::byte> before, std::span<const std::byte> after) {
  std::uint64_t marks = 0;
  for (std::uint64_t at = kMark; at < before.size(); at += kPage) {
    marks += before[at] != after[at] ? 1 : 0;
  }
  return marks;
}

/// Until the socket holds the whole piece, unread.
void wait_until_arrived(int far, std::uint64_t bytes, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  int there = 0;
  while (check_call(ioctl(far, FIONREAD, &there), "FIONREAD") == 0 && static_cast<std::uint64_t>(there) < bytes) {
    if (Clock::now() > deadline) {
      throw Error(ExitStatus::kFailed, std::to_string(there) + " of " + std::to_string(bytes) +
                                           " bytes reached the far socket within " + std::to_string(patience.count()) +
                                           " ms while nobody read");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

std::vector<std::byte> read_all(int far, std::uint64_t bytes) {
  std::vector<std::byte> all(bytes);
  const ssize_t got = check_call(recv(far, all.data(), all.size(), MSG_WAITALL), "recv");
  if (static_cast<std::uint64_t>(got) != bytes) {
    throw Error(ExitStatus::kFailed, "the connection ended while the far end was looked at");
  }
  return all;
}

/// How many of the pages of a place, changed, show further on.
struct Shown {
  std::uint64_t marks = 0;
  std::uint64_t pages = 0;
};

Shown show_in(const Place& place, const Place& next) {
  const std::vector<std::byte> before(next.bytes.begin(), next.bytes.end());
  mark(place.bytes);
  const std::uint64_t marks = marks_between(before, next.bytes);
  mark(place.bytes);
  return {.marks = marks, .pages = pages_of(place.bytes)};
}

Shown show_at(const Place& last, std::span<const int> far_sockets) {
  const std::vector<std::byte> before(last.bytes.begin(), last.bytes.end());
  Shown shown;
  mark(last.bytes);
  for (const int far : far_sockets) {
    shown.marks += marks_between(before, read_all(far, before.size()));
    shown.pages += pages_of(before);
  }
  mark(last.bytes);
  return shown;
}

void add(Seen& seen, const Shown& shown, const char* place, const std::string& next) {
  seen.copies_per_byte += 1 - static_cast<double>(shown.marks) / static_cast<double>(shown.pages);
  seen.shown_by += std::string(seen.shown_by.empty() ? "" : "; ") + place + " changed after the send showed " + next +
                   " in " + std::to_string(shown.marks) + " of " + std::to_string(shown.pages) + " pages";
}

}  // namespace

Seen probe(FileMove& move, const Ends& ends, std::span<const int> far_sockets, std::uint64_t offset,
           std::uint64_t bytes, std::chrono::milliseconds patience) {
  const std::span<std::byte> file_pages = ends.file.pages().subspan(offset, bytes);
  for (const Place& place : move.places(file_pages)) {
    make_own(place.bytes);
  }
  move.move(offset, bytes);
  move.finish();
  for (const int far : far_sockets) {
    wait_until_arrived(far, bytes, patience);
  }
  const std::vector<Place> places = move.places(file_pages);
  Seen seen;
  for (std::size_t at = 0; at + 1 < places.size(); ++at) {
    add(seen, show_in(places[at], places[at + 1]), places[at].name, std::string("in ") + places[at + 1].name);
  }
  add(seen, show_at(places.back(), far_sockets), places.back().name, "at the far end");
  return seen;
}

}  // namespace ringway
