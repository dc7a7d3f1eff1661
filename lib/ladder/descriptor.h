#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace ringway {

/// `sendfile: Connection reset by peer`.
inline std::string failure_of(const std::string& call, int error = errno) {
  return call + ": " + std::generic_category().message(error);
}

/// What a system call returned. Throws std::system_error that names the call where it is negative.
template <class Number>
Number check_call(Number result, std::string_view call) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), std::string(call));
  }
  return result;
}

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  /// Takes what a system call returned. Throws std::system_error that names it where that is negative.
  Descriptor(int fd, const char* call) : fd_(check_call(fd, call)) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

/// What is written into `in` comes out of `out`. Throws std::system_error.
struct Pipe {
  Pipe() {
    int ends[2];
    check_call(pipe2(ends, O_CLOEXEC), "pipe2");
    out = Descriptor(ends[0], "pipe2");
    in = Descriptor(ends[1], "pipe2");
  }

  Descriptor out;
  Descriptor in;
};

}  // namespace ringway
