#include "fbuf/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/errors.h"

namespace ringway::fbuf {
namespace {

/// The size is fixed, or a peer could make a read past a new end kill the reader; who has no writable mapping when the
/// seal is set gets none.
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

std::string text(Geometry geometry) {
  return std::to_string(geometry.buffers) + " buffers of " + std::to_string(geometry.bytes) + " bytes";
}

[[noreturn]] void fail(Geometry geometry, const char* call, int error, const char* fix = "") {
  const bool lacking = error == ENOMEM || error == ENOSPC || error == EMFILE || error == ENFILE;
  throw Error(lacking ? ExitStatus::kResourceMissing : ExitStatus::kFailed,
              "fbuf: " + std::string(call) + " for " + text(geometry) + ": " + std::strerror(error) + fix);
}

void check(Geometry geometry) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  constexpr std::size_t kMostBytes = std::size_t{1} << 32;  // keeps every sum and product of the pool in 64 bits
  if (geometry.buffers == 0 || geometry.buffers > kMostBuffers || geometry.bytes == 0 || geometry.bytes % page != 0 ||
      geometry.bytes > kMostBytes) {
    throw Error(ExitStatus::kUsage, "fbuf: a pool of " + text(geometry) + " cannot be; expected 1 to " +
                                        std::to_string(kMostBuffers) + " buffers, each of a multiple of " +
                                        std::to_string(page) + " bytes (a page) and of 4 GiB at most");
  }
}

}  // namespace

Memory::Memory(Geometry geometry) : geometry_(geometry) {
  check(geometry);
  file_ = File(memfd_create("ringway-fbufs", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file_.get() < 0) {
    fail(geometry, "memfd_create", errno);
  }
  // Reserved now: a page that is not there when it is first written to would kill the process.
  if (const int error = posix_fallocate(file_.get(), 0, static_cast<off_t>(geometry.total())); error != 0) {
    fail(geometry, "posix_fallocate", error, "; expected as much free memory");
  }
  map(file_, PROT_READ | PROT_WRITE, MAP_POPULATE);
  if (fcntl(file_.get(), F_ADD_SEALS, kSeals) != 0) {
    fail(geometry, "fcntl(F_ADD_SEALS)", errno, "; expected Linux 5.1 or later");
  }
}

Memory::Memory(Geometry geometry, const File& file) : geometry_(geometry) {
  check(geometry);
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || static_cast<std::size_t>(status.st_size) != geometry.total()) {
    throw Error(ExitStatus::kFailed, "fbuf: the originator's file is not there or not of " + text(geometry));
  }
  if (const int seals = fcntl(file.get(), F_GET_SEALS); seals < 0 || (seals & kSeals) != kSeals) {
    throw Error(ExitStatus::kFailed,
                "fbuf: the originator's file is not sealed; expected a memfd whose size and content "
                "nobody else can change");
  }
  map(file, PROT_READ, 0);
}

void Memory::Unmap::operator()(std::byte* begin) const noexcept {
  munmap(begin, bytes);
}

void Memory::map(const File& file, int protection, int flags) {
  void* const begin = mmap(nullptr, geometry_.total(), protection, MAP_SHARED | flags, file.get(), 0);
  if (begin == MAP_FAILED) {
    fail(geometry_, "mmap", errno);
  }
  begin_ = {static_cast<std::byte*>(begin), Unmap{geometry_.total()}};
  // A child's copy would stay writable whatever this process protects, or readable when this process is long dead.
  if (madvise(begin, geometry_.total(), MADV_DONTFORK) != 0) {
    fail(geometry_, "madvise(MADV_DONTFORK)", errno);
  }
}

void Memory::protect(std::uint32_t first, std::uint32_t count, bool writable) {
  if (mprotect(buffer(first), count * geometry_.bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ) != 0) {
    fail(geometry_, "mprotect", errno, "; where a process has too many mappings, raise vm.max_map_count");
  }
}

}  // namespace ringway::fbuf
