#include "ladder/pattern.h"

#include <algorithm>
#include <cstring>

namespace ringway {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

// Multiplied by an odd number, all words differ; folded, so do their low halves.
std::uint64_t word_at(std::uint64_t index) noexcept {
  const std::uint64_t spread = (index + 1) * 0x9E3779B97F4A7C15U;
  return spread ^ (spread >> 32U);
}

}  // namespace

void fill_pattern(std::span<std::byte> into, std::uint64_t offset) noexcept {
  for (std::size_t at = 0; at < into.size(); at += kWord) {
    const std::uint64_t word = word_at((offset + at) / kWord);
    std::memcpy(into.data() + at, &word, std::min(kWord, into.size() - at));
  }
}

std::optional<std::uint64_t> first_difference(std::span<const std::byte> bytes, std::uint64_t offset) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += kWord) {
    const std::uint64_t word = word_at((offset + at) / kWord);
    const std::size_t length = std::min(kWord, bytes.size() - at);
    if (std::memcmp(bytes.data() + at, &word, length) != 0) {
      const auto* const expected = reinterpret_cast<const std::byte*>(&word);
      const auto [differs, _] = std::mismatch(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                              bytes.begin() + static_cast<std::ptrdiff_t>(at + length), expected);
      return offset + static_cast<std::uint64_t>(differs - bytes.begin());
    }
  }
  return {};
}

}  // namespace ringway
