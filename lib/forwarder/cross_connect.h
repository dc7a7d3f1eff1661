#pragma once

#include "datapath/burst.h"

namespace ringway {

/// Every packet goes to the one output, untouched: the whole burst in one call. Output: Dropping or Waiting.
template <class Output>
class CrossConnect {
 public:
  static constexpr bool kMayHold = Output::kMayHold;

  explicit CrossConnect(Output output) noexcept : output_(output) {}

  void forward(Burst& burst, Counters& counters) noexcept { output_.send(burst.data(), burst.size(), counters); }
  void reap() noexcept { output_.reap(); }
  void move_to(std::uint16_t port) noexcept { output_.move_to(port); }

  std::uint16_t held() const noexcept { return output_.held(); }
  std::uint16_t flush(Counters& counters) noexcept { return output_.flush(counters); }
  void abandon(Counters& counters) noexcept { output_.abandon(counters); }

 private:
  Output output_;
};

}  // namespace ringway
