#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <numeric>

#include "capture_bytes.h"
#include "dpdk/mempool.h"
#include "eal_environment.h"
#include "mbufs.h"
#include "traffic/replayer.h"
#include "virtual_clock.h"

namespace ringway {
namespace {

constexpr std::uint64_t kHz = 1'000'000'000;  // a cycle a nanosecond

/// A capture in memory that cannot be written, as a mapped file is.
class ReadOnly {
 public:
  explicit ReadOnly(const std::vector<std::byte>& bytes) : size_(bytes.size()) {
    data_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memcpy(data_, bytes.data(), size_);
    mprotect(data_, size_, PROT_READ);
  }
  ~ReadOnly() { munmap(data_, size_); }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }
  bool holds(const rte_mbuf* mbuf) const {
    const auto* const first = static_cast<const std::byte*>(mbuf->buf_addr);
    const std::byte* const begin = bytes().data();
    return first >= begin && first + mbuf->data_len <= begin + size_;
  }

 private:
  std::size_t size_;
  void* data_;
};

class Replays : public testing::Test {
 protected:
  Replays() {
    info_.free_cb = [](void*, void*) {};
    rte_mbuf_ext_refcnt_set(&info_, 1);
    state_.ready = UINT64_MAX;
  }
  ~Replays() override {
    EXPECT_EQ(rte_mbuf_ext_refcnt_read(&info_), 1) << "nobody refers to the file any more";
    const PoolAudit audit = pool_.audit();
    EXPECT_EQ(audit.free, audit.size);
    EXPECT_EQ(audit.duplicates, 0U);
  }

  Replayer replayer(const ReplayProfile& profile, const ReadOnly& file, std::uint16_t burst = 32) {
    return Replayer(profile, file.bytes(), info_, pool_.get(), burst, kHz, state_, counters_);
  }

  /// One poll at that time; the frames' bytes. Each lies where it stands in the file.
  std::vector<std::string> poll(Replayer& source, const ReadOnly& file, std::uint64_t at = 0) {
    clock_.advance(at > clock_.now() ? at - clock_.now() : 0);
    Burst burst;
    {
      const VirtualClock::Reading reading;
      source.fill(burst);
    }
    std::vector<std::string> frames;
    for (std::uint16_t i = 0; i < burst.size(); ++i) {
      EXPECT_TRUE(file.holds(burst[i]));
      EXPECT_TRUE(RTE_MBUF_HAS_EXTBUF(burst[i]));
      EXPECT_EQ(burst[i]->pkt_len, burst[i]->data_len);
      const std::vector<std::uint8_t> bytes = bytes_of(burst[i]);
      frames.emplace_back(bytes.begin(), bytes.end());
    }
    EXPECT_EQ(rte_mbuf_ext_refcnt_read(&info_), 1 + burst.size());
    rte_pktmbuf_free_bulk(burst.data(), burst.size());
    return frames;
  }
  std::uint64_t skipped(ReplaySkip skip) const { return counters_.skipped[static_cast<std::size_t>(skip)].get(); }
  ReplayEnd ended() const { return counters_.end.load(); }

  VirtualClock clock_;
  Mempool pool_{"replay", 63, 0, 0, 0};
  rte_mbuf_ext_shared_info info_{};
  ReplayFileState state_;
  ReplayCounters counters_;
};

using Frames = std::vector<std::string>;

constexpr ReplayProfile kMax{.speed = 0};

TEST_F(Replays, FramesGoOutFromWhereTheyStand) {
  const ReadOnly file(CaptureBytes().pcap().record(0, 0, "one").record(0, 0, "two").record(0, 0, "three").bytes());
  Replayer source = replayer(kMax, file, 2);
  EXPECT_EQ(poll(source, file), (Frames{"one", "two"}));
  EXPECT_EQ(ended(), ReplayEnd::kNotYet);
  EXPECT_EQ(poll(source, file), (Frames{"three"}));
  EXPECT_EQ(poll(source, file), Frames{});
  EXPECT_EQ(ended(), ReplayEnd::kOver);
  EXPECT_EQ(counters_.sent.get(), 3U);
  EXPECT_EQ(counters_.bytes.get(), 11U);
  EXPECT_EQ(counters_.passes.get(), 1U);
  EXPECT_EQ(counters_.position.load(), file.bytes().size());
}

TEST_F(Replays, LoopsAsOftenAsAsked) {
  const ReadOnly file(CaptureBytes().section().interface().packet(0, 5, "a").packet(0, 6, "b").bytes());
  Replayer source = replayer({.speed = 0, .passes = 3}, file);
  Frames all;
  for (int i = 0; i < 5; ++i) {
    const Frames some = poll(source, file);
    all.insert(all.end(), some.begin(), some.end());
  }
  EXPECT_EQ(all, (Frames{"a", "b", "a", "b", "a", "b"}));
  EXPECT_EQ(counters_.passes.get(), 3U);
  EXPECT_EQ(ended(), ReplayEnd::kOver);
}

TEST_F(Replays, LoopsForEverButNotOverNothing) {
  const ReadOnly file(CaptureBytes().pcap().record(0, 0, "a").bytes());
  Replayer source = replayer({.speed = 0, .passes = 0}, file, 4);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(poll(source, file), (Frames{"a", "a", "a", "a"}));
  }
  EXPECT_EQ(ended(), ReplayEnd::kNotYet);
  for (CaptureBytes nothing : {CaptureBytes().pcap(), CaptureBytes().pcap().record(0, 0, "")}) {
    const ReadOnly empty(nothing.bytes());
    counters_.end = ReplayEnd::kNotYet;
    Replayer idle = replayer({.speed = 0, .passes = 0}, empty);
    EXPECT_EQ(poll(idle, empty), Frames{});
    EXPECT_EQ(ended(), ReplayEnd::kOver);
  }
}

