#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/parse.h"

namespace ringway {
namespace {

/// A folder of its own for each test, gone with it.
class ReadConfig : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "read_config.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

  /// What is told about a path, without its name.
  static std::string told(const std::string& path) {
    Diagnostics problems;
    EXPECT_EQ(read_config(path, problems), "");
    EXPECT_EQ(problems.exit_status(), ExitStatus::kConfigInvalid);
    return problems.text("");
  }

  std::filesystem::path folder_;
};

TEST_F(ReadConfig, ReadsAFile) {
  for (const std::size_t size : {0UL, 1UL, 4096UL, 5000UL, 64UL * 1024}) {
    const std::string text(size, 'x');
    Diagnostics problems;
    EXPECT_EQ(read_config(write("file", text), problems), text) << size;
    EXPECT_EQ(problems.text(""), "");
  }
}

TEST_F(ReadConfig, FollowsALink) {
  std::filesystem::create_symlink(write("file", "text"), path("link"));
  Diagnostics problems;
  EXPECT_EQ(read_config(path("link"), problems), "text");
}

TEST_F(ReadConfig, RefusesALargeFile) {
  EXPECT_EQ(told(write("large", std::string(64UL * 1024 + 1, ' '))),
            ": is larger than 64 KiB; expected a configuration\n");
}

TEST_F(ReadConfig, RefusesWhatIsNoFile) {
  EXPECT_EQ(told(folder_.string()), ": is a folder; expected a regular file\n");
  EXPECT_EQ(told("/dev/zero"), ": is a device; expected a regular file\n");
  EXPECT_EQ(told("/dev/null"), ": is a device; expected a regular file\n");
}

TEST_F(ReadConfig, DoesNotWaitForAFifo) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(told(path("fifo")), ": is a FIFO; expected a regular file\n");
}

TEST_F(ReadConfig, RefusesASocket) {
  const int number = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_GE(number, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path("socket").copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int bound = ::bind(number, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::close(number);
  ASSERT_EQ(bound, 0);
  EXPECT_EQ(told(path("socket")), ": is a socket; expected a regular file\n");
}

TEST_F(ReadConfig, TellsAMissingFile) {
  const std::string missing = ": cannot be opened: No such file or directory; expected a readable file\n";
  EXPECT_EQ(told(path("none")), missing);
  EXPECT_EQ(told(""), missing);
}

TEST_F(ReadConfig, TellsAForbiddenFile) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root may read everything";
  }
  const std::string file = write("secret", "text");
  ASSERT_EQ(::chmod(file.c_str(), 0), 0);
  EXPECT_EQ(told(file), ": cannot be opened: Permission denied; expected a readable file\n");
}

}  // namespace
}  // namespace ringway
