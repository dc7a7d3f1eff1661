#include "traffic/capture_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "capture_bytes.h"
#include "dice.h"

namespace ringway {
namespace {

using Step = CaptureReader::Step;

struct Got {
  std::string frame;
  std::uint64_t ns = 0;
  std::uint32_t length = 0;
  bool ethernet = true;

  bool operator==(const Got&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Got& got) {
  return out << got.frame << " at " << got.ns << " of " << got.length << (got.ethernet ? "" : ", not Ethernet");
}

/// A file without a byte to spare behind it, so that AddressSanitizer sees each read past its end.
class Exact {
 public:
  explicit Exact(const std::vector<std::byte>& bytes) : size_(bytes.size()), bytes_(new std::byte[bytes.size()]) {
    std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  std::span<const std::byte> span() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

/// All frames, and what came behind them.
std::pair<std::vector<Got>, Step> read_all(const std::vector<std::byte>& bytes) {
  const Exact file(bytes);
  CaptureReader reader(file.span());
  std::vector<Got> all;
  CapturedFrame frame;
  Step step = reader.next(frame);
  for (; step == Step::kFrame; step = reader.next(frame)) {
    EXPECT_GE(frame.data, file.span().data());
    EXPECT_LE(frame.data + frame.captured, file.span().data() + file.span().size());
    all.push_back(
        {{reinterpret_cast<const char*>(frame.data), frame.captured}, frame.ns, frame.length, frame.ethernet});
  }
  const std::uint64_t at = reader.offset();
  EXPECT_EQ(reader.next(frame), step) << "it stays there";
  EXPECT_EQ(reader.offset(), at);
  return {all, step};
}

CaptureFault fault_of(CaptureBytes bytes) {
  return CaptureReader(bytes.bytes()).fault();
}

TEST(CaptureReader, PcapOfBothByteOrdersAndResolutions) {
  for (const bool big_endian : {false, true}) {
    for (const bool nano : {false, true}) {
      CaptureBytes file(big_endian);
      file.pcap(nano ? 0xa1b23c4d : 0xa1b2c3d4).record(7, 8, "one").record(7, 9, "", 60).record(9, 1, "cut", 1000);
      const std::uint64_t unit = nano ? 1 : 1000;
      const std::vector<Got> expected = {{"one", 7'000'000'000 + 8 * unit, 3},
                                         {"", 7'000'000'000 + 9 * unit, 60},
                                         {"cut", 9'000'000'000 + unit, 1000}};
      EXPECT_EQ(read_all(file.bytes()), std::pair(expected, Step::kEnd)) << big_endian << nano;
    }
  }
}

TEST(CaptureReader, PcapngOfBothByteOrders) {
  for (const bool big_endian : {false, true}) {
    CaptureBytes file(big_endian);
    const CaptureBytes nanoseconds = file.body().u16(9).u16(1).number(9, 1).text("", 4).u32(0);
    const CaptureBytes halves = file.body().u16(9).u16(1).number(0x81, 1).text("", 4);
    const CaptureBytes later = file.body().u16(2).u16(3).text("eth").text("", 4).u16(14).u16(8).number(5, 8);
    file.section().interface().interface(1, nanoseconds).interface(1, halves).interface(1, later);
    file.interface(113);
    file.block(0xbad, file.body().text("unknown, and skipped"));
    file.packet(0, 3, "a").packet(1, 4, "bc").packet(2, 5, "def", 9).packet(3, 6, "ghij").packet(4, 7, "linux");
    file.packet(5, 8, "no such interface").simple("simple").simple("");
    file.block(2, file.body().u16(1).u16(0).time(77).u32(3).u32(3).text("old"));
    const std::vector<Got> expected = {{"a", 3000, 1},
                                       {"bc", 4, 2},
                                       {"def", 2'500'000'000, 9},
                                       {"ghij", 5'000'006'000, 4},
                                       {"linux", 7000, 5, false},
                                       {"no such interface", 8000, 17, false},
                                       {"simple", 8000, 6},
                                       {"", 8000, 0},
                                       {"old", 77, 3}};
    EXPECT_EQ(read_all(file.bytes()), std::pair(expected, Step::kEnd)) << big_endian;
  }
}

TEST(CaptureReader, SectionsHaveInterfacesAndByteOrdersOfTheirOwn) {
  CaptureBytes file;
  CaptureBytes other(true);
  file.section().interface().packet(0, 1, "first");
  other.section().interface(1, other.body().u16(9).u16(1).number(3, 1)).packet(0, 2, "second").packet(1, 3, "none");
  file.bytes().insert(file.bytes().end(), other.bytes().begin(), other.bytes().end());
  const std::vector<Got> expected = {{"first", 1000, 5}, {"second", 2'000'000, 6}, {"none", 3000, 4, false}};
  EXPECT_EQ(read_all(file.bytes()), std::pair(expected, Step::kEnd));
}

TEST(CaptureReader, SimplePacketsEndWhereTheInterfaceCutsThem) {
  CaptureBytes file;
  file.section().interface(1, file.body(), 4).simple("cut!", 1000);
  EXPECT_EQ(read_all(file.bytes()), std::pair(std::vector<Got>{{"cut!", 0, 1000}}, Step::kEnd));
}

TEST(CaptureReader, RewindsToTheFirstFrame) {
  for (const bool pcapng : {false, true}) {
    CaptureBytes file;
    pcapng ? file.section().interface().packet(0, 1, "a").packet(0, 2, "b")
           : file.pcap().record(0, 1, "a").record(0, 2, "b");
    CaptureReader reader(file.bytes());
    CapturedFrame frame;
    for (int pass = 0; pass < 3; ++pass) {
      EXPECT_EQ(reader.next(frame), Step::kFrame);
      EXPECT_EQ(frame.ns, 1000U);
      EXPECT_EQ(reader.next(frame), Step::kFrame);
      EXPECT_EQ(reader.next(frame), Step::kEnd);
      EXPECT_EQ(reader.offset(), file.bytes().size());
      reader.rewind();
    }
  }
}

TEST(CaptureReader, RefusesWhatItCannotReplay) {
  EXPECT_EQ(fault_of(CaptureBytes()), CaptureFault::kTooShort);
  EXPECT_EQ(fault_of(CaptureBytes().u32(0xa1b2c3d4).text("                ")), CaptureFault::kTooShort);
  EXPECT_EQ(fault_of(CaptureBytes().text("ports: {a: {device: lab}}")), CaptureFault::kUnknown);
  EXPECT_EQ(fault_of(CaptureBytes().u32(0xa1b2cd34).text("modified pcap        ")), CaptureFault::kUnknown);
  EXPECT_EQ(fault_of(CaptureBytes().block(0x0a0d0d0a, CaptureBytes().u32(1))), CaptureFault::kUnknown);
  EXPECT_EQ(fault_of(CaptureBytes().text("\x1f\x8b\x08 and so on")), CaptureFault::kCompressed);
  EXPECT_EQ(fault_of(CaptureBytes().text("\x28\xb5\x2f\xfd and so on")), CaptureFault::kCompressed);
  EXPECT_EQ(fault_of(CaptureBytes().pcap(0xa1b2c3d4, 113)), CaptureFault::kNotEthernet);
  EXPECT_EQ(fault_of(CaptureBytes().pcap(0xa1b2c3d4, 0x24000001)), CaptureFault::kWithFcs);
  EXPECT_EQ(fault_of(CaptureBytes().section().interface(113)), CaptureFault::kNotEthernet);
  EXPECT_EQ(fault_of(CaptureBytes().section().interface(113).interface(1)), CaptureFault::kNone);
  EXPECT_EQ(fault_of(CaptureBytes().section()), CaptureFault::kNone);
  EXPECT_EQ(fault_of(CaptureBytes().pcap()), CaptureFault::kNone);
}

std::vector<std::vector<std::byte>> samples() {
  CaptureBytes pcap;
  pcap.pcap().record(1, 2, std::string(60, 'a')).record(1, 3, std::string(61, 'b')).record(2, 4, std::string(14, 'c'));
  CaptureBytes pcapng(true);
  pcapng.section().interface(1, pcapng.body().u16(9).u16(1).number(9, 1).text("", 4).u16(14).u16(8).number(5, 8));
  pcapng.packet(0, 9, std::string(60, 'a')).simple(std::string(61, 'b')).block(5, pcapng.body().u32(7));
  pcapng.block(2, pcapng.body().u16(0).u16(0).time(77).u32(3).u32(3).text("old"));
  return {pcap.bytes(), pcapng.bytes()};
}

// Wherever the file ends, what is whole is read, and no more is claimed.
TEST(CaptureReader, AFileCutAnywhereIsDamagedOrEndsThere) {
  for (const std::vector<std::byte>& whole : samples()) {
    const std::size_t frames = read_all(whole).first.size();
    std::size_t ends = 0;
    for (std::size_t size = 24; size < whole.size(); ++size) {
      const auto [got, step] = read_all({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
      EXPECT_LE(got.size(), frames);
      ends += step == Step::kEnd && CaptureReader({whole.data(), size}).fault() == CaptureFault::kNone ? 1 : 0;
    }
    EXPECT_LE(ends, 5U) << "only between two records";
  }
}

// Lengths that lie, and anything else: AddressSanitizer sees what is read outside of the file, and each step goes on.
TEST(CaptureReader, AnyBytesDoNoHarm) {
  Dice dice(1);
  for (const std::vector<std::byte>& whole : samples()) {
    for (std::size_t at = 0; at + 4 <= whole.size(); ++at) {
      for (const std::uint32_t lie : {0U, 1U, 12U, 0x7fffffffU, 0xffffffffU, 0xfffffff0U, 0xa1b2c3d4U}) {
        std::vector<std::byte> bytes = whole;
        std::memcpy(bytes.data() + at, &lie, 4);
        EXPECT_LE(read_all(bytes).first.size(), whole.size() / 8);
      }
    }
    for (int round = 0; round < 20'000; ++round) {
      std::vector<std::byte> bytes = whole;
      for (unsigned change = 0; change < 1U + static_cast<unsigned>(round % 4); ++change) {
        bytes[dice.below(static_cast<unsigned>(bytes.size()))] = static_cast<std::byte>(dice.below(256));
      }
      EXPECT_LE(read_all(bytes).first.size(), whole.size() / 8);
    }
  }
}

}  // namespace
}  // namespace ringway
