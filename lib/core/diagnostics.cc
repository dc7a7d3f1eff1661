#include "core/diagnostics.h"

#include <algorithm>
#include <utility>

namespace ringway {

void Diagnostics::invalid(Location at, std::string path, std::string text) {
  problems_.push_back({Severity::kInvalid, at, std::move(path), std::move(text)});
}

void Diagnostics::missing(Location at, std::string path, std::string text) {
  problems_.push_back({Severity::kMissing, at, std::move(path), std::move(text)});
}

void Diagnostics::denied(Location at, std::string path, std::string text) {
  problems_.push_back({Severity::kDenied, at, std::move(path), std::move(text)});
}

void Diagnostics::warn(Location at, std::string path, std::string text) {
  problems_.push_back({Severity::kWarning, at, std::move(path), std::move(text)});
}

bool Diagnostics::failed() const noexcept {
  return exit_status() != ExitStatus::kClean;
}

ExitStatus Diagnostics::exit_status() const noexcept {
  const auto any = [this](Severity severity) {
    return std::any_of(problems_.begin(), problems_.end(),
                       [severity](const Problem& problem) { return problem.severity == severity; });
  };
  if (any(Severity::kInvalid)) {
    return ExitStatus::kConfigInvalid;
  }
  if (any(Severity::kDenied)) {
    return ExitStatus::kPermission;
  }
  return any(Severity::kMissing) ? ExitStatus::kResourceMissing : ExitStatus::kClean;
}

std::string Diagnostics::text(std::string_view file) const {
  std::vector<Problem> ordered = problems_;
  std::stable_sort(ordered.begin(), ordered.end(), [](const Problem& a, const Problem& b) { return a.at < b.at; });
  constexpr std::size_t kMostTold = 100;  // who has more mends these first; and a hostile file prints no megabytes
  std::string all;
  const std::size_t told = std::min(ordered.size(), kMostTold);
  for (std::size_t i = 0; i < told; ++i) {
    const Problem& problem = ordered[i];
    all += file;
    if (problem.at.line != 0) {
      all += ':' + std::to_string(problem.at.line) + ':' + std::to_string(problem.at.column);
    }
    all += ": ";
    if (problem.severity == Severity::kWarning) {
      all += "warning: ";
    }
    if (!problem.path.empty()) {
      all += problem.path + ": ";
    }
    all += problem.text + '\n';
  }
  if (told < ordered.size()) {
    all += std::string(file) + ": and " + std::to_string(ordered.size() - told) + " more\n";
  }
  return all;
}

}  // namespace ringway
