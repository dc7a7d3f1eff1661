#include "runtime/replay_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "config/replay.h"
#include "core/errors.h"
#include "traffic/capture_reader.h"

namespace ringway {
namespace {

/// A mapping as the signal handler knows it.
struct Mapped {
  std::atomic<const std::byte*> data{nullptr};  // null: none
  std::atomic<std::uint64_t> size{0};
  std::atomic<ReplayFileState*> state{nullptr};
};
std::array<Mapped, kMostPorts + 1> mappings;  // one more for a look at a file before it is replayed
struct sigaction before_us {};

std::uint64_t page_size() noexcept {
  static const auto kSize = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return kSize;
}

std::uint64_t page_below(std::uint64_t at) noexcept {
  return at / page_size() * page_size();
}

/// Puts zeros in place of what is lost from this page on; false: no mapping of ours, or no memory.
bool patch(const void* address) noexcept {
  const auto* const at = static_cast<const std::byte*>(address);
  for (const Mapped& mapping : mappings) {
    const std::byte* const data = mapping.data.load(std::memory_order_acquire);
    const std::uint64_t size = mapping.size.load(std::memory_order_relaxed);
    // The last page reaches beyond the file's end.
    if (data == nullptr || at < data || at >= data + page_below(size + page_size() - 1)) {
      continue;
    }
    const std::uint64_t lost = page_below(static_cast<std::uint64_t>(at - data));
    void* const from = const_cast<std::byte*>(data + lost);
    mapping.state.load(std::memory_order_relaxed)->cut.store(true, std::memory_order_release);
    return mmap(from, size - lost, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == from;
  }
  return false;
}

/// To whoever handled them before; without one the access is tried again and ends the process, as it would have.
void pass_on(int signal, siginfo_t* info, void* context) {
  const bool handled = before_us.sa_handler != SIG_DFL && before_us.sa_handler != SIG_IGN;
  if (handled && (before_us.sa_flags & SA_SIGINFO) != 0) {
    before_us.sa_sigaction(signal, info, context);
  } else if (handled) {
    before_us.sa_handler(signal);
  } else {
    std::signal(signal, SIG_DFL);
    if (info->si_code <= 0) {  // sent by somebody: there is no access
      std::raise(signal);
    }
  }
}

/// System calls alone: it may interrupt whatever reads packets.
extern "C" void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  if (info->si_code != BUS_ADRERR || !patch(info->si_addr)) {
    pass_on(signal, info, context);
  }
  errno = error;
}

void handle_bus_errors() {
  static const bool kHandled = [] {
    page_size();  // asked for here, not in the handler
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGBUS, nullptr, &before_us);  // known before the handler that needs it is there
    return sigaction(SIGBUS, &action, nullptr) == 0;
  }();
  static_cast<void>(kHandled);
}

[[noreturn]] void fail(const std::string& path, const std::string& what, ExitStatus status) {
  throw Error(status, "capture " + path + ": " + what);
}

[[noreturn]] void fail(const std::string& path, int error) {
  const bool denied = error == EACCES || error == EPERM;
  fail(path, std::strerror(error), denied ? ExitStatus::kPermission : ExitStatus::kResourceMissing);
}

}  // namespace

ReplayFile::ReplayFile(const std::string& path)
    : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat facts {};
  if (fd_ < 0) {
    fail(path, errno);
  }
  if (fstat(fd_, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size == 0) {
    close(fd_);
    fail(path,
         S_ISREG(facts.st_mode) ? "is empty; expected a capture" : "is no regular file; expected one, to be mapped",
         ExitStatus::kResourceMissing);
  }
  size_ = static_cast<std::uint64_t>(facts.st_size);
  void* const data = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_, 0);
  if (data == MAP_FAILED) {
    const int error = errno;
    close(fd_);
    fail(path, error);
  }
  flock(fd_, LOCK_SH | LOCK_NB);  // as far as it can be had: no capture is to begin in its place
  data_ = static_cast<const std::byte*>(data);
  madvise(data, size_, MADV_SEQUENTIAL);
  handle_bus_errors();
  const auto slot = std::find_if(mappings.begin(), mappings.end(),
                                 [](const Mapped& mapping) { return mapping.data.load() == nullptr; });
  slot->size = size_;
  slot->state = &state_;
  slot->data = data_;
}

ReplayFile::~ReplayFile() {
  const auto slot = std::find_if(mappings.begin(), mappings.end(),
                                 [this](const Mapped& mapping) { return mapping.data.load() == data_; });
  slot->data = nullptr;
  munmap(const_cast<std::byte*>(data_), size_);
  close(fd_);
}

std::uint64_t ReplayFile::size_now() const noexcept {
  struct stat facts {};
  return fstat(fd_, &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

// Linux 5.14 on; before, reading is only begun here, and an lcore may have to wait for its end.
void ReplayFile::read(std::uint64_t from, std::uint64_t bytes) const noexcept {
  const std::uint64_t first = page_below(from);
  void* const at = const_cast<std::byte*>(data_ + first);
  if (madvise(at, from + bytes - first, MADV_POPULATE_READ) != 0 && errno == EINVAL) {
    madvise(at, from + bytes - first, MADV_WILLNEED);
  }
}

void ReplayFile::let_go(std::uint64_t from, std::uint64_t bytes) const noexcept {
  const std::uint64_t first = page_below(from);
  madvise(const_cast<std::byte*>(data_ + first), page_below(from + bytes) - first, MADV_DONTNEED);
}

void require_capture(const std::string& path) {
  const ReplayFile file(path);
  if (const CaptureFault fault = CaptureReader(file.bytes()).fault(); fault != CaptureFault::kNone) {
    fail(path, text_of(fault), ExitStatus::kResourceMissing);
  }
}

void check_captures(const Config& config, Diagnostics& problems) {
  for (const PortConfig& port : config.ports) {
    if (!is_replay_device(port.device.value)) {
      continue;
    }
    const std::string path = "ports." + port.name + ".device";
    const std::string file = replay_of(port.device.value).file;
    try {
      if (access(file.c_str(), F_OK) != 0) {
        problems.warn(port.device.at, path, "capture " + file + " is not there; expected it when the replay begins");
      } else {
        require_capture(file);
      }
    } catch (const Error& error) {
      if (error.status() == ExitStatus::kPermission) {
        problems.denied(port.device.at, path, error.what());
      } else {
        problems.missing(port.device.at, path, error.what());
      }
    }
  }
}

}  // namespace ringway
