#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace ringway {

/// A promise that a run has broken.
struct Finding {
  std::string rule;  ///< a word: what was promised
  std::string what;
  unsigned position = 0;  ///< in the schedule, when it was found
};

/// The broken promises of one run.
class Findings {
 public:
  /// What is found from now on is found here.
  void move_to(unsigned position) noexcept { position_ = position; }

  void add(const char* rule, const std::string& what) {
    if (all_.size() < kMost) {
      all_.push_back({rule, what, position_});
    }
  }

  /// Two counts that must be equal.
  void equal(const char* rule, const char* what, std::int64_t got, std::int64_t expected) {
    if (got != expected) {
      add(rule, std::string(what) + ": " + std::to_string(got) + ", expected " + std::to_string(expected));
    }
  }

  bool has(const std::string& rule) const {
    return std::any_of(all_.begin(), all_.end(), [&](const Finding& finding) { return finding.rule == rule; });
  }
  const std::vector<Finding>& all() const noexcept { return all_; }

 private:
  static constexpr std::size_t kMost = 50;  // one mistake may be seen at every frame
  std::vector<Finding> all_;
  unsigned position_ = 0;
};

}  // namespace ringway
