#include "datapath/flow_hash.h"

#include <gtest/gtest.h>
#include <rte_thash.h>

#include <array>
#include <random>

#include "dpdk/mempool.h"
#include "eal_environment.h"
#include "mbufs.h"

namespace ringway {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Key = FlowHash::Key;

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kSctp = 132;
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kNoNextHeader = 59;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::size_t kMacs = 12;

// As Microsoft publishes it, byte by byte.
alignas(4) constexpr std::array<std::uint8_t, 40> kStandardKey = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
alignas(4) constexpr std::array<std::uint8_t, 40> kSymmetricKey = [] {
  std::array<std::uint8_t, 40> key{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = i % 2 == 0 ? 0x6d : 0x5a;
  }
  return key;
}();

template <class... Parts>
Bytes join(const Parts&... parts) {
  Bytes whole;
  (whole.insert(whole.end(), parts.begin(), parts.end()), ...);
  return whole;
}

Bytes be16(unsigned value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

/// The oracle: DPDK's bit by bit Toeplitz hash of these bytes.
std::uint32_t softrss(const Bytes& input, const std::array<std::uint8_t, 40>& key = kStandardKey) {
  std::array<std::uint32_t, 9> words{};
  for (std::size_t i = 0; i < input.size(); ++i) {
    words.at(i / 4) |= std::uint32_t{input[i]} << (24 - i % 4 * 8);
  }
  return rte_softrss(words.data(), words.size(), key.data());
}

/// A flow's fields; addresses of 4 or 16 bytes.
struct Flow {
  Bytes source;
  Bytes destination;
  unsigned source_port = 0;
  unsigned destination_port = 0;

  Bytes addresses() const { return join(source, destination); }
  Bytes ports() const { return join(be16(source_port), be16(destination_port)); }
  Bytes tuple() const { return join(addresses(), ports()); }
  Flow reversed() const { return {destination, source, destination_port, source_port}; }
};

const Bytes kMacPair = {2, 0, 0, 0, 0, 0x1f, 2, 0x17, 0x5a, 4, 9, 0x2e};
const Bytes kPayload(20, 0xa5);

/// A frame of `kMacPair`, these tags, and this type.
Bytes ethernet(unsigned type, const Bytes& payload, const Bytes& tags = {}) {
  return join(kMacPair, tags, be16(type), payload);
}

Bytes ipv4(const Flow& flow, std::uint8_t protocol, unsigned fragment = 0x4000, std::size_t option_words = 0) {
  const Bytes options(option_words * 4, 1);
  const Bytes start = {static_cast<std::uint8_t>(0x45 + option_words), 0, 0, 60, 0x12, 0x34};
  return join(start, be16(fragment), Bytes{64, protocol, 0, 0}, flow.addresses(), options);
}

Bytes ipv6(const Flow& flow, std::uint8_t next) {
  return join(Bytes{0x60, 0, 0, 0, 0, 60, next, 64}, flow.addresses());
}

/// A whole packet of a flow: its ports, then payload, behind its IP header.
Bytes packet(const Flow& flow, std::uint8_t protocol, const Bytes& tags = {}) {
  const bool v4 = flow.source.size() == 4;
  const Bytes ip = v4 ? ipv4(flow, protocol) : ipv6(flow, protocol);
  return ethernet(v4 ? kIpv4 : kIpv6, join(ip, flow.ports(), kPayload), tags);
}

const Flow kFlow4 = {{66, 9, 149, 187}, {161, 142, 100, 80}, 2794, 1766};
const Flow kFlow6 = {{0x3f, 0xfe, 0x25, 1, 2, 0, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7},
                     {0x3f, 0xfe, 0x25, 1, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1},
                     2794,
                     1766};

class FlowHashes : public testing::Test {
 protected:
  ~FlowHashes() override { EXPECT_EQ(pool_.audit().free, pool_.audit().size); }

  /// A frame with these bytes, in one segment or several, and `behind` in the rest of the first one's buffer.
  rte_mbuf* make(const Bytes& bytes, std::size_t segment = 2048, std::uint8_t behind = 0) {
    rte_mbuf* mbuf = make_frame(pool_.get(), bytes.size(), segment);
    std::fill_n(rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, mbuf->data_len), rte_pktmbuf_tailroom(mbuf), behind);
    auto from = bytes.begin();
    for (rte_mbuf* part = mbuf; part != nullptr; part = part->next) {
      std::copy_n(from, part->data_len, rte_pktmbuf_mtod(part, std::uint8_t*));
      from += part->data_len;
    }
    return mbuf;
  }

  std::uint32_t hash_and_free(const FlowHash& hash, rte_mbuf* mbuf) {
    poison_tailrooms(&mbuf, 1);
    const std::uint32_t result = hash(mbuf);
    unpoison_tailrooms(&mbuf, 1);
    rte_pktmbuf_free(mbuf);
    return result;
  }

  std::uint32_t standard(const Bytes& bytes, std::size_t segment = 2048) {
    return hash_and_free(standard_, make(bytes, segment));
  }
  std::uint32_t symmetric(const Bytes& bytes) { return hash_and_free(symmetric_, make(bytes)); }

  unsigned below(std::size_t limit) { return static_cast<unsigned>(random_() % limit); }

  Flow random_flow(std::size_t address_bytes) {
    Flow flow{Bytes(address_bytes), Bytes(address_bytes), below(65536), below(65536)};
    for (std::size_t i = 0; i < address_bytes; ++i) {
      flow.source[i] = static_cast<std::uint8_t>(below(256));
      flow.destination[i] = static_cast<std::uint8_t>(below(256));
    }
    return flow;
  }

  Mempool pool_{"flow_hash", 255, 0, 2048, 0};
  FlowHash standard_{Key::kStandard};
  FlowHash symmetric_{Key::kSymmetric};
  std::mt19937 random_{20};
};

TEST_F(FlowHashes, AreMicrosoftsForIpv4) {
  struct Vector {
    Flow flow;
    std::uint32_t addresses;
    std::uint32_t tcp;
  };
  const std::vector<Vector> vectors = {
      {kFlow4, 0x323e8fc2, 0x51ccc178},
      {{{199, 92, 111, 2}, {65, 69, 140, 83}, 14230, 4739}, 0xd718262a, 0xc626b0ea},
      {{{24, 19, 198, 95}, {12, 22, 207, 184}, 12898, 38024}, 0xd2d0a5de, 0x5c2b394a},
      {{{38, 27, 205, 30}, {209, 142, 163, 6}, 48228, 2217}, 0x82989176, 0xafc7327f},
      {{{153, 39, 163, 191}, {202, 188, 127, 2}, 44251, 1303}, 0x5d1809c5, 0x10e828a2},
  };
  for (const Vector& vector : vectors) {
    EXPECT_EQ(standard(packet(vector.flow, kTcp)), vector.tcp);
    EXPECT_EQ(standard(packet(vector.flow, kIcmp)), vector.addresses);
  }
}

TEST_F(FlowHashes, AreMicrosoftsForIpv6) {
  const Flow multicast = {{0x3f, 0xfe, 5, 1, 0, 8, 0, 0, 2, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef, 0xab},
                          {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                          14230,
                          4739};
  const Flow link_local = {{0x3f, 0xfe, 0x19, 0, 0x45, 0x45, 0, 3, 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf},
                           {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf},
                           44251,
                           38024};
  EXPECT_EQ(standard(packet(kFlow6, kTcp)), 0x40207d3dU);
  EXPECT_EQ(standard(packet(kFlow6, kNoNextHeader)), 0x2cc18cd5U);
  EXPECT_EQ(standard(packet(multicast, kTcp)), 0xdde51bbfU);
  EXPECT_EQ(standard(packet(multicast, kNoNextHeader)), 0x0f0c461cU);
  EXPECT_EQ(standard(packet(link_local, kTcp)), 0x02d1feefU);
  EXPECT_EQ(standard(packet(link_local, kNoNextHeader)), 0x4b61e985U);
}

TEST_F(FlowHashes, AreRteSoftrssForAnyFlow) {
  for (int i = 0; i < 200; ++i) {
    for (const std::size_t address_bytes : {4, 16}) {
      const Flow flow = random_flow(address_bytes);
      for (const std::uint8_t protocol : {kTcp, kUdp, kSctp}) {
        ASSERT_EQ(standard(packet(flow, protocol)), softrss(flow.tuple()));
        ASSERT_EQ(symmetric(packet(flow, protocol)), softrss(flow.tuple(), kSymmetricKey));
      }
    }
  }
}

TEST_F(FlowHashes, LookUnderTwoTags) {
  for (const Flow& flow : {kFlow4, kFlow6}) {
    for (const unsigned outer : {0x8100U, 0x88a8U, 0x9100U}) {
      const Bytes tag = join(be16(outer), be16(0x2007));
      const Bytes two = join(tag, be16(0x8100), be16(42));
      EXPECT_EQ(standard(packet(flow, kUdp, tag)), softrss(flow.tuple()));
      EXPECT_EQ(standard(packet(flow, kUdp, two)), softrss(flow.tuple()));
      EXPECT_EQ(standard(packet(flow, kUdp, join(two, tag))), softrss(join(kMacPair, be16(outer))));
    }
  }
}

TEST_F(FlowHashes, TakeNoNoticeOfAStrippedTag) {
  rte_mbuf* mbuf = make(packet(kFlow4, kUdp));
  mbuf->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  mbuf->vlan_tci = 42;
  EXPECT_EQ(hash_and_free(standard_, mbuf), softrss(kFlow4.tuple()));
}

TEST_F(FlowHashes, KeepIpv4FragmentsTogether) {
  const Bytes rest = join(kFlow4.ports(), kPayload);
  for (const unsigned fragment : {0x2000U, 0x2001U, 0x3fffU, 0x0001U, 0x1fffU, 0x6000U}) {
    EXPECT_EQ(standard(ethernet(kIpv4, join(ipv4(kFlow4, kUdp, fragment), rest))), softrss(kFlow4.addresses()));
    EXPECT_EQ(standard(ethernet(kIpv4, join(ipv4(kFlow4, kUdp, fragment, 2), rest))), softrss(kFlow4.addresses()));
  }
  for (const unsigned whole : {0x0000U, 0x4000U, 0x8000U}) {
    EXPECT_EQ(standard(ethernet(kIpv4, join(ipv4(kFlow4, kUdp, whole), rest))), softrss(kFlow4.tuple()));
  }
}

TEST_F(FlowHashes, KeepIpv6FragmentsTogether) {
  const Bytes options = {44, 0, 1, 4, 0, 0, 0, 0};
  for (const unsigned fragment : {0x0001U, 0x0009U, 0x0010U, 0x0000U}) {
    const Bytes rest = join(Bytes{kUdp, 0}, be16(fragment), Bytes{1, 2, 3, 4}, kFlow6.ports(), kPayload);
    EXPECT_EQ(standard(ethernet(kIpv6, join(ipv6(kFlow6, 44), rest))), softrss(kFlow6.addresses()));
    EXPECT_EQ(standard(ethernet(kIpv6, join(ipv6(kFlow6, 60), options, rest))), softrss(kFlow6.addresses()));
  }
}

/// An extension header of `bytes` bytes.
Bytes extension(std::uint8_t type, std::uint8_t next, std::size_t bytes) {
  Bytes header(bytes, 0xee);
  header[0] = next;
  header[1] = static_cast<std::uint8_t>(type == 51 ? bytes / 4 - 2 : bytes / 8 - 1);
  return header;
}

TEST_F(FlowHashes, WalkIpv6Extensions) {
  for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{43}, std::uint8_t{60}, std::uint8_t{51}}) {
    for (const std::size_t bytes : {8, 16, 24, 64}) {
      const Bytes ip = join(ipv6(kFlow6, type), extension(type, 60, bytes), extension(60, kTcp, 8));
      EXPECT_EQ(standard(ethernet(kIpv6, join(ip, kFlow6.ports()))), softrss(kFlow6.tuple())) << +type << " " << bytes;
      EXPECT_EQ(standard(ethernet(kIpv6, join(ip, Bytes{1, 2, 3}))), softrss(kFlow6.addresses()));
    }
  }
}

