#include "dpdk/held_output.h"

#include <fcntl.h>
#include <rte_log.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <string_view>
#include <vector>

#include "core/errors.h"
#include "core/text.h"

namespace ringway {
namespace {

/// Appends to the memory file, and gives back the memory of what is too old to be of use. One caller at a time: the
/// stream's lock sees to that.
ssize_t append(void* cookie, const char* text, std::size_t size) noexcept {
  constexpr long kMost = HeldOutput::kMostHeld;
  const int file = *static_cast<const int*>(cookie);
  const ssize_t taken = write(file, text, size);
  const long end = lseek(file, 0, SEEK_END);
  if (taken > 0 && end > kMost && end / kMost != (end - taken) / kMost) {
    fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end - kMost);
  }
  return taken > 0 ? taken : 0;
}

/// Whether EAL says the line only when something is wrong, and says it first there: it repeats its last words as FATAL.
bool tells_of_failure(std::string_view line) {
  constexpr std::array<std::string_view, 4> kAlways = {"EAL: Detected ", "EAL: Multi-process socket ",
                                                       "EAL: Selected IOVA mode ", "EAL: FATAL: "};
  return std::none_of(kAlways.begin(), kAlways.end(), [&](std::string_view start) { return line.starts_with(start); });
}

}  // namespace

HeldOutput::HeldOutput() : file_(memfd_create("ringway-log", MFD_CLOEXEC)), log_(nullptr, &std::fclose) {
  if (file_ >= 0 && fcntl(file_, F_SETFL, O_APPEND) == 0) {
    log_.reset(fopencookie(&file_, "a", {.read = nullptr, .write = append, .seek = nullptr, .close = nullptr}));
  }
  if (!log_) {
    throw Error(ExitStatus::kFailed, std::string("memfd_create for the log: ") + std::strerror(errno));
  }
}

HeldOutput::~HeldOutput() {
  release_streams();
  if (!show_) {
    rte_openlog_stream(stderr);
  }
  log_.reset();
  close(file_);
}

void HeldOutput::hold_streams() {
  if (show_ || saved_out_ >= 0) {
    return;
  }
  std::fflush(nullptr);
  saved_out_ = dup(STDOUT_FILENO);
  saved_err_ = dup(STDERR_FILENO);
  dup2(file_, STDOUT_FILENO);
  dup2(file_, STDERR_FILENO);
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
    rte_openlog_stream(log_.get());
  }
}

void HeldOutput::forget() {
  std::fflush(nullptr);
  [[maybe_unused]] const int result = ftruncate(file_, 0);  // does not fail on a file in memory
}

std::string HeldOutput::held() {
  std::fflush(nullptr);
  const long end = lseek(file_, 0, SEEK_END);
  const long from = std::max(0L, end - kMostHeld);
  std::string text(static_cast<std::size_t>(end - from), '\0');
  const ssize_t got = pread(file_, text.data(), text.size(), from);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (from > 0) {
    text.erase(0, text.find('\n') + 1);  // its first line may be a part of one
  }
  std::vector<std::string> kept;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Usage:") || line.starts_with("EAL common options")) {
      break;
    }
    if (!line.empty() && (most_lines_ == 0 || tells_of_failure(line))) {
      kept.push_back(line + '\n');
    }
  }
  if (most_lines_ != 0 && kept.size() > most_lines_) {
    kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(most_lines_));
  }
  return joined(kept, "");
}

}  // namespace ringway
