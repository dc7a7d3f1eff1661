#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace ringway {

/// The data that rungs move: an endless row of 8-byte words, each made from its place, so that a byte that is missing,
/// doubled or out of place is seen. `offset`: of the first byte in the row, a multiple of 8; lengths need not be.
void fill_pattern(std::span<std::byte> into, std::uint64_t offset) noexcept;

/// Where the bytes first differ from the row's, as a place in it; none: nowhere.
std::optional<std::uint64_t> first_difference(std::span<const std::byte> bytes, std::uint64_t offset) noexcept;

}  // namespace ringway
