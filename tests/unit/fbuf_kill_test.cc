// Originators and receivers are killed at random moments, in turn. Whatever they were at, no buffer is lost and none is
// seen torn.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <iostream>
#include <new>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "child.h"
#include "core/errors.h"
#include "dice.h"
#include "fbuf/originator.h"
#include "fbuf/receiver.h"
#include "fbuf_ends.h"

namespace ringway::fbuf {
namespace {

// How often, and how long at most after the start of two processes one of them is killed. With sanitizers a process
// takes a multiple of the time to start.
#if defined(__SANITIZE_ADDRESS__)
constexpr unsigned kKills = 100;
constexpr unsigned kLongestMicroseconds = 20'000;
#else
constexpr unsigned kKills = 1000;
constexpr unsigned kLongestMicroseconds = 6000;
#endif

constexpr unsigned kBuffers = 64;
constexpr unsigned kMostHeld = 24;  // by a receiver that takes its time

/// What the processes of one round tell one another, in memory that outlives them.
struct Tally {
  std::atomic<std::uint64_t> before_second = 0;  ///< hand-overs that were the first receiver's
  std::atomic<std::uint64_t> handed_over = 0;
  std::atomic<bool> audited = false;  ///< after the first receiver's death
  std::atomic<std::uint64_t> taken_back = 0;
  std::atomic<std::uint64_t> held_at_the_end = 0;  ///< by the second receiver
  std::atomic<std::uint64_t> checked = 0;          ///< buffers, each when it came and when it went
};

std::uint64_t checksum(std::span<const std::uint64_t> words) {
  std::uint64_t sum = words.size();
  for (const std::uint64_t word : words) {
    sum = std::rotl(sum ^ word, 23) * 0x9e3779b97f4a7c15;
  }
  return sum;
}

/// Any part of the buffer, of any length, anew; the first word of it is the checksum of the others.
void fill(WritableBuffer& buffer, Dice& dice) {
  const auto room = buffer.bytes();
  const std::span<std::uint64_t> words(reinterpret_cast<std::uint64_t*>(room.data()), room.size() / 8);
  const unsigned first = dice.below(words.size() - 1);
  const auto content = words.subspan(first, dice.between(1, static_cast<unsigned>(words.size()) - first));
  std::uint64_t value = dice.bits();
  for (std::uint64_t& word : content.subspan(1)) {
    word = value += 0x632be59bd9b4e019;
  }
  content[0] = checksum(content.subspan(1));
  buffer.set_content(first * 8, content.size_bytes());
}

bool intact(const ReadableBuffer& buffer) {
  const auto content = buffer.content();
  const std::span<const std::uint64_t> words(reinterpret_cast<const std::uint64_t*>(content.data()),
                                             content.size() / 8);
  return words[0] == checksum(words.subspan(1));
}

/// Every buffer is free, can be taken, is another one, and is written to.
std::string audit(Originator& originator, Dice& dice) {
  const Census census = originator.census();
  std::vector<WritableBuffer> all(kBuffers + 1);
  std::set<const void*> places;
  const unsigned taken = originator.take(all);
  for (WritableBuffer& buffer : std::span(all).first(taken)) {
    places.insert(buffer.bytes().data());
    fill(buffer, dice);
  }
  return census == Census{.free = kBuffers} && places.size() == kBuffers
             ? ""
             : std::to_string(census.free) + " free, " + std::to_string(census.taken) + " taken, " +
                   std::to_string(census.handed_over) + " handed over, " + std::to_string(places.size()) +
                   " different ones could be taken\n";
}

/// Hands over until the receiver is gone.
void serve(Originator& originator, Channel end, Dice& dice, Tally& tally) {
  ReceiverId id{};
  try {
    id = originator.attach(std::move(end));
  } catch (const Error&) {
    return;  // killed before it said anything
  }
  for (;;) {
    WritableBuffer buffers[2 * kBatch];
    const auto taken = std::span(buffers).first(originator.take(std::span(buffers).first(dice.between(1, 2 * kBatch))));
    for (WritableBuffer& buffer : taken) {
      fill(buffer, dice);
    }
    const unsigned sent = originator.hand_over(id, taken.first(taken.empty() ? 0 : dice.below(taken.size() + 1)));
    tally.handed_over += sent;
    for (const Event& event : originator.collect(std::chrono::milliseconds(sent == 0 ? 1 : 0))) {
      if (event.gone) {
        tally.taken_back += event.taken_back;
        return;
      }
      std::cerr << event.text << '\n';
    }
  }
}

std::string run_originator(Channel first, Channel second, std::uint64_t seed, Tally& tally) {
  Dice dice(seed);
  Originator originator(kBuffers, kPage);
  serve(originator, std::move(first), dice, tally);
  std::string wrong = audit(originator, dice);
  if (!wrong.empty()) {
    return wrong;
  }
  tally.before_second = tally.handed_over.load();
  tally.audited = true;
  serve(originator, std::move(second), dice, tally);
  return "the second receiver is gone\n";
}

/// Takes buffers in, holds some for a while, and looks at each twice.
class Reader {
 public:
  Reader(Receiver& receiver, Dice& dice, Tally& tally, std::uint64_t last)
      : receiver_(receiver), dice_(dice), tally_(tally), last_(last) {}

