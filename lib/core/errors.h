#pragma once

#include <stdexcept>
#include <string>

#include "core/exit_status.h"

namespace ringway {

/// A failure during set-up or stop: the text names the call, the object, the cause and, where known, the fix.
/// Never thrown on the fast path. Caught by `main`; before it only by probe(), which tells of every device that is not
/// there instead of the first, and by Port, which closes what it has opened and throws on.
class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, const std::string& text) : std::runtime_error(text), status_(status) {}

  /// The exit status that `main` returns for this failure.
  ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

}  // namespace ringway
