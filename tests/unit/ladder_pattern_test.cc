#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "ladder/pattern.h"

namespace ringway {
namespace {

std::vector<std::byte> pattern(std::size_t length, std::uint64_t offset) {
  std::vector<std::byte> bytes(length);
  fill_pattern(bytes, offset);
  return bytes;
}

TEST(LadderPattern, IsTheSameRowWhereverItIsCut) {
  const std::vector<std::byte> whole = pattern(20000, 0);
  for (const std::size_t offset : {std::size_t{8}, std::size_t{4096}, std::size_t{8200}}) {
    EXPECT_EQ(first_difference(std::span(whole).subspan(offset), offset), std::nullopt) << offset;
  }
}

TEST(LadderPattern, SeesOneWrongBitAtAnyPlace) {
  std::vector<std::byte> bytes = pattern(3 * 4096 + 13, 65536);
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{4095}, std::size_t{4096}, std::size_t{9001}, bytes.size() - 1}) {
    bytes[at] ^= std::byte{1};
    EXPECT_EQ(first_difference(bytes, 65536), 65536 + at);
    bytes[at] ^= std::byte{1};
  }
}

TEST(LadderPattern, SeesBytesOfAnotherPlace) {
  const std::vector<std::byte> bytes = pattern(64, 0);
  EXPECT_EQ(first_difference(bytes, 8), 8U);
  EXPECT_EQ(first_difference(bytes, std::uint64_t{1} << 32U), std::uint64_t{1} << 32U);
}

TEST(LadderPattern, TakesLengthsAndPlacesThatAreNoWords) {
  const std::vector<std::byte> bytes = pattern(29, 800);
  std::vector<std::byte> moved(bytes.size() + 3);
  std::copy(bytes.begin(), bytes.end(), moved.begin() + 3);
  EXPECT_EQ(first_difference(std::span(moved).subspan(3), 800), std::nullopt);
  EXPECT_EQ(first_difference(std::span(moved).subspan(3, 5), 800), std::nullopt);
}

TEST(LadderPattern, RepeatsNoWordInAGibibyte) {
  constexpr std::uint64_t kEvery = 65536 + 8;
  std::set<std::uint64_t> words;
  std::uint64_t count = 0;
  for (std::uint64_t offset = 0; offset < (std::uint64_t{1} << 30U); offset += kEvery, ++count) {
    std::uint64_t word = 0;
    fill_pattern(std::as_writable_bytes(std::span(&word, 1)), offset);
    words.insert(word);
  }
  EXPECT_EQ(words.size(), count);
}

}  // namespace
}  // namespace ringway
