#include "config/characters.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ringway {
namespace {

constexpr std::string_view kUtf16LittleEndian = "\xFF\xFE";  // the first half of UTF-32's mark, too
constexpr std::string_view kUtf16BigEndian = "\xFE\xFF";
constexpr std::string_view kUtf32BigEndian{"\0\0\xFE\xFF", 4};

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

std::string hex(unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return {kDigits[byte / 16U], kDigits[byte % 16U]};
}

/// A row of Unicode's table of well-formed UTF-8 (chapter 3, table 3-7): first bytes, second bytes, length.
struct Utf8Row {
  unsigned char first_low, first_high, second_low, second_high;
  std::size_t length;
};

/// The rows leave out overlong forms, surrogates and what lies beyond U+10FFFF; and C1 control characters, which are
/// well formed but not text.
constexpr std::array<Utf8Row, 9> kUtf8 = {{{0xC2, 0xC2, 0xA0, 0xBF, 2},
                                           {0xC3, 0xDF, 0x80, 0xBF, 2},
                                           {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                           {0xE1, 0xEC, 0x80, 0xBF, 3},
                                           {0xED, 0xED, 0x80, 0x9F, 3},
                                           {0xEE, 0xEF, 0x80, 0xBF, 3},
                                           {0xF0, 0xF0, 0x90, 0xBF, 4},
                                           {0xF1, 0xF3, 0x80, 0xBF, 4},
                                           {0xF4, 0xF4, 0x80, 0x8F, 4}}};

/// Bytes of the non-ASCII character that `text` starts with; 0 when it starts with none.
std::size_t character_length(std::string_view text) {
  for (const Utf8Row& row : kUtf8) {
    const unsigned char first = byte_at(text, 0);
    if (first < row.first_low || first > row.first_high) {
      continue;
    }
    if (text.size() < row.length || byte_at(text, 1) < row.second_low || byte_at(text, 1) > row.second_high) {
      return 0;
    }
    for (std::size_t i = 2; i < row.length; ++i) {
      if ((byte_at(text, i) & 0xC0U) != 0x80U) {
        return 0;
      }
    }
    return row.length;
  }
  return 0;
}

/// What is wrong with the character that `text` starts with, or nothing, and the bytes it takes.
std::pair<std::string, std::size_t> judge(std::string_view text) {
  const unsigned char first = byte_at(text, 0);
  if (first >= 0x80U) {
    const std::size_t length = character_length(text);
    return {length == 0 ? "has the byte 0x" + hex(first) + ", which is not text in UTF-8" : std::string{}, length};
  }
  if (first == 0) {
    return {"has a NUL byte", 1};
  }
  if (text.starts_with("\r\n") || first == '\n' || first == '\t' || (first >= 0x20U && first < 0x7FU)) {
    return {{}, 1};
  }
  return {"has the control character 0x" + hex(first), 1};  // a lone CR is one: yaml-cpp does not end a line there
}

}  // namespace

bool consists_of(std::string_view text, std::initializer_list<std::string_view> sets) {
  const auto is_in_a_set = [&](char character) {
    return std::any_of(sets.begin(), sets.end(),
                       [&](std::string_view set) { return set.find(character) != std::string_view::npos; });
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_in_a_set);
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char character) { return character >= ' ' && character <= '~'; });
}

bool check_characters(std::string_view text, Diagnostics& problems) {
  if (text.starts_with(kUtf16LittleEndian) || text.starts_with(kUtf16BigEndian) || text.starts_with(kUtf32BigEndian)) {
    problems.invalid({1, 1}, "", "starts with the byte order mark of UTF-16 or UTF-32; expected text in UTF-8");
    return false;
  }
  Location here{1, 1};
  while (!text.empty()) {
    const auto [fault, length] = judge(text);
    if (!fault.empty()) {
      problems.invalid(here, "", fault + "; expected text in UTF-8 without control characters");
      return false;
    }
    here = text.front() == '\n' ? Location{here.line + 1, 1}
                                : Location{here.line, here.column + static_cast<unsigned>(length)};
    text.remove_prefix(length);
  }
  return true;
}

std::string shown(std::string_view text, std::size_t most) {
  std::string safe;
  for (const char character : text) {
    const std::string piece =
        is_printable({&character, 1}) ? std::string(1, character) : "\\x" + hex(static_cast<unsigned char>(character));
    if (safe.size() + piece.size() > most) {
      return safe + "...";
    }
    safe += piece;
  }
  return safe;
}

}  // namespace ringway
