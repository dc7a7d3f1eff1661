#include "ladder/file_pattern.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/errors.h"
#include "ladder/pattern.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

Descriptor nameless_file(const std::filesystem::path& folder) {
  std::string name = folder / "ringway-ladder-XXXXXX";
  const int file = mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) {
    throw CannotRun(failure_of("a file in '" + folder.string() + "'") + "; --folder names another folder");
  }
  unlink(name.c_str());
  return {file, "mkostemp"};
}

Descriptor written_file(const std::filesystem::path& folder, std::uint64_t bytes) {
  Descriptor file = nameless_file(folder);
  std::vector<std::byte> part(std::uint64_t{1} << 20U);
  for (std::uint64_t at = 0; at < bytes;) {
    fill_pattern(part, at);
    const ssize_t written =
        pwrite(file.get(), part.data(), std::min(bytes - at, std::uint64_t{part.size()}), static_cast<off_t>(at));
    if (written < 0 || written % static_cast<ssize_t>(sizeof(std::uint64_t)) != 0) {
      throw CannotRun(failure_of("a file of " + std::to_string(bytes >> 20U) + " MiB in '" + folder.string() + "'") +
                      "; --folder names another folder, --size makes it smaller");
    }
    sync_file_range(file.get(), static_cast<off64_t>(at), written, SYNC_FILE_RANGE_WRITE);  // beside what follows
    at += static_cast<std::uint64_t>(written);
  }
  check_call(fdatasync(file.get()), "fdatasync");
  return file;
}

// What cachestat(2) of Linux 6.5 fills in; Debian 12's headers do not have it yet.
constexpr long kCachestat = 451;
struct CachestatRange {
  std::uint64_t offset;
  std::uint64_t bytes;  // 0: to the end
};
struct Cachestat {
  std::uint64_t cached;  // pages, and so on
  std::uint64_t dirty;
  std::uint64_t writeback;
  std::uint64_t evicted;
  std::uint64_t recently_evicted;
};

}  // namespace

PatternFile::PatternFile(const std::filesystem::path& folder, std::uint64_t bytes)
    : bytes_(bytes), folder_(folder), fd_(written_file(folder, bytes)), pages_(bytes, MAP_SHARED, fd_.get()) {}

std::span<std::byte> PatternFile::pages_to_fault_in() const noexcept {
  madvise(pages().data(), bytes(), MADV_DONTNEED);
  return pages();
}

ssize_t PatternFile::taken(ssize_t returned, const char* call) const {
  if (returned > 0) {
    return returned;
  }
  const int error = returned < 0 ? errno : 0;
  struct stat now {};
  check_call(fstat(fd(), &now), "fstat");
  const bool cut = error == 0 || (error == EFAULT && static_cast<std::uint64_t>(now.st_size) < bytes_);
  if (cut) {  // a mapped page behind the end is a bad address
    throw Error(ExitStatus::kFailed, std::string(call) + ": the file ends at byte " + std::to_string(now.st_size) +
                                         ": it was cut while it was sent");
  }
  throw std::system_error(error, std::generic_category(), call);
}

Descriptor PatternFile::reopened(int flags) const {
  const int again = open(("/proc/self/fd/" + std::to_string(fd())).c_str(), flags | O_CLOEXEC);
  if (again < 0) {
    throw CannotRun(failure_of("opening a file in '" + folder_.string() + "' that way") +
                    "; its file system has no direct I/O: --folder names a folder on a disk");
  }
  return {again, "open"};
}

void PatternFile::drop_from_cache() const {
  pages_to_fault_in();  // what is mapped stays
  posix_fadvise(fd(), 0, 0, POSIX_FADV_DONTNEED);
}

std::uint64_t PatternFile::cached_bytes() const {
  CachestatRange whole{.offset = 0, .bytes = 0};
  Cachestat stat{};
  if (syscall(kCachestat, fd(), &whole, &stat, 0) == 0) {
    return stat.cached * kPage;
  }
  std::vector<unsigned char> there(bytes_ / kPage);
  check_call(mincore(pages().data(), bytes_, there.data()), "mincore");
  return kPage * static_cast<std::uint64_t>(
                     std::count_if(there.begin(), there.end(), [](unsigned char page) { return (page & 1U) != 0; }));
}

}  // namespace ringway
