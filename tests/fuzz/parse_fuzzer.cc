#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "config/parse.h"

namespace {

/// Ends the run and says which rule was broken.
void require(bool holds, const char* rule) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", rule);
    std::abort();
  }
}

/// Bytes of each line, its end not included.
std::vector<std::size_t> line_lengths(std::string_view text) {
  std::vector<std::size_t> lengths{0};
  for (const char character : text) {
    if (character == '\n') {
      lengths.push_back(0);
    } else {
      ++lengths.back();
    }
  }
  return lengths;
}

bool is_safe(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char character) { return character >= ' ' && character <= '~'; });
}

}  // namespace

/// Any text is either read, with at least one port, or refused with problems that are safe to print and stand in it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ringway::Diagnostics problems;
  const ringway::Config config = ringway::parse_config(text, problems);
  require(problems.failed() || !config.ports.empty(), "a text without problems has ports");
  const std::vector<std::size_t> lengths = line_lengths(text);
  for (const ringway::Problem& problem : problems.problems()) {
    require(is_safe(problem.path) && is_safe(problem.text), "a problem is printable");
    require(!problem.text.empty(), "a problem has a text");
    require(problem.at.line >= 1 && problem.at.line <= lengths.size(), "a problem has a line of the text");
    // One behind the line's end is where something is missing.
    require(problem.at.column >= 1 && problem.at.column <= lengths[problem.at.line - 1] + 1,
            "a problem has a column of its line");
  }
  return 0;
}
