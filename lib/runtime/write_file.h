#pragma once

#include <string>

namespace ringway {

/// Writes a file so that a reader sees the old content or all of the new one; a device or pipe is written to as it is.
/// Throws Error with path and cause.
void write_atomically(const std::string& name, const std::string& content);

}  // namespace ringway
