#include "ladder/packet_drive.h"

#include <algorithm>

namespace ringway {
namespace {

constexpr unsigned kLeastLooks = 1000;  // a machine that stood still for a while has lost nothing yet

}  // namespace

bool Drive::receive() {
  const unsigned got = ends_.receive(check_);
  seen_ += got;
  const Clock::time_point now = Clock::now();
  if (got > 0) {
    last_ = now;
    empty_looks_ = 0;
    patient_.found();
  } else {
    ++empty_looks_;
    patient_.look_again();
  }
  return now - last_ < patience_ || empty_looks_ < kLeastLooks;
}

double Drive::move(std::uint64_t count) {
  const std::uint64_t end = sent_ + count;
  const Clock::time_point start = last_ = Clock::now();
  bool in_time = true;
  while (seen_ < end && in_time) {
    const std::uint64_t room = std::min<std::uint64_t>({kBatch, kWindow - (sent_ - seen_), end - sent_});
    if (room > 0) {
      sent_ += ends_.send(sent_, static_cast<unsigned>(room));
    }
    in_time = receive();
  }
  return std::chrono::duration<double>(last_ - start).count();
}

std::vector<double> Drive::move_singly(std::uint64_t count) {
  std::vector<double> latencies;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t before = seen_;
    const Clock::time_point start = last_ = Clock::now();
    sent_ += ends_.send(sent_, 1);
    while (seen_ == before) {
      if (!receive()) {
        return latencies;
      }
    }
    latencies.push_back(std::chrono::duration<double, std::micro>(last_ - start).count());
  }
  return latencies;
}

}  // namespace ringway
