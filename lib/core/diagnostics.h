#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/exit_status.h"

namespace ringway {

/// A place in the configuration file, counted from 1. Line 0: no place, as for a value that the file leaves out.
struct Location {
  unsigned line = 0;
  unsigned column = 0;

  bool operator==(const Location&) const = default;
  auto operator<=>(const Location&) const = default;
};

/// How much a problem matters, and which exit status it asks for.
enum class Severity {
  kWarning,  ///< forwarding works, but not as well as it could
  kInvalid,  ///< the text is wrong: exit status 78
  kMissing,  ///< the text is right, but this machine lacks what it asks for: exit status 69
  kDenied,   ///< what it asks for is there, but not for this user: exit status 77
};

/// One finding about a configuration.
struct Problem {
  Severity severity;
  Location at;
  std::string path;  ///< key path, such as `ports.east.rx_queues`; may be empty for the document as a whole
  std::string text;  ///< `what is wrong; what was expected`
};

/// Collects every problem of a configuration, so that all are told at once.
class Diagnostics {
 public:
  /// The text is wrong.
  void invalid(Location at, std::string path, std::string text);
  /// The machine lacks what the text asks for.
  void missing(Location at, std::string path, std::string text);
  /// What the text asks for is there, but not for this user.
  void denied(Location at, std::string path, std::string text);
  /// Works, but should be known.
  void warn(Location at, std::string path, std::string text);

  /// True as soon as one problem is more than a warning.
  bool failed() const noexcept;
  /// kClean, kResourceMissing, kPermission or kConfigInvalid; the last of them that applies, since a fault of the text
  /// itself comes first, and what is denied may be why something is missing.
  ExitStatus exit_status() const noexcept;
  const std::vector<Problem>& problems() const noexcept { return problems_; }
  /// One line a problem, ordered by place, the first hundred and how many more: `FILE:LINE:COLUMN: key.path: what is
  /// wrong; what was expected`.
  std::string text(std::string_view file) const;

 private:
  std::vector<Problem> problems_;
};

}  // namespace ringway
