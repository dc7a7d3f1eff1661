#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "core/errors.h"
#include "ladder/file_by_copy.h"
#include "ladder/file_by_pipe.h"
#include "ladder/file_by_reference.h"
#include "ladder/file_by_uring.h"
#include "ladder/file_probe.h"
#include "ladder/file_receiver.h"
#include "ladder/file_route.h"
#include "ladder/file_run.h"
#include "ladder/pattern.h"

namespace ringway {
namespace {

constexpr std::uint64_t kBlock = 32768;
constexpr std::uint64_t kBlocks = 4;

/// A file and a connection over loopback.
struct Bench {
  PatternFile file{std::filesystem::temp_directory_path(), kBlocks* kBlock};
  Connection connection = Route(Via::kLoopback).connect();
  Ends ends{.file = file, .sockets = {connection.near.get()}, .block = kBlock};

  Seen look_at(FileMove& move) const {
    const int far = connection.far.get();
    return probe(move, ends, std::span(&far, 1), kBlock, kBlock);
  }
};

/// Every other page by reference, the others through a buffer.
class HalfCopied final : public FileMove {
 public:
  explicit HalfCopied(const Ends& ends) : by_reference_(ends), by_copy_(ends) {}
  void move(std::uint64_t offset, std::uint64_t bytes) override {
    for (std::uint64_t at = 0; at < bytes; at += 8192) {
      by_reference_.move(offset + at, 4096);
      by_copy_.move(offset + at + 4096, 4096);
    }
  }

 private:
  SendFile by_reference_;
  MapWrite by_copy_;
};

/// Sends nothing.
class Lost final : public FileMove {
 public:
  void move(std::uint64_t, std::uint64_t) override {}
};

TEST(LadderProbe, TellsReferencesFromCopies) {
  const Bench bench;
  SendFile by_reference(bench.ends);
  EXPECT_EQ(bench.look_at(by_reference).copies_per_byte, 0);
  Splice through_a_pipe(bench.ends);
  EXPECT_EQ(bench.look_at(through_a_pipe).copies_per_byte, 0);
  MapWrite once(bench.ends);
  EXPECT_EQ(bench.look_at(once).copies_per_byte, 1);
  ReadWrite twice(bench.ends);
  EXPECT_EQ(bench.look_at(twice).copies_per_byte, 2);
}

TEST(LadderProbe, CountsPages) {
  const Bench bench;
  HalfCopied half(bench.ends);
  const Seen seen = bench.look_at(half);
  EXPECT_EQ(seen.copies_per_byte, 0.5);
  EXPECT_EQ(seen.shown_by, "the file's page changed after the send showed at the far end in 4 of 8 pages");
}

TEST(LadderProbe, LeavesTheFileAsItWas) {
  const Bench bench;
  SendFile move(bench.ends);
  bench.look_at(move);
  EXPECT_EQ(first_difference(bench.file.pages(), 0), std::nullopt);
}

/// Sends its second block, when the file was cut before that.
void expect_cut(const std::function<std::unique_ptr<FileMove>(const Ends&)>& make) {
  const Bench bench;
  const std::unique_ptr<FileMove> move = make(bench.ends);
  move->move(0, kBlock);
  ASSERT_EQ(ftruncate(bench.file.fd(), kBlock), 0);
  try {
    move->move(kBlock, kBlock);
    move->finish();
    FAIL() << "nothing was missing";
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).ends_with(": the file ends at byte 32768: it was cut while it was sent"))
        << error.what();
  }
}

TEST(LadderMoves, SayThatTheFileWasCut) {
  expect_cut(make_move<ReadWrite>);
  expect_cut(make_move<MapWrite>);
  expect_cut(make_move<SendFile>);
  expect_cut(make_move<Splice>);
}

TEST(LadderMoves, SayWithGivenPagesThatTheFileWasCut) {
  try {
    expect_cut(make_move<VmSplice>);
  } catch (const std::system_error& error) {
    if (error.code().value() != EPERM) {
      throw;
    }
    GTEST_SKIP() << error.what() << "; a container's filter of system calls refuses it";
  }
}

TEST(LadderMoves, SayWithPinnedPagesThatTheFileWasCut) {
  try {
    expect_cut(make_move<ZeroCopySend>);
  } catch (const CannotRun& reason) {
    GTEST_SKIP() << reason.what();
  }
}

TEST(LadderMoves, SayOnARingThatTheFileWasCut) {
  try {
    expect_cut([](const Ends& ends) { return std::make_unique<UringMove>(ends, UringMove::Sends::kCopy); });
  } catch (const CannotRun& reason) {
    GTEST_SKIP() << reason.what();
  }
}

TEST(LadderRounds, TheMiddleOneByCpuTimeIsTold) {
  unsigned round = 0;
  const Outcome middle = middle_of_rounds([&round] {
    constexpr double kSeconds[] = {3, 1, 2};
    Outcome outcome;
    outcome.bytes = 1000000000;
    outcome.packets = round;
    outcome.usage.system_s = kSeconds[round++];
    return outcome;
  });
  EXPECT_EQ(round, 3U);
  EXPECT_EQ(middle.packets, 2U);
  EXPECT_TRUE(middle.notes.back().ends_with("1.000, 2.000, 3.000 ns a byte")) << middle.notes.back();
}

TEST(LadderProbe, GivesUpOnAPieceThatDoesNotCome) {
  const Bench bench;
  Lost move;
  const int far = bench.connection.far.get();
  EXPECT_THROW(probe(move, bench.ends, std::span(&far, 1), 0, kBlock, std::chrono::milliseconds(20)), Error);
}

TEST(LadderReceiver, TakesTheFileOverAndOver) {
  const Bench bench;
  Receiver receiver(bench.connection.far.get(), bench.file.bytes(), kBlock);
  receiver.expect(2 * kBlocks);
  const auto begin = Receiver::Clock::now();
  SendFile move(bench.ends);
  for (std::uint64_t block = 0; block < 2 * kBlocks; ++block) {
    move.move(block % kBlocks * kBlock, kBlock);
  }
  EXPECT_GT(receiver.wait_for(2 * kBlocks), begin);
}

TEST(LadderReceiver, NamesTheByteThatCameWrongAndGoesOn) {
  const Bench bench;
  bench.file.pages()[kBlock + 77] ^= std::byte{1};
  Receiver receiver(bench.connection.far.get(), bench.file.bytes(), kBlock);
  receiver.expect(kBlocks);
  SendFile move(bench.ends);
  for (std::uint64_t block = 0; block < kBlocks; ++block) {
    move.move(block * kBlock, kBlock);
  }
  try {
    receiver.wait_for(kBlocks);
    FAIL() << "nothing was found wrong";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the far end: byte 32845 of the file came wrong");
  }
}

TEST(LadderReceiver, TellsThatTheConnectionEnded) {
  Bench bench;
  Receiver receiver(bench.connection.far.get(), bench.file.bytes(), kBlock);
  receiver.expect(2);
  SendFile move(bench.ends);
  move.move(0, kBlock);
  bench.connection.near = Descriptor();
  EXPECT_THROW(receiver.wait_for(2), Error);
}

TEST(LadderPatternFile, HasNoNameAndKnowsWhatIsCached) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("ladder-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  {
    const PatternFile file(folder, 1 << 20);
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    EXPECT_EQ(file.cached_bytes(), 1U << 20U);
    EXPECT_EQ(first_difference(file.pages(), 0), std::nullopt);
  }
  std::filesystem::remove(folder);
  EXPECT_THROW(PatternFile(folder, 1 << 20), CannotRun);
}

}  // namespace
}  // namespace ringway
