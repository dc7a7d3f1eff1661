#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace ringway {

/// Draws from a seed, the same ones everywhere: the standard fixes the engine, but not its distributions.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t bits() { return engine_(); }
  /// 0 to n - 1.
  unsigned below(std::size_t n) { return static_cast<unsigned>(engine_() % n); }
  /// Both ends included.
  unsigned between(unsigned least, unsigned most) { return least + below(std::size_t{most} - least + 1); }
  /// True in so many of a hundred draws.
  bool percent(unsigned share) { return below(100) < share; }

  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  unsigned pick(std::initializer_list<unsigned> items) { return items.begin()[below(items.size())]; }

  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t left = items.size(); left > 1; --left) {
      std::swap(items[left - 1], items[below(left)]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace ringway
