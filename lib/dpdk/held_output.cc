#include "dpdk/held_output.h"

#include <rte_log.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "core/errors.h"

namespace ringway {

HeldOutput::HeldOutput() : file_(nullptr, &std::fclose) {
  const int fd = memfd_create("ringway-log", MFD_CLOEXEC);
  if (fd >= 0) {
    file_.reset(fdopen(fd, "a+"));
  }
  if (!file_) {
    throw Error(ExitStatus::kFailed, std::string("memfd_create for the log: ") + std::strerror(errno));
  }
}

HeldOutput::~HeldOutput() {
  release_streams();
  if (!show_) {
    rte_openlog_stream(stderr);
  }
}

void HeldOutput::hold_streams() {
  if (show_ || saved_out_ >= 0) {
    return;
  }
  std::fflush(nullptr);
  saved_out_ = dup(STDOUT_FILENO);
  saved_err_ = dup(STDERR_FILENO);
  dup2(fileno(file_.get()), STDOUT_FILENO);
  dup2(fileno(file_.get()), STDERR_FILENO);
}

void HeldOutput::release_streams() {
  if (saved_out_ < 0) {
    return;
  }
  std::fflush(nullptr);
  dup2(saved_out_, STDOUT_FILENO);
  dup2(saved_err_, STDERR_FILENO);
  close(saved_out_);
  close(saved_err_);
  saved_out_ = saved_err_ = -1;
}

void HeldOutput::take_log() {
  if (!show_) {
    rte_openlog_stream(file_.get());
  }
}

void HeldOutput::forget() {
  std::fflush(nullptr);
  from_ = lseek(fileno(file_.get()), 0, SEEK_END);
}

std::string HeldOutput::held() {
  std::fflush(nullptr);
  const long end = lseek(fileno(file_.get()), 0, SEEK_END);
  std::string text(static_cast<std::size_t>(end > from_ ? end - from_ : 0), '\0');
  const ssize_t got = pread(fileno(file_.get()), text.data(), text.size(), from_);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  std::string kept;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Usage:") || line.starts_with("EAL common options")) {
      break;
    }
    if (!line.empty()) {
      kept += line + '\n';
    }
  }
  return kept;
}

}  // namespace ringway
