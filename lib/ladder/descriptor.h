#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace ringway {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  /// Takes what a system call returned. Throws std::system_error that names it where that is negative.
  Descriptor(int fd, const char* call) : fd_(fd) {
    if (fd < 0) {
      throw std::system_error(errno, std::generic_category(), call);
    }
  }
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

/// Throws std::system_error that names the call, where its result is negative.
inline void check_call(long result, const std::string& call) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), call);
  }
}

}  // namespace ringway
