#pragma once

#include <string>

namespace ringway {

/// A file of /proc that stays open, so that it can be read when the process may open none any more.
class ProcFile {
 public:
  /// A file that is not there reads as empty.
  explicit ProcFile(const std::string& path);
  ~ProcFile();
  ProcFile(ProcFile&& other) noexcept;
  ProcFile& operator=(ProcFile&&) = delete;
  ProcFile(const ProcFile&) = delete;
  ProcFile& operator=(const ProcFile&) = delete;

  /// What it says now. One caller at a time.
  std::string text() const;

 private:
  int fd_;
};

}  // namespace ringway
