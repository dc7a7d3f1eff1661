#include "ladder/file_by_copy.h"

#include <fcntl.h>

#include "ladder/descriptor.h"

namespace ringway {
namespace {

constexpr const char* kBuffer = "the buffer";

void read_whole(const Ends& ends, int file, std::span<std::byte> into, std::uint64_t offset) {
  while (!into.empty()) {
    const ssize_t got =
        ends.file.taken(counted(::pread, file, into.data(), into.size(), static_cast<off_t>(offset)), "pread");
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

/// Out of a buffer or the file's pages.
void write_whole(const Ends& ends, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ends.file.taken(counted(::write, ends.sockets[0], bytes.data(), bytes.size()), "write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace

void ReadWrite::move(std::uint64_t offset, std::uint64_t bytes) {
  const std::span<std::byte> piece = buffer_.bytes().first(bytes);
  read_whole(ends_, ends_.file.fd(), piece, offset);
  write_whole(ends_, piece);
}

std::vector<Place> ReadWrite::places(std::span<std::byte> file_pages) {
  return {{"the file's page", file_pages}, {kBuffer, buffer_.bytes().first(file_pages.size())}};
}

void MapWrite::move(std::uint64_t offset, std::uint64_t bytes) {
  write_whole(ends_, mapped_.subspan(offset, bytes));
}

DirectWrite::DirectWrite(const Ends& ends)
    : ends_(ends), direct_(ends.file.reopened(O_RDONLY | O_DIRECT)), buffer_(ends.block) {}

void DirectWrite::move(std::uint64_t offset, std::uint64_t bytes) {
  const std::span<std::byte> piece = buffer_.bytes().first(bytes);
  read_whole(ends_, direct_.get(), piece, offset);
  write_whole(ends_, piece);
}

std::vector<Place> DirectWrite::places(std::span<std::byte> file_pages) {
  return {{kBuffer, buffer_.bytes().first(file_pages.size())}};
}

}  // namespace ringway
