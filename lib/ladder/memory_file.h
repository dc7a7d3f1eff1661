#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "ladder/descriptor.h"

namespace ringway {

/// A file with that text which is in no folder: what a program is to read, or is to write its words to.
inline Descriptor memory_file(const std::string& text) {
  Descriptor file(memfd_create("ladder", MFD_CLOEXEC), "memfd_create");
  check_call(pwrite(file.get(), text.data(), text.size(), 0), "pwrite");
  return file;
}

/// By which this process and those that it starts can open what the descriptor has open.
inline std::string path_of(const Descriptor& file) {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file.get());
}

/// All that is in the file.
inline std::string text_of(const Descriptor& file) {
  std::ostringstream text;
  text << std::ifstream(path_of(file)).rdbuf();
  return text.str();
}

}  // namespace ringway