TEST_F(FlowHashes, WalkEightExtensionsAndNoMore) {
  Bytes eight;
  for (int i = 0; i < 7; ++i) {
    eight = join(eight, extension(60, 60, 8));
  }
  const Bytes nine = join(eight, extension(60, 60, 8), extension(60, kUdp, 8));
  eight = join(eight, extension(60, kUdp, 8));
  EXPECT_EQ(standard(ethernet(kIpv6, join(ipv6(kFlow6, 60), eight, kFlow6.ports()))), softrss(kFlow6.tuple()));
  EXPECT_EQ(standard(ethernet(kIpv6, join(ipv6(kFlow6, 60), nine, kFlow6.ports()))), softrss(kFlow6.addresses()));
}

TEST_F(FlowHashes, StepOverIpv4Options) {
  for (std::size_t words = 1; words <= 10; ++words) {
    const Bytes ip = ipv4(kFlow4, kTcp, 0, words);
    EXPECT_EQ(standard(ethernet(kIpv4, join(ip, kFlow4.ports()))), softrss(kFlow4.tuple()));
    EXPECT_EQ(standard(ethernet(kIpv4, join(ip, Bytes{1, 2, 3}))), softrss(kFlow4.addresses()));
  }
}

TEST_F(FlowHashes, UseTheAddressesOfOtherProtocols) {
  for (const int protocol : {1, 2, 4, 41, 47, 50, 58, 59, 89, 136, 255}) {
    EXPECT_EQ(standard(packet(kFlow4, static_cast<std::uint8_t>(protocol))), softrss(kFlow4.addresses()));
    EXPECT_EQ(standard(packet(kFlow6, static_cast<std::uint8_t>(protocol))), softrss(kFlow6.addresses()));
  }
}

