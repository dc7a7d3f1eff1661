#include "runtime/write_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/errors.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

class WriteFile : public testing::Test {
 protected:
  WriteFile() { fs::create_directory(folder_); }
  ~WriteFile() override { fs::remove_all(folder_); }

  std::string path(const char* name) const { return (folder_ / name).string(); }

  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const fs::path folder_ = fs::temp_directory_path() / ("ringway_write_" + std::to_string(getpid()));
};

TEST_F(WriteFile, TakesThePlaceOfTheOldFile) {
  ResultFile(path("r.json")).write("one and more");
  ResultFile(path("r.json")).write("two");
  EXPECT_EQ(content(path("r.json")), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(WriteFile, LeavesNothingOfAFileThatIsNeverWritten) {
  { const ResultFile never(path("r.json")); }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(WriteFile, WritesToAPipeByItsDescriptor) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ResultFile("/proc/self/fd/" + std::to_string(ends[1])).write("x");
  char got = 0;
  EXPECT_EQ(read(ends[0], &got, 1), 1);
  EXPECT_EQ(got, 'x');
  close(ends[0]);
  close(ends[1]);
}

TEST_F(WriteFile, WritesInPlaceWhereItMayNotReplace) {
  ResultFile(path("r.json")).write("one and more");
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  ResultFile in_place(path("r.json"));
  EXPECT_EQ(content(path("r.json")), "one and more");
  in_place.write("two");
  EXPECT_EQ(content(path("r.json")), "two");
  fs::permissions(folder_, fs::perms::owner_all);
}

TEST_F(WriteFile, FollowsASymbolicLink) {
  ResultFile(path("r.json")).write("one");
  fs::create_symlink("r.json", folder_ / "link");
  ResultFile(path("link")).write("two");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(content(path("r.json")), "two");
}

TEST_F(WriteFile, NamesTheCallThatFailed) {
  for (const auto& [name, cause] :
       {std::pair{path("no/r.json"),
                  "No such file or directory; expected the name of a file in a folder that is there"},
        std::pair{std::string("/dev/full"), "No space left on device"}}) {
    try {
      ResultFile(name).write("x");
      ADD_FAILURE() << name << " was written";
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), "cannot write " + name + ": " + cause);
    }
  }
}

TEST_F(WriteFile, WritesToADeviceAsItIs) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  ResultFile(ptsname(terminal)).write("x");
  char got = 0;
  EXPECT_EQ(read(terminal, &got, 1), 1);
  EXPECT_EQ(got, 'x');
  close(terminal);
}

// A pipe holds 64 KiB, so its writer waits; a signal then makes the kernel end the call with what it took so far, or
// with EINTR where that is nothing.
TEST_F(WriteFile, WritesAllThoughSignalsInterruptIt) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};  // and no SA_RESTART
  sigaction(SIGUSR2, &action, &before);
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::string sent(1 << 18, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) {
    sent[i] = static_cast<char>(i % 251);
  }
  std::string got;
  const pthread_t writer = pthread_self();
  std::thread reader([&, name = path("pipe")] {
    usleep(20'000);
    pthread_kill(writer, SIGUSR2);  // while it waits for a reader
    const int fd = open(name.c_str(), O_RDONLY);
    char part[5000];
    for (ssize_t n = 1; n > 0;) {
      usleep(500);
      pthread_kill(writer, SIGUSR2);
      n = read(fd, part, sizeof part);
      got.append(part, static_cast<std::size_t>(n > 0 ? n : 0));
    }
    close(fd);
  });
  ResultFile(path("pipe")).write(sent);
  reader.join();
  sigaction(SIGUSR2, &before, nullptr);
  EXPECT_TRUE(got == sent) << got.size() << " bytes of " << sent.size();
}

}  // namespace
}  // namespace ringway
