#include "capture/filter.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <random>
#include <string>
#include <vector>

#include "core/errors.h"
#include "dpdk/mempool.h"
#include "eal_environment.h"
#include "mbufs.h"

namespace ringway {
namespace {

/// Frames that filters tell apart: Ethernet types, IPv4 and IPv6, TCP, UDP and ICMP, ports, VLAN, short and long.
std::vector<std::string> frames_of_all_kinds() {
  const std::string macs("\2\0\0\0\0\2\2\0\0\0\0\1", 12);
  std::vector<std::string> frames = {"", "a", std::string(13, 'x'), macs + std::string("\x08\x06\0\1", 4)};
  for (const char protocol : {'\1', '\6', '\x11'}) {
    for (const char port : {'\x50', '\x35'}) {
      for (const char fragment : {'\0', '\1'}) {
        const std::string v4 = std::string("\x45\0\0\x28\0\0\0", 7) + fragment + std::string("\x40", 1) + protocol +
                               std::string("\0\0\x0a\0\0\1\x0a\0\0\2", 10) + std::string("\x12\x34\0", 3) + port +
                               std::string(40, port);
        const std::string v6 = std::string("\x60\0\0\0\0\x2c", 6) + protocol + std::string("\x40", 1) +
                               std::string(32, '\1') + std::string("\x12\x34\0", 3) + port + std::string(40, port);
        frames.push_back(macs + std::string("\x08\0", 2) + v4);
        frames.push_back(macs + std::string("\x86\xdd", 2) + v6);
        frames.push_back(macs + std::string("\x81\0\0\5\x08\0", 6) + v4);
        frames.push_back(macs + std::string("\x08\0", 2) + v4 + std::string(1400, port));
        frames.push_back((macs + std::string("\x08\0", 2) + v4).substr(0, 37));
      }
    }
  }
  return frames;
}

/// Frames whose length fields are below what filters subtract from them, and their bytes in all other ways as at hand:
/// after a wrap there are zeros to be read before the end.
std::vector<std::string> frames_of_all_lengths() {
  std::vector<std::string> frames;
  for (char ip_bytes = 0; ip_bytes < 44; ip_bytes = static_cast<char>(ip_bytes + 4)) {
    for (char udp_bytes = 0; udp_bytes < 60; udp_bytes = static_cast<char>(udp_bytes + 3)) {
      frames.push_back(std::string("\2\0\0\0\0\0\2\0\0\0\0\1\x08\0\x45\0\0", 17) + ip_bytes +
                       std::string("\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2\x12\x34\0\x35\0", 21) + udp_bytes +
                       std::string("\0\0\0\0\0\0\0\0\1\1", 10));
    }
  }
  return frames;
}

rte_mbuf* mbuf_of(rte_mempool* pool, const std::string& bytes, std::size_t segment) {
  rte_mbuf* const mbuf = make_frame(pool, bytes.size(), segment);
  std::size_t at = 0;
  for (rte_mbuf* part = mbuf; part != nullptr; part = part->next) {
    for (std::uint16_t i = 0; i < part->data_len; ++i) {
      *rte_pktmbuf_mtod_offset(part, char*, i) = bytes[at++];
    }
  }
  return mbuf;
}

/// How many frames libpcap takes by a filter; here there are as many, the same.
unsigned taken_alike(rte_mempool* pool, const std::string& text, const std::vector<std::string>& frames,
                     const std::vector<std::size_t>& segments) {
  const Filter filter(text);
  PacketFilter interpreted = filter.get();
  interpreted.code = nullptr;
  pcap_t* const dead = pcap_open_dead(DLT_EN10MB, 262144);
  bpf_program program{};
  EXPECT_EQ(pcap_compile(dead, &program, text.c_str(), 1, PCAP_NETMASK_UNKNOWN), 0);
  unsigned taken = 0;
  for (const std::string& frame : frames) {
    const auto bytes = static_cast<unsigned>(frame.size());
    const pcap_pkthdr header{.ts = {}, .caplen = bytes, .len = bytes};
    const bool expected = pcap_offline_filter(&program, &header, reinterpret_cast<const u_char*>(frame.data())) != 0;
    taken += expected ? 1 : 0;
    for (const std::size_t segment : segments) {
      rte_mbuf* const mbuf = mbuf_of(pool, frame, segment);
      EXPECT_EQ(filter.get().takes(mbuf), expected) << bytes << " bytes in segments of " << segment;
      EXPECT_EQ(interpreted.takes(mbuf), expected) << bytes << " bytes in segments of " << segment << ", interpreted";
      rte_pktmbuf_free(mbuf);
    }
  }
  pcap_freecode(&program);
  pcap_close(dead);
  return taken;
}

TEST(Filters, TakeWhatLibpcapTakes) {
  Mempool pool("filtered", 2047, 0, 128, 0);  // a segment may hold a single byte
  std::vector<std::string> frames = frames_of_all_kinds();
  for (const std::string& frame : frames_of_all_lengths()) {
    frames.push_back(frame);
  }
  for (const char* text : {"tcp port 80",
                           "udp port 53",
                           "icmp",
                           "ip6",
                           "ip6 and udp",
                           "vlan 5",
                           "vlan and tcp",
                           "arp",
                           "host 10.0.0.1",
                           "net 10.0.0.0/30",
                           "greater 200",
                           "less 60",
                           "len >= 60",
                           "ether[0] & 1 = 0",
                           "tcp[13] & 4 != 0",
                           "tcp[4:4] & 0xff = 0x35",
                           "ip[6:2] & 0x1fff != 0",
                           "not tcp",
                           "port 80 or port 53",
                           "ether src 02:00:00:00:00:01",
                           "udp[8] = 0x35",
                           "ip[2:2] > 30 and ip[0] & 0xf = 5",
                           "dst portrange 50-90",
                           "ether proto 0x86dd",
                           "len % 7 = 1",
                           "ip[8] * 2 = 128",
                           "src host 10.0.0.1 and not dst host 200.1.2.3",
                           "ip[9] & 0x80 != 0 or ip[9] & 0x11 = 0x11",
                           "tcp[tcpflags] & (tcp-syn|tcp-ack) != 0",
                           "ip and not ip[8] & 1 != 0 and (ether[5] & 2 != 0 or ip[9] & 4 != 0)",
                           "ip[ip[0] & 0xf] & 3 = 0",
                           "len / 4 > 20",
                           "ip[9] >> 2 = 1",
                           "udp[udp[4:2]-40:4] = 0",
                           "ip[ip[2:2]-20:4] = 0",
                           "ip[ip[2:2]-16:1] = 0",
                           "ether[udp[4:2]-20:2] = 0",
                           "1 << ip[3] = 16"}) {
    SCOPED_TRACE(text);
    const unsigned taken = taken_alike(pool.get(), text, frames, {128, 21, 1});
    EXPECT_GT(taken, 0U) << "a filter that takes nothing here shows nothing";
    EXPECT_LT(taken, frames.size());
  }
}

/// Filters that reckon with what they read: where they read next, and what they compare.
class FilterWriter {
 public:
  explicit FilterWriter(unsigned seed) : dice_(seed) {}