// Times in microseconds, a cycle a nanosecond; the third frame's time runs back.
TEST_F(Replays, KeepsTheCapturesTimes) {
  const ReadOnly file(
      CaptureBytes().pcap().record(9, 0, "a").record(9, 10, "b").record(8, 0, "c").record(10, 0, "d").bytes());
  Replayer source = replayer({.passes = 2}, file);
  constexpr std::uint64_t kStart = 1'000'000;
  EXPECT_EQ(poll(source, file, kStart), (Frames{"a"}));
  EXPECT_EQ(poll(source, file, kStart + 9'999), Frames{});
  EXPECT_EQ(poll(source, file, kStart + 10'000), (Frames{"b", "c"}));
  EXPECT_EQ(poll(source, file, kStart + 999'999'999), Frames{});
  EXPECT_EQ(counters_.late_cycles.get(), 10'000U) << "of the frame whose time had run back";
  EXPECT_EQ(poll(source, file, kStart + 1'000'000'500), (Frames{"d", "a"})) << "the next pass begins at once";
  EXPECT_EQ(poll(source, file, kStart + 1'000'010'499), Frames{});
  EXPECT_EQ(poll(source, file, kStart + 1'000'010'500), (Frames{"b", "c"}));
}

TEST_F(Replays, ScalesTheCapturesTimes) {
  const ReadOnly file(CaptureBytes().pcap().record(1, 0, "a").record(2, 0, "b").record(4, 0, "c").bytes());
  Replayer fast = replayer({.speed = 4}, file);
  EXPECT_EQ(poll(fast, file, 1'000), (Frames{"a"}));
  EXPECT_EQ(poll(fast, file, 1'000 + kHz / 4 - 1), Frames{});
  EXPECT_EQ(poll(fast, file, 1'000 + kHz / 4), (Frames{"b"}));
  EXPECT_EQ(poll(fast, file, 1'000 + kHz * 3 / 4), (Frames{"c"}));
}

TEST_F(Replays, CatchesUpAndTellsHowLateItWas) {
  const ReadOnly file(CaptureBytes().pcap().record(1, 0, "a").record(1, 1, "b").record(1, 2, "c").bytes());
  Replayer source = replayer({}, file);
  EXPECT_EQ(poll(source, file, 5'000), (Frames{"a"}));
  EXPECT_EQ(poll(source, file, 905'000), (Frames{"b", "c"}));
  EXPECT_EQ(counters_.late_cycles.get(), 899'000U);
}

TEST_F(Replays, SendsAtARate) {
  CaptureBytes capture;
  capture.pcap();
  for (int i = 0; i < 100; ++i) {
    capture.record(static_cast<std::uint32_t>(i), 0, std::string(1, static_cast<char>('!' + i)));
  }
  const ReadOnly file(capture.bytes());
  Replayer source = replayer({.speed = 0, .packets_per_s = 1e6}, file);
  EXPECT_EQ(poll(source, file, 10'000), Frames{});
  EXPECT_EQ(poll(source, file, 13'001), (Frames{"!", "\"", "#"}));
  EXPECT_EQ(poll(source, file, 13'999), Frames{});
  EXPECT_EQ(poll(source, file, 14'001), (Frames{"$"}));
}

TEST_F(Replays, LeavesOutByName) {
  CaptureBytes capture;
  capture.section().interface().interface(113);
  capture.packet(0, 0, "").packet(0, 0, "cut", 60).packet(0, 0, std::string(65536, 'x')).packet(1, 0, "linux");
  capture.packet(0, 0, std::string(1523, 'x')).packet(0, 0, std::string(1522, 'y')).simple("", 60);
  const ReadOnly file(capture.bytes());
  Replayer source = replayer({.speed = 0, .longest = 1522}, file);
  EXPECT_EQ(poll(source, file), (Frames{std::string(1522, 'y')}));
  EXPECT_EQ(ended(), ReplayEnd::kDamaged) << "the simple packet has fewer bytes than it says";
  for (const ReplaySkip skip : {ReplaySkip::kEmpty, ReplaySkip::kCutShort, ReplaySkip::kTooLong, ReplaySkip::kOverMtu,
                                ReplaySkip::kNotEthernet}) {
    EXPECT_EQ(skipped(skip), 1U) << kReplaySkipNames[static_cast<std::size_t>(skip)];
  }
}

TEST_F(Replays, ALongestFrameIsOneSegment) {
  const ReadOnly file(CaptureBytes().pcap().record(0, 0, std::string(65535, 'x')).bytes());
  Replayer source = replayer(kMax, file);
  EXPECT_EQ(poll(source, file), (Frames{std::string(65535, 'x')}));
}

// 63 mbufs, all on their way: the frame in turn waits for one, and none is left out.
TEST_F(Replays, WaitsForMbufs) {
  CaptureBytes capture;
  capture.pcap();
  for (int i = 0; i < 70; ++i) {
    capture.record(0, 0, std::to_string(i));
  }
  const ReadOnly file(capture.bytes());
  Replayer source = replayer(kMax, file, 64);
  Burst burst;
  Burst none;
  {
    const VirtualClock::Reading reading;
    source.fill(burst);
    source.fill(none);
    source.fill(none);
  }
  EXPECT_EQ(burst.size(), 63);
  EXPECT_EQ(none.size(), 0);
  EXPECT_EQ(counters_.no_mbuf.get(), 1U);
  rte_pktmbuf_free_bulk(burst.data(), 63);
  EXPECT_EQ(poll(source, file), (Frames{"63", "64", "65", "66", "67", "68", "69"}));
}

TEST_F(Replays, GoesNoFurtherThanIsRead) {
  const ReadOnly file(CaptureBytes().pcap().record(0, 0, "a").record(0, 0, "b").bytes());
  state_.ready = 0;
  Replayer source = replayer({.speed = 0, .passes = 2}, file);
  EXPECT_EQ(poll(source, file), Frames{});
  EXPECT_EQ(poll(source, file), Frames{});
  EXPECT_EQ(counters_.unread.get(), 1U);
  state_.ready = file.bytes().size();
  EXPECT_EQ(poll(source, file), (Frames{"a", "b"})) << "the second pass is not read yet";
  EXPECT_EQ(counters_.unread.get(), 2U);
  state_.ready = 2 * file.bytes().size();
  EXPECT_EQ(poll(source, file), (Frames{"a", "b"}));
  EXPECT_EQ(ended(), ReplayEnd::kOver);
}

TEST_F(Replays, EndsWhereTheFileIsDamagedOrCut) {
  CaptureBytes capture;
  capture.pcap().record(0, 0, "a").u32(0).u32(0).u32(1000).u32(1000).text("short");
  const ReadOnly file(capture.bytes());
  Replayer source = replayer({.speed = 0, .passes = 0}, file);
  EXPECT_EQ(poll(source, file), (Frames{"a"}));
  EXPECT_EQ(ended(), ReplayEnd::kDamaged);
  EXPECT_EQ(counters_.position.load(), 24U + 17U);

  Replayer other = replayer({.speed = 0, .passes = 0}, file, 1);
  counters_.end = ReplayEnd::kNotYet;
  EXPECT_EQ(poll(other, file), (Frames{"a"}));
  state_.cut = true;
  EXPECT_EQ(poll(other, file), Frames{});
  EXPECT_EQ(ended(), ReplayEnd::kCut);
}

// A capture of frames to leave out must not hold up the lcore.
TEST_F(Replays, APollHasAnEnd) {
  CaptureBytes capture;
  capture.pcap();
  for (int i = 0; i < 1000; ++i) {
    capture.record(0, 0, "");
  }
  const ReadOnly file(capture.record(0, 0, "a").bytes());
  Replayer source = replayer(kMax, file, 32);
  EXPECT_EQ(poll(source, file), Frames{});
  EXPECT_EQ(skipped(ReplaySkip::kEmpty), 128U);
  Frames all;
  for (int i = 0; i < 8 && all.empty(); ++i) {
    all = poll(source, file);
  }
  EXPECT_EQ(all, (Frames{"a"}));
}

}  // namespace
}  // namespace ringway