TEST_F(FlowHashes, AreThoseOfTheMacsWithoutIp) {
  for (const unsigned type : {0x0806U, 0x88ccU, 0x8847U, 0x8864U, 0x0600U}) {
    EXPECT_EQ(standard(ethernet(type, kPayload)), softrss(join(kMacPair, be16(type))));
    EXPECT_EQ(standard(ethernet(type, kPayload, {0x81, 0, 0, 9})), softrss(join(kMacPair, be16(type))));
  }
  for (const unsigned length : {3U, 38U, 1500U, 0x05ffU}) {
    EXPECT_EQ(standard(ethernet(length, kPayload)), softrss(kMacPair));
  }
}

TEST_F(FlowHashes, AreThoseOfTheMacsWithMalformedIp) {
  Bytes v4 = packet(kFlow4, kUdp);
  for (const int start : {0x00, 0x35, 0x65, 0x40, 0x44, 0x4f}) {  // the last one's header would take 60 bytes
    v4[14] = static_cast<std::uint8_t>(start);
    EXPECT_EQ(standard(v4), softrss(join(kMacPair, be16(kIpv4)))) << std::hex << start;
  }
  Bytes v6 = packet(kFlow6, kUdp);
  for (const int start : {0x00, 0x45, 0x55, 0x70}) {
    v6[14] = static_cast<std::uint8_t>(start);
    EXPECT_EQ(standard(v6), softrss(join(kMacPair, be16(kIpv6)))) << std::hex << start;
  }
}

