#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "ladder/process_fbufs.h"
#include "ladder/process_kernel.h"
#include "ladder/process_pair.h"
#include "ladder/process_ring.h"

namespace ringway {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::uint64_t kMessages = 3000;

Load small_load() {
  Load load;
  load.bytes = kMessages * kBlock;
  load.block = kBlock;
  load.samples = 10;
  return load;
}

/// A pipe whose messages go through a function on their way.
class Meddled : public MessagePath {
 public:
  /// What to do with a message: change it, or say how many times it comes.
  using Meddle = std::function<unsigned(std::uint64_t number, std::vector<std::byte>& message)>;
  Meddled(std::size_t block, Meddle meddle) : pipe_(make_pipe_path(block)), meddle_(std::move(meddle)) {}

  void become_sender() override { pipe_->become_sender(); }
  void become_receiver() override { pipe_->become_receiver(); }
  void send(std::span<const std::byte> message) override { pipe_->send(message); }
  std::span<const std::byte> receive() override {
    while (times_ == 0) {
      const std::span<const std::byte> message = pipe_->receive();
      message_.assign(message.begin(), message.end());
      times_ = meddle_(number_++, message_);
    }
    --times_;
    return message_;
  }
  void describe(Outcome& outcome) const override { pipe_->describe(outcome); }

 private:
  std::unique_ptr<MessagePath> pipe_;
  Meddle meddle_;
  std::vector<std::byte> message_;
  std::uint64_t number_ = 0;
  unsigned times_ = 0;
};

/// A path whose sender fails at a message.
class Failing : public MessagePath {
 public:
  explicit Failing(std::unique_ptr<MessagePath> path) : path_(std::move(path)) {}

  void become_sender() override { path_->become_sender(); }
  void become_receiver() override { path_->become_receiver(); }
  void send(std::span<const std::byte> message) override {
    if (number_++ == kMessages / 2) {
      throw std::runtime_error("no more of them");
    }
    path_->send(message);
  }
  void flush() override { path_->flush(); }
  std::span<const std::byte> receive() override { return path_->receive(); }
  void describe(Outcome& outcome) const override { path_->describe(outcome); }

 private:
  std::unique_ptr<MessagePath> path_;
  std::uint64_t number_ = 0;
};

/// Both processes are moved to CPUs; the one that tests goes back.
class LadderProcesses : public testing::Test {
 protected:
  LadderProcesses() { sched_getaffinity(0, sizeof cpus_, &cpus_); }
  ~LadderProcesses() override { sched_setaffinity(0, sizeof cpus_, &cpus_); }

 private:
  cpu_set_t cpus_{};
};

Outcome run_meddled(const Meddled::Meddle& meddle) {
  return run_pair(small_load(), [&](std::size_t block) { return std::make_unique<Meddled>(block, meddle); });
}

bool is_bad(std::uint64_t number) {
  return number == 1000;
}

TEST_F(LadderProcesses, PassEveryMessageOnEveryPath) {
  for (auto make : {make_pipe_path, make_datagram_path, make_ring_path, make_fbuf_path}) {
    const Outcome outcome = run_pair(small_load(), make);
    EXPECT_TRUE(outcome.verified) << outcome.copies_shown_by;
    EXPECT_EQ(outcome.packets, kMessages);
    EXPECT_EQ(outcome.bytes, kMessages * kBlock);
    EXPECT_GT(outcome.latency_p50_us, 0);
  }
}

TEST_F(LadderProcesses, CallTheKernelAsOftenAsTheyMust) {
  const std::uint64_t tolerance = 16;  // calls that the kernel cuts short
  for (auto make : {make_pipe_path, make_datagram_path}) {
    const Outcome outcome = run_pair(small_load(), make);
    EXPECT_GE(outcome.usage.counted_calls, 2 * kMessages) << outcome.copies_shown_by;
    EXPECT_LE(outcome.usage.counted_calls, 2 * kMessages + tolerance) << outcome.copies_shown_by;
  }
  const Outcome ring = run_pair(small_load(), make_ring_path);  // to sleep, and to wake who does
  EXPECT_LE(ring.batches, 2 * kMessages);
  EXPECT_GE(ring.usage.counted_calls + tolerance, ring.batches);
  EXPECT_LE(ring.usage.counted_calls, 2 * ring.batches + tolerance);
  const Outcome fbufs = run_pair(small_load(), make_fbuf_path);
  EXPECT_GE(fbufs.batches, kMessages / 16);  // as many at once as the path takes
  EXPECT_LE(fbufs.batches, kMessages / 8);   // it never has fewer buffers than for two thirds of it
}

TEST_F(LadderProcesses, TellOfASenderThatFails) {
  for (auto make : {make_pipe_path, make_datagram_path, make_ring_path, make_fbuf_path}) {
    const auto failing = [make](std::size_t block) { return std::make_unique<Failing>(make(block)); };
    const auto start = std::chrono::steady_clock::now();
    try {
      run_pair(small_load(), failing);
      ADD_FAILURE() << "it ended well";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "no more of them");
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, 20 * kLook);
  }
}

/// A user without privileges, and a datagram of so many bytes.
[[noreturn]] void make_as_a_user(std::size_t block) {
  if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) {
    _exit(1);
  }
  try {
    make_datagram_path(block);
  } catch (const CannotRun& reason) {
    std::cerr << reason.what() << "\n";
    _exit(0);
  }
  _exit(2);
}

TEST_F(LadderProcesses, TellOfADatagramThatIsTooLong) {
  std::size_t most = 0;
  ASSERT_TRUE(std::ifstream("/proc/sys/net/core/wmem_max") >> most);
  // The kernel doubles what is asked for and keeps a little.
  const std::string block = std::to_string(std::bit_floor(2 * most - 1) / 1024);
  EXPECT_EXIT(make_as_a_user(4 * std::bit_ceil(most)), testing::ExitedWithCode(0),
              "net.core.wmem_max, or --block " + block + " or less");
}

TEST_F(LadderProcesses, FindAMessageThatIsDroppedAlteredCutOrDoubled) {
  const std::pair<const char*, Meddled::Meddle> meddlers[] = {
      {"dropped", [](std::uint64_t number, auto&) { return is_bad(number) ? 0U : 1U; }},
      {"doubled", [](std::uint64_t number, auto&) { return is_bad(number) ? 2U : 1U; }},
      {"cut",
       [](std::uint64_t number, auto& message) {
         message.resize(is_bad(number) ? kBlock - 1 : kBlock);
         return 1U;
       }},
      {"altered",
       [](std::uint64_t number, auto& message) {
         message[kBlock - 1] ^= is_bad(number) ? std::byte{1} : std::byte{0};
         return 1U;
       }},
  };
  for (const auto& [name, meddle] : meddlers) {
    const Outcome outcome = run_meddled(meddle);
    EXPECT_FALSE(outcome.verified) << name;
    EXPECT_NE(outcome.notes.front().find("the first 100"), std::string::npos) << name << ": " << outcome.notes.front();
  }
  EXPECT_TRUE(run_meddled([](std::uint64_t, auto&) { return 1U; }).verified);
}

}  // namespace
}  // namespace ringway
