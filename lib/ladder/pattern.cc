#include "ladder/pattern.h"

#include <algorithm>

namespace ringway {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15U;

// A word of the row, wherever in memory it stands.
// Name it in full: `auto` would take it for an aligned one.
using AnyWord [[gnu::may_alias, gnu::aligned(1)]] = std::uint64_t;

// Multiplied by an odd number, all words differ; folded, so do their low halves.
constexpr std::uint64_t folded(std::uint64_t spread) noexcept {
  return spread ^ (spread >> 32U);
}

constexpr std::uint64_t word_at(std::uint64_t index) noexcept {
  return folded((index + 1) * kSpread);
}

std::byte byte_at(std::uint64_t place) noexcept {
  return static_cast<std::byte>(word_at(place / kWord) >> (8 * (place % kWord)));
}

/// Without a branch on what is found and without a product, so that the compiler compares several words at a time.
bool differ(std::span<const std::byte> words, std::uint64_t offset) noexcept {
  const AnyWord* const found = reinterpret_cast<const AnyWord*>(words.data());
  std::uint64_t spread = (offset / kWord + 1) * kSpread;
  std::uint64_t difference = 0;
  for (std::size_t index = 0; index < words.size() / kWord; ++index, spread += kSpread) {
    difference |= found[index] ^ folded(spread);
  }
  return difference != 0;
}

}  // namespace

void fill_pattern(std::span<std::byte> into, std::uint64_t offset) noexcept {
  AnyWord* const words = reinterpret_cast<AnyWord*>(into.data());
  const std::size_t count = into.size() / kWord;
  for (std::size_t index = 0; index < count; ++index) {
    words[index] = word_at(offset / kWord + index);
  }
  for (std::size_t at = count * kWord; at < into.size(); ++at) {
    into[at] = byte_at(offset + at);
  }
}

std::optional<std::uint64_t> first_difference(std::span<const std::byte> bytes, std::uint64_t offset) noexcept {
  constexpr std::size_t kStretch = 512 * kWord;
  for (std::size_t from = 0; from < bytes.size(); from += kStretch) {
    const std::span<const std::byte> stretch = bytes.subspan(from, std::min(kStretch, bytes.size() - from));
    if (stretch.size() == kStretch && !differ(stretch, offset + from)) {
      continue;
    }
    for (std::size_t at = from; at < from + stretch.size(); ++at) {
      if (bytes[at] != byte_at(offset + at)) {
        return offset + at;
      }
    }
  }
  return {};
}

}  // namespace ringway
