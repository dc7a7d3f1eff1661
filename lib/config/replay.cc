#include "config/replay.h"

#include <optional>
#include <set>
#include <vector>

#include "config/characters.h"
#include "config/parse_traffic.h"
#include "core/text.h"

namespace ringway {
namespace {

constexpr double kLeastSpeed = 0.001;
constexpr double kMostSpeed = 1e6;
constexpr std::string_view kForever = "forever";

/// Reads devargs one after another; the first fault stays.
class ReplayReader {
 public:
  explicit ReplayReader(std::string_view device) {
    for (std::size_t at = device.find(','); at != std::string_view::npos && fault_.empty();) {
      const std::size_t end = device.find(',', at + 1);
      const std::string_view pair = device.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
      const std::size_t equals = std::min(pair.find('='), pair.size());
      take(std::string(pair.substr(0, equals)), pair.substr(std::min(equals + 1, pair.size())));
      at = end;
    }
    if (fault_.empty() && replay_.file.empty()) {
      fault_ = "names no capture; expected replay,file=PATH";
    } else if (fault_.empty() && given_.contains("speed") && given_.contains("rate")) {
      fault_ = "has both speed and rate; expected one of them, or none for the capture's own times";
    }
  }

  const Replay& replay() const { return replay_; }
  const std::string& fault() const { return fault_; }

 private:
  void take(const std::string& key, std::string_view value) {
    if (!given_.insert(key).second) {
      fault_ = "has " + key + " twice; expected it once";
    } else if (key == "file") {
      replay_.file = value;
    } else if (key == "speed") {
      take_speed(value);
    } else if (key == "rate") {
      take_rate(value);
    } else if (key == "loop") {
      take_passes(value);
    }
  }

  void take_speed(std::string_view value) {
    const auto speed = decimal(value, kMostSpeed);
    if (!speed || *speed < kLeastSpeed) {
      refuse("speed", value, "times the capture's own pace, from 0.001 to 1000000, such as 2 or 0.5");
      return;
    }
    replay_.speed = *speed;
  }

  void take_rate(std::string_view value) {
    const auto rate = rate_of(value);
    const bool good =
        rate && (rate->unit == Rate::Unit::kMax || (rate->unit == Rate::Unit::kPacketsPerSecond && rate->value > 0));
    if (!good) {
      refuse("rate", value, "max, or packets a second such as 500kpps or 1.5Mpps");
      return;
    }
    replay_.speed = 0;
    replay_.packets_per_s = rate->value;
  }

  void take_passes(std::string_view value) {
    const auto passes = value == kForever ? std::optional(std::uint64_t{0}) : packet_count(value);
    if (!passes) {
      refuse("loop", value, "how often it is played, 1 to 1000000000000, or forever");
      return;
    }
    replay_.passes = *passes;
  }

  void refuse(const std::string& key, std::string_view value, const std::string& expected) {
    fault_ = "has " + key + "=" + shown(value) + "; expected " + expected;
  }

  Replay replay_;
  std::set<std::string> given_;
  std::string fault_;
};

}  // namespace

bool is_replay_device(std::string_view device) {
  return device_name(device) == kReplayDevice;
}

Replay replay_of(std::string_view device) {
  return ReplayReader(device).replay();
}

std::string replay_fault(std::string_view device) {
  return ReplayReader(device).fault();
}

}  // namespace ringway
