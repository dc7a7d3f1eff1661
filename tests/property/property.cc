// Promises that hold for every configuration, traffic and schedule: each seed draws all three, and every packet is
// followed from the far side of a lab port to the far side of another. Prints TAP; repeats one seed with every step.

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>

#include "core/errors.h"
#include "dpdk/eal.h"
#include "mutations.h"
#include "trial.h"

namespace ringway {
namespace {

constexpr std::uint64_t kMutatedSeeds = 40;
constexpr std::uint64_t kRepeatedSeeds = 25;
constexpr unsigned kLeastAccepted = 60;     // per cent
constexpr unsigned kMostTold = 5;           // seeds
constexpr std::uint64_t kManySeeds = 1000;  // enough to come across everything

const char* const kUsage =
    "usage: property [--seeds FROM COUNT | --seed N]\n\n"
    "Draws COUNT configurations with traffic and a schedule, forwards on virtual lcores and checks every packet, then\n"
    "makes mistakes on purpose and checks that they are found. --seed repeats one, with every step.\n";

/// Lines of diagnosis in TAP.
void tell(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::cout << "# " << line << '\n';
  }
}

std::string text_of(std::uint64_t seed, const TrialResult& result) {
  std::string text = "seed " + std::to_string(seed) + ", " + std::to_string(result.positions) + " positions\n";
  for (const Finding& finding : result.findings.all()) {
    text += "  at position " + std::to_string(finding.position) + ": " + finding.rule + ": " + finding.what + '\n';
  }
  return text + result.problems + result.config;
}

/// The tests, one after another.
class Tap {
 public:
  void verdict(bool good, const std::string& name) {
    std::cout << (good ? "ok " : "not ok ") << ++number_ << " - " << name << std::endl;
    failed_ = failed_ || !good;
  }
  bool failed() const noexcept { return failed_; }
  unsigned number() const noexcept { return number_; }

 private:
  unsigned number_ = 0;
  bool failed_ = false;
};

/// What all trials came across.
struct Sum {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t refused_silently = 0;
  std::uint64_t broken = 0;
  std::map<std::string, std::uint64_t> met;
};

Sum run_trials(std::uint64_t from, std::uint64_t count) {
  Sum sum;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const TrialResult result = run_trial(seed);
    ++(result.accepted ? sum.accepted : sum.refused);
    sum.refused_silently += !result.accepted && result.problems.empty() ? 1 : 0;
    for (const auto& [what, times] : result.met) {
      sum.met[what] += times;
    }
    if (!result.findings.all().empty() && ++sum.broken <= kMostTold) {
      tell(text_of(seed, result));
    }
  }
  return sum;
}

/// What the trials must come across, so that a promise is not kept for want of a chance to break it.
const std::vector<std::string> kToBeMet = {
    "HTS rings",
    "dropped: frame_too_long",
    "dropped: frame_too_short",
    "dropped: ring_full",
    "dropped: runt",
    "dropped: shutdown",
    "dropped: tx_full",
    "flows that meet their other direction",
    "left at the stop",
    "legs: port to port",
    "legs: port to port, waiting",
    "legs: port to ring",
    "legs: port to ring, waiting",
    "legs: port to rings",
    "legs: port to rings, waiting",
    "legs: ring to port",
    "legs: ring to port, waiting",
    "legs: ring to ring",
    "legs: ring to ring, waiting",
    "pool of the smallest size",
    "waited too long",
};

/// What was met, and whether that is all there is to meet.
bool tell_met(const Sum& sum) {
  for (const auto& [what, times] : sum.met) {
    tell(what + ": " + std::to_string(times));
  }
  bool all = true;
  for (const std::string& what : kToBeMet) {
    const auto found = sum.met.find(what);
    if (found == sum.met.end() || found->second == 0) {
      tell("not met: " + what);
      all = false;
    }
  }
  return all;
}

