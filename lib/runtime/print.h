#pragma once

#include <string>

namespace ringway {

/// Appends what printf would print, up to 255 characters: one line of a report.
[[gnu::format(printf, 2, 3)]] void print(std::string& to, const char* format, ...);

}  // namespace ringway
