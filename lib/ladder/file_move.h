#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ladder/file_pattern.h"
#include "ladder/rung.h"

namespace ringway {

/// What a move works with. All outlive it.
struct Ends {
  const PatternFile& file;
  std::vector<int> sockets;  ///< connected; one, or as many as the technique serves
  std::uint64_t block;       ///< the most that one move is asked for
};

/// Memory that a block was in on its way.
struct Place {
  const char* name;
  std::span<std::byte> bytes;
};

/// A way to get a file's bytes into sockets. Made by the mover's thread, outside the metered time; what it asks of the
/// kernel from then on goes through counted(). Calls throw CannotRun or Error.
class FileMove {
 public:
  FileMove() = default;
  virtual ~FileMove() = default;
  FileMove(const FileMove&) = delete;
  FileMove& operator=(const FileMove&) = delete;

  /// Sends a piece of the file, whole pages, at most a block. It may only take it down until finish().
  virtual void move(std::uint64_t offset, std::uint64_t bytes) = 0;

  /// All moves so far are with the kernel, and what it has to say of them was heard.
  virtual void finish() {}

  /// Where the last piece, moved and finished by itself, was in this order: the file's pages, or the memory that has
  /// what they have; then buffers of its own.
  virtual std::vector<Place> places(std::span<std::byte> file_pages) { return {{"the file's page", file_pages}}; }

  /// Adds what only it knows.
  virtual void tell(Outcome&) const {}
};

}  // namespace ringway
