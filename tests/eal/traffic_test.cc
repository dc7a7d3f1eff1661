#include <gtest/gtest.h>

#include <map>
#include <set>

#include "datapath/leg.h"
#include "eal_environment.h"
#include "traffic_wire.h"

namespace ringway {
namespace {

const std::vector<TrafficProfile> kProfiles = {
    {},
    {.frame_bytes = 64, .flows = 7},
    {.frame_bytes = 0, .flows = 1000},
    {.frame_bytes = 65, .flows = 3, .ipv6_ppm = 1000'000},
    {.frame_bytes = 1514, .flows = 10, .vlans = 3},
    {.frame_bytes = 0, .flows = 100, .ipv6_ppm = 370'000, .vlans = 4094},
    {.frame_bytes = 1021, .flows = 100, .ipv6_ppm = 500'000},
    {.frame_bytes = 9000, .flows = 12, .ipv6_ppm = 500'000, .vlans = 2},
};

TEST_F(Traffic, FramesAreRightAndOfTheLengthAskedFor) {
  for (TrafficProfile profile : kProfiles) {
    Generator source = generator(profile);
    const std::vector<rte_mbuf*> frames = take(source, 240);
    for (const rte_mbuf* mbuf : frames) {
      const unsigned tag = profile.vlans > 0 ? 4 : 0;
      const Frame frame(mbuf);
      expect_right(mbuf, tag);
      EXPECT_EQ(frame.vlan > 0, profile.vlans > 0);
      if (profile.frame_bytes > 0) {
        EXPECT_EQ(frame.bytes, std::max(profile.frame_bytes, frame.ip6 != nullptr ? 80U : 60U) + tag);
      }
    }
    rte_pktmbuf_free_bulk(const_cast<rte_mbuf**>(frames.data()), static_cast<unsigned>(frames.size()));
  }
}

TEST_F(Traffic, AnIpv6FrameIsNeverWithoutAChecksum) {
  const FrameTemplate frame(80, IpVersion::k6, false, 0);
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_.get());
  unsigned zeros = 0;  // written as the other zero that ones' complement has
  frame.write(mbuf, 0, 0, 0, 0);
  const rte_udp_hdr* const udp = Frame(mbuf).udp;
  for (std::uint32_t sequence = 0; sequence < 200'000; ++sequence) {
    frame.write(mbuf, 0, 0, sequence, 0);
    ASSERT_NE(udp->dgram_cksum, 0);
    zeros += udp->dgram_cksum == 0xffff ? 1 : 0;
  }
  EXPECT_GT(zeros, 0U);
  expect_right(mbuf, 0);
  rte_pktmbuf_free(mbuf);
}

TEST_F(Traffic, WhatIsMadeIsFoundIntact) {
  for (TrafficProfile profile : kProfiles) {
    profile.packets = 2345;
    made_.done = false;
    std::fill(states_.begin(), states_.end(), FlowState{});
    const std::uint64_t before = found_.unique.get();
    const Generator source = generator(profile);
    Leg<Generator, Checker> leg(source, Checker(states_, 0, found_, latency_));
    while (!made_.done.load()) {
      leg.poll();
    }
    EXPECT_EQ(found_.unique.get() - before, profile.packets);
    EXPECT_EQ(leg.counters().received.get(), profile.packets);
    EXPECT_EQ(leg.counters().transmitted.get(), profile.packets);
  }
  EXPECT_EQ(made_.sent.get(), kProfiles.size() * 2345);
  EXPECT_EQ(found_.received.get(), kProfiles.size() * 2345);
  EXPECT_EQ(found_.reordered.get(), 0U);
  EXPECT_EQ(latency_.count(), found_.unique.get());
}

TEST_F(Traffic, ImixIsSevenToFourToOneForEveryFlow) {
  for (const unsigned flows : {1U, 5U, 12U}) {
    made_.done = false;
    Generator source = generator({.frame_bytes = 0, .flows = flows, .packets = flows * 12});
    std::map<std::pair<unsigned, unsigned>, unsigned> counted;
    const std::vector<rte_mbuf*> frames = take(source, flows * 12);
    for (rte_mbuf* mbuf : frames) {
      ++counted[{Frame(mbuf).stamp->flow, mbuf->pkt_len}];
      rte_pktmbuf_free(mbuf);
    }
    for (unsigned flow = 0; flow < flows; ++flow) {
      EXPECT_EQ((counted[{flow, 60}]), 7U);
      EXPECT_EQ((counted[{flow, 590}]), 4U);
      EXPECT_EQ((counted[{flow, 1514}]), 1U);
    }
  }
}

TEST_F(Traffic, NoTwoFlowsAreAlike) {
  const TrafficProfile profile{.flows = 1001, .ipv6_ppm = 300'000, .vlans = 5, .packets = 1001};
  std::set<decltype(Frame(nullptr).tuple())> tuples;
  std::set<std::uint32_t> ids;
  std::set<std::pair<unsigned, bool>> vlans;
  unsigned ipv6 = 0;
  PortFlows flows{.queues = 2};
  flows.flows = profile.flows;
  constexpr std::uint32_t kBefore = 4U << 24;  // more bits than an address in 10.0.0.0/8 leaves free
  for (const std::uint32_t first : {0U, flows.count(), 2 * flows.count(), kBefore}) {
    flows.first = first;
    for (const std::uint32_t queue : {0U, 1U}) {
      made_.done = false;
      Generator source(profile, flows, queue, pool_.get(), kBurst, 1, made_);
      for (rte_mbuf* mbuf : take(source, 1001)) {
        const Frame frame(mbuf);
        tuples.insert(frame.tuple());
        ids.insert(frame.stamp->flow);
        vlans.insert({frame.vlan, frame.ip6 != nullptr});
        ipv6 += frame.ip6 != nullptr ? 1 : 0;
        EXPECT_EQ(frame.stamp->sequence, 0U);
        EXPECT_EQ((frame.stamp->flow - first) % 2, queue);
        EXPECT_LT(frame.stamp->flow - first, 1001U);
        rte_pktmbuf_free(mbuf);
      }
    }
  }
  EXPECT_EQ(tuples.size(), 4 * 1001U);
  EXPECT_EQ(ids.size(), 4 * 1001U);
  EXPECT_EQ(vlans.size(), 2 * 5U);
  EXPECT_NEAR(ipv6, 4 * 300, 4);
}

TEST_F(Traffic, AMillionFlowsInTurn) {
  Generator source = generator({.flows = 1'000'000, .packets = 1'000'100});
  while (!made_.done.load()) {
    check(take(source, 1));
  }
  EXPECT_EQ(found(), Found{.unique = 1'000'100});
  EXPECT_EQ(states_[99].last, 1U);
  EXPECT_EQ(states_[100].last, 0U);
}

TEST_F(Traffic, LossAndDuplicatesAreCounted) {
  Generator source = generator({.flows = 10});
  std::vector<rte_mbuf*> frames = take(source, 320);
  for (const std::size_t lost : {300, 111, 50, 49, 48, 0}) {
    rte_pktmbuf_free(frames[lost]);
    frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(lost));
  }
  rte_mbuf* const again = rte_pktmbuf_copy(frames[200], pool_.get(), 0, UINT32_MAX);
  frames.insert(frames.begin() + 260, again);
  frames.push_back(rte_pktmbuf_copy(frames[20], pool_.get(), 0, UINT32_MAX));
  check(frames);
  EXPECT_EQ(found(), (Found{.unique = 314, .duplicated = 2}));
  EXPECT_EQ(made_.sent.get() - found_.unique.get(), 6U);
}

TEST_F(Traffic, OnlySwapsWithinAFlowAreReordering) {
  Generator source = generator({.flows = 10});
  std::vector<rte_mbuf*> frames = take(source, 320);
  std::swap(frames[100], frames[101]);
  std::swap(frames[0], frames[9]);
  check(frames);
  EXPECT_EQ(found(), Found{.unique = 320});
  frames = take(source, 320);
  std::swap(frames[100], frames[110]);
  std::swap(frames[200], frames[230]);  // comes before three others of its flow, which are late then
  check(frames);
  EXPECT_EQ(found(), (Found{.unique = 640, .reordered = 1 + 3}));
}

TEST_F(Traffic, SequenceNumbersWrapAround) {
  check_sequences({0xfffffffd, 0xfffffffe, 0xffffffff, 0, 1});
  EXPECT_EQ(found(), Found{.unique = 5});
  check_sequences({3, 2, 0xffffffff, 0xfffffffc});
  EXPECT_EQ(found(), (Found{.unique = 8, .duplicated = 1, .reordered = 2}));
}

TEST_F(Traffic, TheWindowIs64Wide) {
  check_sequences({100, 164, 101});
  EXPECT_EQ(found(), (Found{.unique = 3, .reordered = 1}));
  check_sequences({101, 100});
  EXPECT_EQ(found(), (Found{.unique = 3, .duplicated = 1, .stale = 1, .reordered = 1}));
  check_sequences({164 + 63, 164, 165 + 63, 164});
  EXPECT_EQ(found(), (Found{.unique = 5, .duplicated = 2, .stale = 2, .reordered = 1}));
}

TEST_F(Traffic, AnyChangedBitOfThePayloadIsSeen) {
  std::uint64_t altered = 0;
  for (const Shape shape : {Shape{60, IpVersion::k4, false}, Shape{1514, IpVersion::k4, true},
                            Shape{83, IpVersion::k6, false}, Shape{590, IpVersion::k6, true}}) {
    for (unsigned at = shape.payload(); at < shape.bytes + (shape.tagged ? 4 : 0); ++at) {
      for (const unsigned change : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
        rte_mbuf* const mbuf = make(shape, {.sequence = at, .tsc = rte_rdtsc()});
        *rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, at) ^= static_cast<std::uint8_t>(change);
        check({mbuf});
        ASSERT_EQ(found(), Found{.altered = ++altered}) << "byte " << at << " of " << shape.bytes;
      }
    }
  }
}

TEST_F(Traffic, AFrameOfAnotherLengthIsSeen) {
  std::uint64_t altered = 0;
  for (const Shape shape : {Shape{60, IpVersion::k4, false}, Shape{200, IpVersion::k6, true}}) {
    const unsigned bytes = shape.bytes + (shape.tagged ? 4 : 0);
    for (unsigned cut = 1; cut <= bytes - shape.payload(); ++cut) {
      rte_mbuf* const mbuf = make(shape, {.tsc = rte_rdtsc()});
      rte_pktmbuf_trim(mbuf, static_cast<std::uint16_t>(cut));
      check({mbuf});
      ASSERT_EQ(found(), Found{.altered = ++altered}) << cut << " bytes off";
    }
    rte_mbuf* const longer = make(shape, {.tsc = rte_rdtsc()});
    *rte_pktmbuf_append(longer, 1) = 0;
    check({longer});
    EXPECT_EQ(found(), Found{.altered = ++altered});
  }
}

TEST_F(Traffic, ChainsAreCheckedAsAWhole) {
  const Shape shape{9000, IpVersion::k6, true};
  std::uint64_t unique = 0;
  for (const unsigned segment : {2048, 14, 17, 66, 83, 84, 85, 999}) {
    rte_mbuf* const whole = make(shape, {.sequence = static_cast<std::uint32_t>(++unique), .tsc = rte_rdtsc()});
    check({split(whole, segment)});
    EXPECT_EQ(found(), (Found{.unique = unique, .altered = unique - 1}));
    rte_mbuf* const last = split(make(shape, {.tsc = rte_rdtsc()}), segment);
    *rte_pktmbuf_mtod(rte_pktmbuf_lastseg(last), std::uint8_t*) ^= 1;
    check({last});
    EXPECT_EQ(found(), (Found{.unique = unique, .altered = unique}));
  }
}

TEST_F(Traffic, StrangersAreNotTakenForFrames) {
  std::uint64_t unknown = 0;
  for (std::size_t bytes = 0; bytes < 100; ++bytes) {
    if (bytes != kRuntBytes) {
      check({make_frame(pool_.get(), bytes)});
      EXPECT_EQ(found(), Found{.unknown = ++unknown}) << bytes << " bytes";
    }
  }
  states_.resize(5);
  check({make({60, IpVersion::k4, false}, {.flow = 4, .tsc = rte_rdtsc()})});
  check({make({60, IpVersion::k4, false}, {.flow = 5, .tsc = rte_rdtsc()})});
  EXPECT_EQ(found(), (Found{.unique = 1, .unknown = unknown + 1}));
}

TEST_F(Traffic, LatencyIsFromTheStampToNow) {
  constexpr std::uint64_t kAge = 1'000'000'000;
  check_sequences({0, 1, 2}, kAge);
  EXPECT_GE(latency_.percentile(0), kAge);
  EXPECT_LT(latency_.max(), 2 * kAge);
  check_sequences({3}, std::uint64_t{0} - kAge);  // the clock of the generator's lcore is ahead
  EXPECT_EQ(latency_.percentile(0), 0U);
  EXPECT_EQ(latency_.count(), 4U);
}

/// A frame with a fault is bad in the way asked for, and in no other.
void expect_bad(const rte_mbuf* mbuf, Fault fault, unsigned longest) {
  if (fault == Fault::kRunt) {
    EXPECT_EQ(mbuf->pkt_len, kRuntBytes);
    return;
  }
  const Frame frame(mbuf);
  EXPECT_EQ(rte_raw_cksum(frame.ip4, sizeof *frame.ip4) == 0xffff, fault != Fault::kWrongChecksum);
  EXPECT_EQ(frame.ip4->time_to_live, fault == Fault::kTtl1 ? 1 : 64);
  EXPECT_EQ(frame.ethertype, fault == Fault::kUnknownEthertype ? 0x88b5 : RTE_ETHER_TYPE_IPV4);
  EXPECT_EQ(frame.bytes > longest, fault == Fault::kOversized);
  EXPECT_LE(frame.bytes, longest + 64);
}

TEST_F(Traffic, FaultsAreMadeAndFound) {
  const TrafficProfile profile{.flows = 10, .packets = 30'000, .faults_ppm = 200'000, .longest = 1000};
  Generator source = generator(profile, {.first = 40, .queues = 3}, 1);  // a third of the packets
  std::array<std::uint64_t, kFaults> counted{};
  while (!made_.done.load()) {
    std::vector<rte_mbuf*> passed;
    for (rte_mbuf* mbuf : take(source, 1)) {
      const bool drop = mbuf->pkt_len < 14 || mbuf->pkt_len > profile.longest;  // as a plain forwarder decides
      const std::optional<Fault> fault = mbuf->pkt_len < 14 ? Fault::kRunt : states_[Frame(mbuf).stamp->flow].fault;
      EXPECT_EQ(drop, fault && must_be_dropped(*fault));
      if (fault) {
        const std::uint64_t before = counted[static_cast<std::size_t>(*fault)]++;
        EXPECT_EQ(*fault == Fault::kRunt ? before : Frame(mbuf).stamp->sequence, before);
        expect_bad(mbuf, *fault, profile.longest);
      } else {
        expect_right(mbuf, 0);
      }
      drop ? rte_pktmbuf_free(mbuf) : passed.push_back(mbuf);
    }
    check(passed);
  }
  for (std::size_t fault = 0; fault < kFaults; ++fault) {
    EXPECT_EQ(counted[fault], 400U) << kFaultNames[fault];
    EXPECT_EQ(made_.faults[fault].get(), 400U) << kFaultNames[fault];
  }
  EXPECT_EQ(made_.sent.get(), 10'000U);
  EXPECT_EQ(made_.sent_expected_to_drop.get(), 800U);
  EXPECT_EQ(found(), Found{.unique = 9200});  // nothing of the other flows is missing
  EXPECT_EQ(found_.passed_faults.get(), 1200U);
}

TEST_F(Traffic, WhatShouldHaveBeenDroppedIsSeen) {
  Generator source = generator({.flows = 10, .packets = 320, .faults_ppm = 1'000'000});
  check(take(source, 320));
  EXPECT_EQ(found(), (Found{.unique = 192, .not_dropped = 128}));
  EXPECT_EQ(found_.passed_faults.get(), 192U);
}

TEST_F(Traffic, WhatWasToArriveElsewhereIsUnknown) {
  Generator source = generator({.flows = 10, .packets = 30}, {.first = 40});
  for (std::size_t i = 45; i < 48; ++i) {
    states_[i].foreign = true;
  }
  check(take(source, 30));
  EXPECT_EQ(found(), (Found{.unique = 21, .unknown = 9}));
  for (const std::uint32_t first : {35U, 41U}) {  // of the ids 40 to 49 five are too high, then one is too low
    Generator again = generator({.flows = 10, .packets = kBurst}, {.first = 40});
    std::vector<FlowState> ten(10);
    Leg<Generator, Checker> leg(again, Checker(ten, first, found_, latency_));
    EXPECT_EQ(leg.poll(), kBurst);
  }
  EXPECT_EQ(found_.unknown.get(), 9U + 5 * 3 + 4);
}

TEST_F(Traffic, OversizedFramesFitIntoTheirMbufs) {
  Mempool small("small", 1023, 0, 1100, 0);
  Generator source({.faults_ppm = 1'000'000, .longest = 1090}, {}, 0, small.get(), kBurst, 1, made_);
  std::set<unsigned> lengths;
  for (rte_mbuf* mbuf : take(source, 320)) {
    lengths.insert(mbuf->pkt_len);
    rte_pktmbuf_free(mbuf);
  }
  EXPECT_EQ(*lengths.rbegin(), 1100U);
  EXPECT_TRUE(lengths.contains(1091));
}

TEST_F(Traffic, PacketsAreSharedOutOverTheQueues) {
  for (const auto& [flows, packets] : {std::pair{10U, 1003U}, {2U, 1003U}, {10U, 2U}}) {
    std::uint64_t sent = 0;
    for (const std::uint32_t queue : {0U, 1U, 2U}) {
      made_.done = false;
      Generator source = generator({.flows = flows, .packets = packets}, {.queues = 3}, queue);
      std::vector<rte_mbuf*> frames = take(source, packets + 1);
      EXPECT_TRUE(made_.done.load());
      EXPECT_NEAR(static_cast<double>(frames.size()), queue < flows ? packets / std::min(flows, 3U) : 0, 1);
      sent += frames.size();
      rte_pktmbuf_free_bulk(frames.data(), static_cast<unsigned>(frames.size()));
    }
    EXPECT_EQ(sent, packets);
  }
}

TEST_F(Traffic, AnEmptyPoolMakesNothingAndIsCountedOnce) {
  Mempool small("empty", 63, 0, 2048, 0);
  Generator source({.flows = 3, .packets = 100}, {.flows = 3}, 0, small.get(), kBurst, 1, made_);
  for (const std::uint64_t episode : {1U, 2U}) {
    Burst kept;
    Burst burst;
    EXPECT_EQ(source.fill(kept), kBurst);
    EXPECT_EQ(source.fill(burst), 0);  // 31 are left
    EXPECT_EQ(source.fill(burst), 0);
    EXPECT_EQ(burst.size(), 0);
    EXPECT_EQ(made_.no_mbuf.get(), episode);
    EXPECT_EQ(Frame(kept[0]).stamp->sequence, episode == 1 ? 0U : 32U / 3U);
    rte_pktmbuf_free_bulk(kept.data(), kBurst);
  }
  EXPECT_EQ(made_.sent.get(), 64U);
  EXPECT_FALSE(made_.done.load());
}

TEST_F(Traffic, TheTimeIsKept) {
  Generator source = generator({.flows = 3, .packets_per_s = 2e6, .seconds = 0.01}, {.queues = 2});
  while (!made_.done.load()) {
    check(take(source, 1));
  }
  EXPECT_EQ(made_.sent.get() + made_.forgone.get(), 10'000U);
  EXPECT_EQ(found(), Found{.unique = made_.sent.get()});
  made_.done = false;
  Generator unpaced = generator({.seconds = 0.0001});
  while (!made_.done.load()) {
    check(take(unpaced, 1));
  }
}

/// By hand: --gtest_also_run_disabled_tests --gtest_filter=*Cycles*
TEST_F(Traffic, DISABLED_CyclesAPacket) {
  Mempool pool("cycles", 8191, 256, 2048, 0);
  for (const TrafficProfile& profile : {TrafficProfile{.flows = 1000},
                                        {.flows = 1'000'000},
                                        {.flows = 1000, .ipv6_ppm = 500'000},
                                        {.flows = 1000, .vlans = 100},
                                        {.frame_bytes = 0, .flows = 1000},
                                        {.frame_bytes = 1514, .flows = 1000}}) {
    PortFlows flows{.flows = profile.flows};
    states_.assign(flows.count(), {});
    Generator source(profile, flows, 0, pool.get(), kBurst, rte_get_tsc_hz(), made_);
    Checker checker(states_, 0, found_, latency_);
    std::vector<double> cycles[2];
    for (int window = 0; window < 200; ++window) {
      std::uint64_t spent[2] = {};
      for (int i = 0; i < 200; ++i) {
        Burst burst;
        const std::uint64_t start = rte_rdtsc();
        source.fill(burst);
        const std::uint64_t made = rte_rdtsc();
        checker.forward(burst, leg_);
        spent[0] += made - start;
        spent[1] += rte_rdtsc() - made;
      }
      cycles[0].push_back(static_cast<double>(spent[0]) / (200 * kBurst));
      cycles[1].push_back(static_cast<double>(spent[1]) / (200 * kBurst));
    }
    for (auto& windows : cycles) {
      std::sort(windows.begin(), windows.end());
    }
    std::printf("%4u bytes, %7u flows, %7u ppm IPv6, %3u VLANs: generator %6.1f, checker %6.1f cycles a packet\n",
                profile.frame_bytes, profile.flows, profile.ipv6_ppm, profile.vlans, cycles[0][100], cycles[1][100]);
  }
}

}  // namespace
}  // namespace ringway
