#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "config/document.h"
#include "config/parse.h"

namespace ringway {
namespace {

/// A file descriptor that closes itself.
class File {
 public:
  /// Opens without waiting for the other end of a FIFO and without taking a terminal.
  explicit File(const std::string& path)
      : number_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {}
  ~File() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  File(File&&) = delete;
  File& operator=(File&&) = delete;

  int number() const noexcept { return number_; }

 private:
  int number_;
};

/// What a path names when it is no regular file, or nothing.
std::string_view other_than_file(const struct stat& facts) {
  switch (facts.st_mode & S_IFMT) {
    case S_IFREG:
      return {};
    case S_IFDIR:
      return "a folder";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
    case S_IFBLK:
      return "a device";
    default:
      return "no file";
  }
}

std::string cannot_be(const std::string& done, int cause) {
  return "cannot be " + done + ": " + std::generic_category().message(cause) + "; expected a readable file";
}

/// What keeps an opened path from being read, or nothing.
std::string obstacle(const File& file, const std::string& path, int open_error) {
  struct stat facts {};
  // A socket cannot be opened, but the reason is worth more than errno's "No such device or address".
  const bool is_known = file.number() >= 0 ? ::fstat(file.number(), &facts) == 0 : ::stat(path.c_str(), &facts) == 0;
  if (is_known && !other_than_file(facts).empty()) {
    return "is " + std::string(other_than_file(facts)) + "; expected a regular file";
  }
  return file.number() < 0 ? cannot_be("opened", open_error) : std::string{};
}

/// Appends the file's bytes, one more than allowed at most; errno's value, or 0.
int read_all(const File& file, std::string& text) {
  std::array<char, 4096> block{};
  while (text.size() <= kLongestText) {
    const ssize_t got = ::read(file.number(), block.data(), block.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return got < 0 ? errno : 0;
    }
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return 0;
}

}  // namespace

std::string read_config(const std::string& path, Diagnostics& problems) {
  const File file(path);
  const int open_error = errno;
  std::string text;
  std::string fault = obstacle(file, path, open_error);
  if (fault.empty()) {
    if (const int error = read_all(file, text); error != 0) {
      fault = cannot_be("read", error);
    } else if (text.size() > kLongestText) {
      fault = "is larger than 64 KiB; expected a configuration";
    }
  }
  if (!fault.empty()) {
    problems.invalid({}, "", fault);
    return {};
  }
  return text;
}

}  // namespace ringway
