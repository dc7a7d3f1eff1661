#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <vector>

#include "ladder/latency.h"
#include "ladder/packet_drive.h"
#include "ladder/packet_wires.h"

namespace ringway {
namespace {

using Frame = std::vector<std::byte>;
using Queue = std::deque<Frame>;

constexpr unsigned kBytes = 1514;
constexpr std::uint64_t kFrames = 5000;
constexpr std::uint64_t kBad = 1000;  // one in a thousand
constexpr std::chrono::milliseconds kPatience{20};

/// A wire in memory; `mover` puts what was sent into the queue that is received from.
class Wire : public FlowEnds {
 public:
  using Mover = std::function<void(Queue& queue, std::uint64_t number, Frame frame)>;
  Wire(const FrameMaker& maker, Mover mover) : maker_(maker), mover_(std::move(mover)) {}

  unsigned send(std::uint64_t first, unsigned count) override {
    for (unsigned i = 0; i < count; ++i) {
      Frame frame(2048);
      frame.resize(maker_.make(frame, first + i).size());
      mover_(queue_, first + i, std::move(frame));
    }
    outstanding_ = std::max(outstanding_, queue_.size());
    return count;
  }

  unsigned receive(FrameCheck& check) override {
    const std::size_t count = std::min<std::size_t>(queue_.size(), 7);
    for (std::size_t i = 0; i < count; ++i) {
      check.look_at(queue_.front());
      queue_.pop_front();
    }
    return static_cast<unsigned>(count);
  }

  std::size_t outstanding() const { return outstanding_; }

 private:
  FrameMaker maker_;
  Mover mover_;
  Queue queue_;
  std::size_t outstanding_ = 0;
};

struct Trip {
  explicit Trip(Wire::Mover mover) : wire(maker, std::move(mover)) { drive.move(kFrames); }

  FrameMaker maker{make_header(kSourceMac, kSinkMac, 64, kBytes), kBytes};
  Wire wire;
  FrameCheck check{maker};
  Drive drive{wire, check, kPatience};
};

void pass(Queue& queue, std::uint64_t /*number*/, Frame frame) {
  queue.push_back(std::move(frame));
}

bool is_bad(std::uint64_t number) {
  return number % kBad == kBad - 1;
}

TEST(LadderPackets, ArriveAllWithinTheWindow) {
  Trip trip(pass);
  EXPECT_TRUE(trip.check.all_arrived(kFrames));
  EXPECT_EQ(trip.drive.sent(), kFrames);
  EXPECT_LE(trip.wire.outstanding(), kWindow);
  EXPECT_GT(trip.wire.outstanding(), kBatch);
  EXPECT_EQ(trip.drive.move_singly(10).size(), 10U);
  EXPECT_TRUE(trip.check.all_arrived(kFrames + 10));
}

TEST(LadderPackets, FindOneThatIsDropped) {
  Trip trip([](Queue& queue, std::uint64_t number, Frame frame) {
    if (!is_bad(number)) {
      queue.push_back(std::move(frame));
    }
  });
  EXPECT_FALSE(trip.check.all_arrived(trip.drive.sent()));
  EXPECT_EQ(trip.drive.sent() - trip.check.arrived(), kFrames / kBad);
}

TEST(LadderPackets, FindOneByteThatIsAltered) {
  for (const std::size_t at : {std::size_t{0}, sizeof(FrameHeader), std::size_t{700}, std::size_t{kBytes - 1}}) {
    Trip trip([at](Queue& queue, std::uint64_t number, Frame frame) {
      if (is_bad(number)) {
        frame[at] ^= std::byte{1};
      }
      queue.push_back(std::move(frame));
    });
    EXPECT_FALSE(trip.check.all_arrived(trip.drive.sent())) << at;
    EXPECT_EQ(trip.check.altered(), kFrames / kBad) << at;
  }
}

TEST(LadderPackets, FindOneThatIsCutOrDoubledOrLate) {
  Trip cut([](Queue& queue, std::uint64_t number, Frame frame) {
    frame.resize(is_bad(number) ? kBytes - 1 : kBytes);
    queue.push_back(std::move(frame));
  });
  EXPECT_EQ(cut.check.altered(), kFrames / kBad);
  Trip doubled([](Queue& queue, std::uint64_t number, Frame frame) {
    if (is_bad(number)) {
      queue.push_back(frame);
    }
    queue.push_back(std::move(frame));
  });
  EXPECT_EQ(doubled.check.out_of_order(), kFrames / kBad);
  EXPECT_FALSE(doubled.check.all_arrived(kFrames));
  Trip late([](Queue& queue, std::uint64_t number, Frame frame) {
    queue.insert(queue.end() - (is_bad(number) ? 1 : 0), std::move(frame));
  });
  EXPECT_EQ(late.check.out_of_order(), kFrames / kBad);
  EXPECT_FALSE(late.check.all_arrived(kFrames));
}

TEST(LadderPackets, FindOneThatWasSentAnotherTime) {
  Trip old([first = Frame{}](Queue& queue, std::uint64_t number, Frame frame) mutable {
    if (number == 0) {
      first = frame;
    }
    queue.push_back(is_bad(number) ? first : std::move(frame));
  });
  EXPECT_EQ(old.check.out_of_order(), kFrames / kBad);
  EXPECT_FALSE(old.check.all_arrived(kFrames));
}

TEST(LadderPackets, TellPercentiles) {
  std::vector<double> samples(100);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<double>(100 - i);
  }
  EXPECT_EQ(percentile(samples, 50), 50);
  EXPECT_EQ(percentile(samples, 99), 99);
  EXPECT_EQ(percentile({7}, 50), 7);
  EXPECT_EQ(percentile({}, 50), 0);
}

}  // namespace
}  // namespace ringway
