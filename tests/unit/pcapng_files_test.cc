#include "capture/pcapng_files.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <regex>
#include <sstream>

#include "core/errors.h"
#include "pcapng_reader.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSecond = 1'000'000'000;

/// A folder of its own on the disk, since /tmp may be none.
class PcapngFilesTest : public testing::Test {
 protected:
  PcapngFilesTest() {
    std::string name = (fs::temp_directory_path() / "ringway-capture-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~PcapngFilesTest() override { fs::remove_all(folder_); }

  CaptureSettings settings() const {
    return {.name = "web", .file = (folder_ / "out.pcapng").string(), .snap = 262144, .interfaces = {{.name = "east"}}};
  }
  PcapngFiles make(const CaptureSettings& settings) {
    return PcapngFiles(
        settings, io_, ledger_,
        [](std::uint64_t end_ns) {
          return std::vector<PcapngStatistics>{{.interface = 0, .end_ns = end_ns, .received = 7}};
        },
        kSecond);
  }

  /// A packet of so many bytes that say its number.
  void write(PcapngFiles& files, std::uint32_t number, std::size_t bytes = 60, std::uint64_t ns = kSecond) {
    std::vector<std::uint32_t> data((bytes + 3) / 4, number);
    rte_mbuf mbuf{};
    mbuf.buf_addr = data.data();
    mbuf.data_len = static_cast<std::uint16_t>(bytes);
    mbuf.pkt_len = static_cast<std::uint32_t>(bytes);
    mbuf.nb_segs = 1;
    files.write(&mbuf, 0, ns, options_);
  }

  static std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::vector<fs::path> there() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  /// The numbers of the packets in a file.
  static std::vector<std::uint32_t> numbers(const fs::path& path) {
    std::vector<std::uint32_t> all;
    for (const PcapngBlock& packet : PcapngReader(read(path)).packets()) {
      all.push_back(word_at(packet_bytes(packet), 0));
    }
    return all;
  }
  static std::vector<std::uint32_t> counted(std::uint32_t from, std::uint32_t n) {
    std::vector<std::uint32_t> all(n);
    std::iota(all.begin(), all.end(), from);
    return all;
  }

  const std::string options_ = packet_options(false, 0, "");
  fs::path folder_;
  BlockIo io_;
  Counters ledger_;
};

TEST_F(PcapngFilesTest, AFileIsWholeFromTheFirstToTheLastBlock) {
  PcapngFiles files = make(settings());
  write(files, 1);
  files.close(2 * kSecond);
  const PcapngReader file(read(settings().file));
  ASSERT_EQ(file.all().size(), 4U);
  EXPECT_EQ(file.all()[0].type, 0x0A0D0D0AU);
  EXPECT_EQ(file.all()[1].type, 1U);
  EXPECT_EQ(file.all()[2].type, 6U);
  EXPECT_EQ(file.all()[3].type, 5U);
  EXPECT_EQ(word_at(file.all()[2].body, 8), kSecond);
  EXPECT_EQ(files.written(), 1U);
  EXPECT_EQ(files.lost(), 0U);
  EXPECT_EQ(files.bytes(), fs::file_size(settings().file));
  EXPECT_EQ(fs::status(settings().file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

// 100 MB in blocks of 1 MiB: each boundary falls elsewhere in a packet.
TEST_F(PcapngFilesTest, BlocksOfTheFileAndPacketsNeedNotEndTogether) {
  constexpr std::uint32_t kPackets = 60'000;
  PcapngFiles files = make(settings());
  for (std::uint32_t i = 0; i < kPackets; ++i) {
    write(files, i, 64 + i % 1451);
  }
  files.close(2 * kSecond);
  EXPECT_EQ(numbers(settings().file), counted(0, kPackets));
  EXPECT_EQ(files.written(), kPackets);
  const auto capture = static_cast<std::size_t>(CopyReason::kCapture);
  EXPECT_EQ(ledger_.copied_packets[capture].get(), kPackets);
  EXPECT_GT(ledger_.copied_bytes[capture].get(), 60'000'000 / 2);
}

TEST_F(PcapngFilesTest, BlocksAreWrittenOneAfterAnotherWithoutUring) {
  rlimit files_before{};
  getrlimit(RLIMIT_NOFILE, &files_before);
  const rlimit none{.rlim_cur = 0, .rlim_max = files_before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  BlockIo io;
  setrlimit(RLIMIT_NOFILE, &files_before);
  ASSERT_FALSE(io.without_uring().empty()) << "no descriptor, no ring";
  PcapngFiles files(
      settings(), io, ledger_, [](std::uint64_t) { return std::vector<PcapngStatistics>(); }, kSecond);
  for (std::uint32_t i = 0; i < 30'000; ++i) {
    write(files, i);
  }
  files.close(kSecond);
  EXPECT_EQ(numbers(settings().file), counted(0, 30'000));
  EXPECT_EQ(files.written(), 30'000U);
}

TEST_F(PcapngFilesTest, SegmentsAreJoinedAndSnapCutsThem) {
  CaptureSettings cut = settings();
  cut.snap = 70;
  PcapngFiles files = make(cut);
  std::string first(60, 'a');
  std::string second(40, 'b');
  rte_mbuf tail{};
  tail.buf_addr = second.data();
  tail.data_len = 40;
  rte_mbuf head{};
  head.buf_addr = first.data();
  head.data_len = 60;
  head.pkt_len = 100;
  head.nb_segs = 2;
  head.next = &tail;
  files.write(&head, 0, kSecond, options_);
  files.close(kSecond);
  const PcapngBlock packet = PcapngReader(read(cut.file)).packets().at(0);
  EXPECT_EQ(packet_bytes(packet), first + std::string(10, 'b'));
  EXPECT_EQ(packet_length(packet), 100U);
  EXPECT_EQ(ledger_.copied_packets[1].get(), 1U) << "a packet of two segments is one packet";
  EXPECT_EQ(ledger_.copied_bytes[1].get(), 70U);
}

TEST_F(PcapngFilesTest, WhatWaitsIsInTheFileAfterASecond) {
  PcapngFiles files = make(settings());
  write(files, 1);
  EXPECT_EQ(files.written(), 0U);
  files.tend();
  EXPECT_EQ(files.written(), 1U);
  EXPECT_EQ(numbers(settings().file), counted(1, 1));  // as a process that is killed now leaves it
  write(files, 2);
  files.tend();
  write(files, 3);
  files.close(kSecond);
  EXPECT_EQ(numbers(settings().file), counted(1, 3));
}

TEST_F(PcapngFilesTest, RotatesBySize) {
  CaptureSettings rotating = settings();
  rotating.rotate_bytes = 65536;
  PcapngFiles files = make(rotating);
  for (std::uint32_t i = 0; i < 2000; ++i) {
    write(files, i);
  }
  files.close(kSecond);
  std::vector<std::uint32_t> all;
  const std::regex name("out_0000[1-5]_[0-9]{14}\\.pcapng");
  for (const fs::path& path : there()) {
    EXPECT_TRUE(std::regex_match(path.filename().string(), name)) << path;
    EXPECT_LE(fs::file_size(path), 65536U);
    const auto part = numbers(path);
    all.insert(all.end(), part.begin(), part.end());
    EXPECT_EQ(PcapngReader(read(path)).all().back().type, 5U);
  }
  EXPECT_EQ(all, counted(0, 2000));
  EXPECT_EQ(files.files(), there().size());
  EXPECT_EQ(files.files(), 4U);
}

TEST_F(PcapngFilesTest, RotatesByTimeAndKeepsAsManyAsAsked) {
  CaptureSettings rotating = settings();
  rotating.rotate_seconds = 10;
  rotating.rotate_files = 2;
  PcapngFiles files = make(rotating);
  for (std::uint32_t i = 0; i < 5; ++i) {
    write(files, i, 60, kSecond + 9 * i * kSecond);  // at 1, 10, 19, 28, 37 s: the second file begins at 19
  }
  files.close(kSecond);
  ASSERT_EQ(there().size(), 2U);
  EXPECT_EQ(numbers(there()[0]), counted(2, 2));
  EXPECT_EQ(numbers(there()[1]), counted(4, 1));
  EXPECT_EQ(files.files(), 3U);
  EXPECT_EQ(files.written(), 5U);
}

TEST(PcapngFiles, RotatedNamesAreAsDumpcapsAre) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(rotated_name("out.pcapng", 1, 1795356900), "out_00001_20261122141500.pcapng");
  EXPECT_EQ(rotated_name("a.b.pcapng", 12345, 0), "a.b_12345_19700101000000.pcapng");
  EXPECT_EQ(rotated_name("out", 2, 0), "out_00002_19700101000000");
}

TEST_F(PcapngFilesTest, TellsWhereItCannotWrite) {
  for (const auto& [file, said] : {std::pair{"no/folder/out.pcapng", "No such file or directory; expected the name of"},
                                   {"/dev/null", "it is no regular file"}}) {
    CaptureSettings wrong = settings();
    wrong.file = file;
    try {
      make(wrong);
      FAIL() << file;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("capture 'web'"), std::string::npos) << error.what();
    }
  }
}

/// A file system of its own, too small for what is written.
class SmallDisk : public PcapngFilesTest {
 protected:
  bool mount_small(const char* options) { return mount("small", folder_.c_str(), "tmpfs", 0, options) == 0; }
  ~SmallDisk() override { umount(folder_.c_str()); }
};

TEST_F(SmallDisk, AFullDiskEndsTheCaptureBehindAWholePacket) {
  if (!mount_small("size=3500k")) {
    GTEST_SKIP() << "cannot mount a tmpfs";
  }
  constexpr std::uint32_t kPackets = 100'000;
  PcapngFiles files = make(settings());
  for (std::uint32_t i = 0; i < kPackets; ++i) {
    write(files, i);
  }
  files.close(kSecond);
  EXPECT_NE(files.error().find("No space left on device"), std::string::npos) << files.error();
  const auto in_file = numbers(settings().file);
  EXPECT_EQ(in_file, counted(0, static_cast<std::uint32_t>(in_file.size())));
  EXPECT_EQ(files.written(), in_file.size());
  EXPECT_EQ(files.written() + files.lost(), kPackets);
  EXPECT_GT(files.written(), 20'000U);
}

}  // namespace
}  // namespace ringway
