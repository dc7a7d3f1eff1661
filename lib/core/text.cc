#include "core/text.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>

namespace ringway {
namespace {

/// Optimal string alignment distance: edits that turn `a` into `b`.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const std::size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({replace, d[i - 1][j] + 1, d[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string join(const std::vector<std::string>& names, std::string_view last) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) {
      all += i + 1 == names.size() ? " " + std::string(last) + " " : ", ";
    }
    all += names[i];
  }
  return all;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string all;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    all += (i > 0 ? std::string(between) : "") + parts[i];
  }
  return all;
}

std::string device_name(std::string_view device) {
  return std::string(device.substr(0, device.find(',')));
}

std::string folder_of(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  return folder.empty() ? "." : folder.string();
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestName = 64;  // beyond it the quadratic search is not worth its time
  if (name.size() > kLongestName) {
    return {};
  }
  const std::string* nearest = nullptr;
  std::size_t least = 3;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestName) {
      continue;
    }
    const std::size_t distance = edits(name, candidate);
    if (distance < least && 2 * distance < std::max(name.size(), candidate.size())) {
      least = distance;
      nearest = &candidate;
    }
  }
  return nearest == nullptr ? std::string{} : "; did you mean '" + *nearest + "'?";
}

}  // namespace ringway
