#pragma once

#include <string>

namespace ringway {

/// A file to be written once, later, when the process may open none any more. A reader sees the old content or all of
/// the new one, and nothing is left of a file that was never written. A device or pipe is written to as it is; so is a
/// file in a folder that this user may change by a capability only, or whose file system makes no files without a name:
/// until it is written such a file keeps its content, or is there and empty.
class ResultFile {
 public:
  /// Throws Error with path, cause and, where one is known, the fix.
  explicit ResultFile(const std::string& name);
  ~ResultFile();
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  /// Once. Throws Error.
  void write(const std::string& content);

 private:
  std::string path_;
  int fd_ = -1;
  bool nameless_ = false;
};

}  // namespace ringway
