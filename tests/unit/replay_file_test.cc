#include "runtime/replay_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/errors.h"

namespace ringway {
namespace {

constexpr std::size_t kPage = 4096;

class ReplayFiles : public testing::Test {
 protected:
  ReplayFiles() { std::ofstream(path_) << std::string(3 * kPage + 100, 'x'); }
  ~ReplayFiles() override { std::filesystem::remove(path_); }

  static char at(const ReplayFile& file, std::size_t place) {
    return static_cast<char>(*const_cast<const volatile std::byte*>(file.bytes().data() + place));
  }

  std::string path_ = testing::TempDir() + "ringway-capture-" + std::to_string(getpid());
};

TEST_F(ReplayFiles, WhatIsLostReadsAsZerosAndIsTold) {
  ReplayFile file(path_);
  ASSERT_EQ(file.bytes().size(), 3 * kPage + 100);
  EXPECT_EQ(at(file, 3 * kPage + 99), 'x');
  std::filesystem::resize_file(path_, kPage + 10);
  EXPECT_EQ(at(file, kPage + 9), 'x');
  EXPECT_FALSE(file.state().cut);
  EXPECT_EQ(at(file, 2 * kPage), '\0');
  EXPECT_TRUE(file.state().cut);
  EXPECT_EQ(at(file, 3 * kPage + 99), '\0');
  EXPECT_EQ(at(file, kPage + 9), 'x') << "what is still there stays";
  EXPECT_EQ(file.size_now(), kPage + 10);
}

TEST_F(ReplayFiles, AnotherFilesLossIsNotTakenForItsOwn) {
  const std::string other_path = path_ + "-other";
  std::filesystem::copy_file(path_, other_path);
  ReplayFile one(path_);
  ReplayFile other(other_path);
  std::filesystem::resize_file(other_path, 0);
  EXPECT_EQ(at(other, 0), '\0');
  EXPECT_TRUE(other.state().cut);
  EXPECT_FALSE(one.state().cut);
  std::filesystem::remove(other_path);
}

/// Reads a file under a mapping that is none of ours, after it was cut.
void read_what_is_lost(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY);
  const void* const data = mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0);
  std::filesystem::resize_file(path, 0);
  static_cast<void>(*static_cast<const volatile char*>(data));
}

TEST_F(ReplayFiles, OthersBusErrorsStayTheirs) {
#if defined(__SANITIZE_ADDRESS__)
  static_cast<void>(read_what_is_lost);
  GTEST_SKIP() << "AddressSanitizer's own handler ends the process in another way";
#endif
  const ReplayFile file(path_);
  const std::string other_path = path_ + "-other";
  std::filesystem::copy_file(path_, other_path);
  EXPECT_EXIT(read_what_is_lost(other_path), testing::KilledBySignal(SIGBUS), "");
  EXPECT_EXIT(std::raise(SIGBUS), testing::KilledBySignal(SIGBUS), "");
  std::filesystem::remove(other_path);
}

TEST_F(ReplayFiles, LetsGoOfWhatComesBackAtNeed) {
  const ReplayFile file(path_);
  file.read(0, 3 * kPage + 100);
  file.let_go(0, 2 * kPage);
  EXPECT_EQ(at(file, 0), 'x');
  EXPECT_EQ(at(file, 3 * kPage), 'x');
}

TEST_F(ReplayFiles, RefusesWhatCannotBeMapped) {
  const auto refusal = [](const std::string& path) {
    try {
      const ReplayFile file(path);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  std::filesystem::resize_file(path_, 0);
  EXPECT_EQ(refusal(path_), "capture " + path_ + ": is empty; expected a capture");
  EXPECT_EQ(refusal("/dev/null"), "capture /dev/null: is no regular file; expected one, to be mapped");
  EXPECT_EQ(refusal("/nowhere"), "capture /nowhere: No such file or directory");
}

}  // namespace
}  // namespace ringway