  std::string filter() {
    return expression(0) + one_of({" = ", " != ", " > ", " <= "}) + (dice_() % 3 == 0 ? "0" : expression(1));
  }

 private:
  std::string one_of(const std::vector<std::string>& choice) { return choice[dice_() % choice.size()]; }

  std::string expression(int depth) {
    const unsigned kind = dice_() % 8;
    if (kind < 2 || depth > 3) {
      return one_of({"0", "1", "2", "3", "7", "14", "20", "40", "127", "255", "65535", "0x7fffffff", "0xffffffec"});
    }
    if (kind == 2) {
      return "len";
    }
    if (kind < 6) {
      return one_of({"ether", "ip", "udp"}) + "[" + expression(depth + 1) + one_of({"", ":2", ":4"}) + "]";
    }
    return "(" + expression(depth + 1) +
           one_of({" + ", " - ", " - ", " * ", " / ", " % ", " & ", " | ", " ^ ", " << ", " >> "}) +
           expression(depth + 1) + ")";
  }

  std::mt19937 dice_;
};

/// All but those of which rte_bpf_load() sees that they always divide by 0.
bool is_loaded(const std::string& text) {
  try {
    return Filter(text).get().program != nullptr;
  } catch (const Error&) {
    EXPECT_NE(text.find_first_of("/%"), std::string::npos);
    return false;
  }
}

TEST(Filters, TakeWhatLibpcapTakesByAnyReckoning) {
  constexpr unsigned kSeed = 20260;
  constexpr unsigned kFilters = 8'000;
  Mempool pool("reckoned", 2047, 0, 128, 0);
  FilterWriter writer(kSeed);
  std::mt19937 dice(kSeed);
  unsigned possible = 0;
  unsigned telling = 0;
  for (unsigned i = 0; i < kFilters; ++i) {
    const std::string text = writer.filter();
    SCOPED_TRACE(text);
    if (!filter_fault(text).empty() || !is_loaded(text)) {
      continue;
    }
    ++possible;
    std::vector<std::string> frames;
    for (const std::string& start : {std::string("\2\0\0\0\0\0\2\0\0\0\0\1\x08\0\x45", 15), std::string()}) {
      for (int frame = 0; frame < 8; ++frame) {
        frames.push_back(start);
        for (auto more = dice() % 80; more > 0; --more) {
          frames.back() += static_cast<char>(dice() % 4 == 0 ? dice() : dice() % 64);
        }
        if (frames.back().size() > 23 && !start.empty()) {
          frames.back().replace(20, 4, std::string("\0\0\x40\x11", 4));
        }
      }
    }
    const unsigned taken = taken_alike(pool.get(), text, frames, {128, 7});
    telling += taken > 0 && taken < frames.size() ? 1 : 0;
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(possible, kFilters / 2);
  EXPECT_GT(telling, kFilters / 20) << "filters that take some frames only";
}

TEST(Filters, SayWhatCannotBeDoneHere) {
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"inbound", "direction: rx"},           {"outbound and tcp", "direction: tx"},
      {"ifindex 3", "the interface"},         {"ip protochain 6", "(protochain)"},
      {"ip6 protochain 17", "(protochain)"},  {"ether[4294967294:4] = 0", "at byte 4294967294"},
      {"ether[300000] = 1", "at byte 300000"}};
  for (const auto& [text, fault] : faults) {
    EXPECT_NE(filter_fault(text).find(fault), std::string::npos) << text << ": " << filter_fault(text);
    EXPECT_THROW(Filter{text}, Error) << text;
  }
  std::string hosts = "host 1.0.0.0";
  for (int i = 1; i < 200; ++i) {
    hosts += " or host 1.0.0." + std::to_string(i);
  }
  EXPECT_EQ(filter_fault(hosts), "");
  EXPECT_NE(Filter(hosts).get().program, nullptr);
  std::string sum = "len";
  for (int i = 0; i < 1000; ++i) {
    sum += " + ether[" + std::to_string(i) + ']';
  }
  EXPECT_NE(filter_fault(sum + " = 0").find("of which 4096 are possible"), std::string::npos) << filter_fault(sum);
}

TEST(Filters, WithoutOneAllPacketsAreTaken) {
  Mempool pool("unfiltered", 63, 0, 2048, 0);
  rte_mbuf* const mbuf = make_frame(pool.get(), 60);
  EXPECT_TRUE(Filter("").get().takes(mbuf));
  EXPECT_FALSE(Filter("").interpreted());
  EXPECT_THROW(Filter("tcp prot 80"), Error);
  rte_pktmbuf_free(mbuf);
}

TEST(Filters, AreMachineCodeHere) {
#if defined(__x86_64__)
  EXPECT_FALSE(Filter("tcp port 80").interpreted());
  EXPECT_NE(Filter("tcp port 80").get().code, nullptr);
#else
  GTEST_SKIP() << "DPDK 22.11 makes machine code of loads from packets for x86-64 only";
#endif
}

}  // namespace
}  // namespace ringway
