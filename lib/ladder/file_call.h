#pragma once

#include <string>

#include "ladder/descriptor.h"

namespace ringway {

/// `sendfile: Connection reset by peer`.
inline std::string failure_of(const std::string& call, int error = errno) {
  return call + ": " + std::generic_category().message(error);
}

/// What a system call returned. Throws std::system_error that names the call where it is negative.
template <class Number>
Number checked(Number returned, const char* call) {
  if (returned < 0) {
    throw std::system_error(errno, std::generic_category(), call);
  }
  return returned;
}

}  // namespace ringway