  void take_in() {
    ReadableBuffer read[kBatch];
    const unsigned wanted = dice_.between(1, kBatch);
    const unsigned got = receiver_.receive(std::span(read).first(wanted), std::chrono::milliseconds(5));
    for (ReadableBuffer& buffer : std::span(read).first(got)) {
      check(buffer);
      wrong_ += buffer.sequence() == last_ + 1 ? "" : "hand-over " + std::to_string(last_ + 1) + " did not come\n";
      last_ = buffer.sequence();
      held_.push_back(std::move(buffer));
    }
  }
  void let_go(std::size_t most) {
    dice_.shuffle(held_);
    while (held_.size() > most) {
      check(held_.back());
      held_.pop_back();
    }
  }
  std::size_t held() const { return held_.size(); }
  std::uint64_t last() const { return last_; }
  const std::string& wrong() const { return wrong_; }

 private:
  void check(const ReadableBuffer& buffer) {
    wrong_ += intact(buffer) ? "" : "hand-over " + std::to_string(buffer.sequence()) + " is torn\n";
    ++tally_.checked;
  }

  Receiver& receiver_;
  Dice& dice_;
  Tally& tally_;
  std::uint64_t last_;
  std::vector<ReadableBuffer> held_;
  std::string wrong_;
};

std::string run_receiver(Channel end, bool second, std::uint64_t seed, Tally& tally) try {
  Dice dice(seed);
  Receiver receiver(std::move(end));
  Reader reader(receiver, dice, tally, second ? tally.before_second.load() : 0);
  while (!receiver.originator_gone() && reader.wrong().empty()) {
    reader.take_in();
    if (!receiver.originator_gone()) {
      reader.let_go(dice.below(kMostHeld));
    }
  }
  tally.held_at_the_end += reader.held();
  reader.let_go(0);
  return reader.wrong() + (reader.last() >= tally.handed_over ? "" : "what was handed over last did not come\n");
} catch (const Error& error) {
  // The originator was killed before it let this end in, or the lines below are wrong.
  const std::string said = error.what();
  return said == "fbuf: the originator is gone before it said anything" ? "" : said + "\n";
}

/// A process is over; what it said is wrong, and so is any end but the expected one.
void expect_end(Child& child, const char* who, bool killed) {
  const int status = child.wait();
  EXPECT_TRUE(killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : status == 0) << who << ": " << status;
  EXPECT_EQ(child.said(), "") << who;
}

/// Closes what another process uses.
void keep(std::span<Channel> ends, const std::set<std::size_t>& own) {
  for (std::size_t end = 0; end < ends.size(); ++end) {
    if (!own.contains(end)) {
      leave(ends[end]);
    }
  }
}

/// One originator; its first receiver is killed, then itself, and the second receiver is left.
void kill_two(Dice& dice, Tally& tally) {
  auto [near, far] = Channel::pair();
  auto [near2, far2] = Channel::pair();
  std::array<Channel, 4> ends = {std::move(near), std::move(near2), std::move(far), std::move(far2)};
  const auto pause = [&dice] { usleep(dice.below(kLongestMicroseconds)); };
  const auto seed = dice.bits();
  Child originator([&] {
    keep(ends, {0, 1});
    return run_originator(std::move(ends[0]), std::move(ends[1]), seed, tally);
  });
  Child first([&] {
    keep(ends, {2});
    return run_receiver(std::move(ends[2]), false, seed + 1, tally);
  });
  Child second([&] {
    keep(ends, {3});
    return run_receiver(std::move(ends[3]), true, seed + 2, tally);
  });
  keep(ends, {});
  pause();
  first.kill();
  expect_end(first, "first receiver", true);
  for (int tries = 0; tries < 100'000 && !tally.audited; ++tries) {
    usleep(100);
  }
  ASSERT_TRUE(tally.audited) << (originator.kill(), originator.said());
  pause();
  originator.kill();
  expect_end(originator, "originator", true);
  expect_end(second, "second receiver", false);
}

TEST(FbufKill, LosesNoBufferAndTearsNone) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Dice dice(seed);
  void* const page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  std::uint64_t taken_back = 0;
  std::uint64_t held = 0;
  std::uint64_t checked = 0;
  for (unsigned kills = 0; kills < kKills && !testing::Test::HasFailure(); kills += 2) {
    Tally& tally = *new (page) Tally;
    kill_two(dice, tally);
    taken_back += tally.taken_back;
    held += tally.held_at_the_end;
    checked += tally.checked;
  }
  munmap(page, kPage);
  std::cout << kKills << " kills: " << taken_back << " buffers taken back from dead receivers, " << held
            << " held when the originator died, " << checked << " looks at buffers\n";
  // Or the kills came when nothing was going on.
  EXPECT_GT(taken_back, kKills / 2);
  EXPECT_GT(held, kKills / 2);
  EXPECT_GT(checked, 10 * kKills);
}

}  // namespace
}  // namespace ringway::fbuf