void test_random(std::uint64_t from, std::uint64_t count, Tap& tap) {
  const Sum sum = run_trials(from, count);
  tap.verdict(sum.broken == 0, std::to_string(count) + " seeds from " + std::to_string(from) + " keep every promise");
  tell(std::to_string(sum.accepted) + " configurations accepted, " + std::to_string(sum.refused) + " refused");
  tap.verdict(sum.refused_silently == 0, "no configuration is refused without a word");
  if (count >= kManySeeds) {
    tap.verdict(sum.accepted * 100 >= count * kLeastAccepted, "most configurations are accepted");
    tap.verdict(tell_met(sum), "every kind of leg, ring and drop was met");
  }
}

void test_repetition(std::uint64_t from, Tap& tap) {
  bool same = true;
  for (std::uint64_t seed = from; seed < from + kRepeatedSeeds; ++seed) {
    const TrialResult one = run_trial(seed);
    const TrialResult other = run_trial(seed);
    same = same && one.config == other.config && one.positions == other.positions && one.digest == other.digest &&
           one.met == other.met;
  }
  tap.verdict(same, "a seed repeats its run exactly");
}

/// In every run in which the mistake was made, it must be found; without one, nothing may be.
void test_mutation(const Mutation* mutation, Tap& tap) {
  std::uint64_t made = 0;
  std::uint64_t right = 0;
  for (std::uint64_t seed = 0; seed < kMutatedSeeds; ++seed) {
    const TrialSettings settings{.config = kMutatedConfig, .mutation = mutation, .patient = true, .trace = nullptr};
    const TrialResult result = run_trial(seed, settings);
    const bool is_made = mutation == nullptr || result.mutated;
    const bool found = mutation == nullptr ? result.findings.all().empty()
                                           : std::any_of(mutation->rules.begin(), mutation->rules.end(),
                                                         [&](const auto& rule) { return result.findings.has(rule); });
    made += is_made ? 1 : 0;
    right += is_made && found ? 1 : 0;
    if (is_made && !found) {
      tell(text_of(seed, result));
    }
  }
  const std::string name = mutation == nullptr ? "no mistake is made" : mutation->name;
  tap.verdict(right == made && made * 2 > kMutatedSeeds, "found: " + name);
  tell("made in " + std::to_string(made) + " runs, found in " + std::to_string(right));
}

bool test_all(std::uint64_t from, std::uint64_t count) {
  std::cout << "1.." << mutations().size() + (count < kManySeeds ? 4 : 6) << std::endl;
  Tap tap;
  test_mutation(nullptr, tap);
  for (const Mutation& mutation : mutations()) {
    test_mutation(&mutation, tap);
  }
  test_repetition(from, tap);
  test_random(from, count, tap);
  return !tap.failed();
}

bool repeat(std::uint64_t seed) {
  const TrialSettings settings{.config = {}, .mutation = nullptr, .patient = false, .trace = &std::cout};
  const TrialResult result = run_trial(seed, settings);
  std::cout << text_of(seed, result);
  return result.findings.all().empty();
}

bool is_number(const char* text, std::uint64_t& number) {
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  return error == std::errc{} && stop == end;
}

/// With the tests in place of a body: EAL first, once.
int with_eal(const std::function<bool()>& body) {
  HeldOutput output;
  try {
    const Eal eal({"property", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m512", "--lcores=0@0",
                   "--file-prefix=ringway-property"},
                  output);
    return body() ? 0 : 1;
  } catch (const std::exception& error) {
    output.release_streams();
    std::cerr << "property: " << error.what() << '\n' << output.held();
    return 1;
  }
}

}  // namespace
}  // namespace ringway

int main(int argc, char** argv) {
  using namespace ringway;
  std::uint64_t from = 0;
  std::uint64_t count = 10000;
  const std::string option = argc > 1 ? argv[1] : "";
  if (argc == 3 && option == "--seed" && is_number(argv[2], from)) {
    return with_eal([&] { return repeat(from); });
  }
  if (argc == 1 || (argc == 4 && option == "--seeds" && is_number(argv[2], from) && is_number(argv[3], count))) {
    return with_eal([&] { return test_all(from, count); });
  }
  std::cerr << kUsage;
  return static_cast<int>(ExitStatus::kUsage);
}
