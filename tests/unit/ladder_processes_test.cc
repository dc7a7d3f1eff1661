#include <gtest/gtest.h>
#include <sched.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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
