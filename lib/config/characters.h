#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/diagnostics.h"

namespace ringway {

inline constexpr std::string_view kDigits = "0123456789";
inline constexpr std::string_view kLowerLetters = "abcdefghijklmnopqrstuvwxyz";
inline constexpr std::string_view kUpperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// True for a text of at least one character whose characters all are in one of `sets`.
bool consists_of(std::string_view text, std::initializer_list<std::string_view> sets);

/// True for ASCII characters that show as something or as a space; and for the empty text.
bool is_printable(std::string_view text);

/// True for UTF-8 without control characters other than tab and line ends (LF, CR LF); otherwise the first offending
/// byte is told with its place. A column counts bytes, as yaml-cpp's do.
bool check_characters(std::string_view text, Diagnostics& problems);

/// `text` made safe for a message: printable ASCII as it is, every other byte as `\xNN`, `...` after `most` characters.
std::string shown(std::string_view text, std::size_t most = 40);

}  // namespace ringway
