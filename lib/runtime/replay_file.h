#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "config/config.h"
#include "core/diagnostics.h"
#include "traffic/replayer.h"

namespace ringway {

/// A capture, mapped read-only and shared: its pages are the page cache's. When bytes of it are lost under the mapping,
/// since somebody cuts the file or the disk fails, whoever reads them finds zeros instead of dying of SIGBUS, and
/// state().cut is set. Main thread only, but for what is said otherwise.
class ReplayFile {
 public:
  /// Throws Error when there is no such file, it may not be read, or holds nothing.
  explicit ReplayFile(const std::string& path);
  /// Nobody refers to the mapping any more.
  ~ReplayFile();
  ReplayFile(const ReplayFile&) = delete;
  ReplayFile& operator=(const ReplayFile&) = delete;

  const std::string& path() const noexcept { return path_; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  ReplayFileState& state() noexcept { return state_; }

  /// Bytes that the file has by now. Any thread.
  std::uint64_t size_now() const noexcept;
  /// Has bytes read from the disk and mapped, waiting for them; `from` + `bytes` at most the file's end. Any thread.
  void read(std::uint64_t from, std::uint64_t bytes) const noexcept;
  /// Takes bytes out of the mapping again; whoever needs them after all finds them. Any thread.
  void let_go(std::uint64_t from, std::uint64_t bytes) const noexcept;

 private:
  std::string path_;
  int fd_ = -1;
  const std::byte* data_ = nullptr;
  std::uint64_t size_ = 0;
  ReplayFileState state_;
};

/// Throws Error unless the file is a capture of Ethernet frames.
void require_capture(const std::string& path);

/// Tells which captures of the configuration cannot be replayed; where there is no such file here, as a warning.
void check_captures(const Config& config, Diagnostics& problems);

}  // namespace ringway