TEST_F(FlowHashes, OfBothDirectionsAreOneWithTheSymmetricKeyOnly) {
  for (int i = 0; i < 100; ++i) {
    for (const std::size_t address_bytes : {4, 16}) {
      const Flow flow = random_flow(address_bytes);
      for (const std::uint8_t protocol : {kUdp, kIcmp}) {
        ASSERT_EQ(symmetric(packet(flow, protocol)), symmetric(packet(flow.reversed(), protocol)));
        ASSERT_NE(standard(packet(flow, protocol)), standard(packet(flow.reversed(), protocol)));
      }
    }
  }
  Bytes back = ethernet(0x0806, kPayload);
  std::rotate(back.begin(), back.begin() + 6, back.begin() + kMacs);
  EXPECT_EQ(symmetric(back), symmetric(ethernet(0x0806, kPayload)));
  EXPECT_NE(standard(back), standard(ethernet(0x0806, kPayload)));
}

TEST_F(FlowHashes, AreTheNicsWithTheStandardKeyOnly) {
  for (const bool flagged : {false, true}) {
    for (const FlowHash* hash : {&standard_, &symmetric_}) {
      rte_mbuf* mbuf = make(packet(kFlow4, kUdp));
      mbuf->hash.rss = 0x12345678;
      mbuf->ol_flags |= flagged ? RTE_MBUF_F_RX_RSS_HASH : RTE_MBUF_F_RX_FDIR;
      const std::uint32_t computed = softrss(kFlow4.tuple(), hash == &standard_ ? kStandardKey : kSymmetricKey);
      EXPECT_EQ(hash_and_free(*hash, mbuf), flagged && hash == &standard_ ? 0x12345678U : computed);
    }
  }
}

