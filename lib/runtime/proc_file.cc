#include "runtime/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace ringway {

ProcFile::ProcFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

ProcFile::ProcFile(ProcFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ProcFile::~ProcFile() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

std::string ProcFile::text() const {
  std::string text;
  char part[4096];
  for (ssize_t got = 0; (got = pread(fd_, part, sizeof part, static_cast<off_t>(text.size()))) > 0;) {
    text.append(part, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace ringway
