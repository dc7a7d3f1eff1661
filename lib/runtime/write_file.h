#pragma once

#include <string>

namespace ringway {

/// A file to be written once, later, when the process may open none any more, nor enter a folder that was another
/// user's. A reader sees the old content or all of the new one, and nothing is left of a file that was never written. A
/// device or pipe is written to as it is; so is a file in a folder that this user may change by a capability only, or
/// whose file system makes no files without a name: until it is written such a file keeps its content, or is there and
/// empty.
class ResultFile {
 public:
  /// Throws Error with path, cause and, where one is known, the fix. Waits for the reader of a named pipe.
  explicit ResultFile(const std::string& name);
  ~ResultFile();
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  /// Once. Throws Error.
  void write(const std::string& content);

 private:
  int put_in_place() const;

  std::string path_;
  int fd_ = -1;
  int folder_ = -1;  // where the file gets its name; -1: it has one
};

}  // namespace ringway