/// What a frame cut to `length` has: `ip` bytes to its IP header, which takes `header` bytes, ports behind.
std::uint32_t cut_hash(const Bytes& frame, std::size_t length, const Flow& flow, std::size_t ip, std::size_t header) {
  if (length < 14) {
    return 0;
  }
  if (length >= ip + header) {
    return softrss(length >= ip + header + 4 ? flow.tuple() : flow.addresses());
  }
  const std::size_t type = length >= ip ? ip - 2 : kMacs;
  return softrss(
      join(kMacPair, Bytes(frame.begin() + static_cast<int>(type), frame.begin() + static_cast<int>(type) + 2)));
}

TEST_F(FlowHashes, DependOnNothingBehindTheFirstSegment) {
  const Bytes tag = {0x81, 0, 0, 9};
  for (const Flow& flow : {kFlow4, kFlow6}) {
    const std::size_t header = flow.source.size() == 4 ? 20 : 40;
    for (const Bytes& tags : {Bytes(), tag}) {
      const Bytes frame = packet(flow, kUdp, tags);
      for (std::size_t length = 0; length <= frame.size(); ++length) {
        const Bytes cut(frame.begin(), frame.begin() + static_cast<int>(length));
        const std::uint32_t expected = cut_hash(frame, length, flow, 14 + tags.size(), header);
        for (const int behind : {0x00, 0x45, 0x81, 0xff}) {
          EXPECT_EQ(hash_and_free(standard_, make(cut, 2048, static_cast<std::uint8_t>(behind))), expected) << length;
        }
        if (length > 0) {
          EXPECT_EQ(standard(frame, length), expected) << "in segments of " << length;
        }
      }
    }
  }
}

TEST_F(FlowHashes, OfNoiseDependOnNothingBehindIt) {
  const Bytes starts[] = {packet(kFlow4, kTcp), packet(kFlow6, 0), packet(kFlow6, 51, {0x88, 0xa8, 0, 9})};
  for (int i = 0; i < 20000; ++i) {
    Bytes frame = starts[i % 3];
    for (std::size_t change = 0; change < 4; ++change) {
      frame[kMacs + below(frame.size() - kMacs)] = static_cast<std::uint8_t>(below(256) >> below(8));
    }
    frame.resize(below(frame.size()));
    rte_mbuf* zeros = make(frame, 2048, 0);
    rte_mbuf* ones = make(frame, 2048, 0xff);
    ASSERT_EQ(hash_and_free(standard_, zeros), hash_and_free(standard_, ones));
  }
}

TEST_F(FlowHashes, SpreadFlowsEvenly) {
  constexpr std::size_t kFlows = 4096;
  for (const std::size_t workers : {2, 3, 5, 8}) {
    for (const FlowHash* hash : {&standard_, &symmetric_}) {
      std::vector<std::size_t> share(workers);
      for (std::size_t i = 0; i < kFlows; ++i) {
        const std::uint64_t value = hash_and_free(*hash, make(packet(random_flow(4), kUdp)));
        ++share.at((value * workers) >> 32);
      }
      for (const std::size_t flows : share) {
        EXPECT_NEAR(static_cast<double>(flows * workers), kFlows, kFlows / 4.0) << workers << " workers";
      }
    }
  }
}

}  // namespace
}  // namespace ringway
