#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/text.h"
#include "ladder/chart.h"
#include "ladder/result.h"
#include "options.h"

namespace ringway {
namespace {

/// The rungs that were asked for, in the ladder's order.
std::vector<Rung> chosen(const std::vector<std::string>& only) {
  std::vector<Rung> all = all_rungs();
  std::vector<std::string> known;
  for (const Rung& rung : all) {
    known.push_back(rung.name);
    known.push_back(rung.group);
  }
  for (const std::string& word : only) {
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      throw Error(ExitStatus::kUsage, "--only is '" + word + "', which is no rung or group" +
                                          did_you_mean(word, known) + "; --list prints them");
    }
  }
  std::erase_if(all, [&only](const Rung& rung) {
    return !only.empty() && std::none_of(only.begin(), only.end(), [&rung](const std::string& word) {
      return word == rung.name || word == rung.group;
    });
  });
  return all;
}

void list(const std::vector<Rung>& rungs) {
  for (const Rung& rung : rungs) {
    std::cout << rung.name << " (" << rung.group << "): " << rung.title << "\n  use: " << rung.use
              << "\n  limit: " << rung.limit << "\n";
  }
}

/// A bar on a terminal, drawn anew for each rung; nothing elsewhere.
void show_progress(std::size_t done, const std::vector<Rung>& rungs) {
  constexpr std::size_t kWidth = 40;
  if (isatty(STDERR_FILENO) == 0) {
    return;
  }
  const std::size_t filled = kWidth * done / rungs.size();
  std::cerr << "\r\033[K[" << std::string(filled, '#') << std::string(kWidth - filled, '.') << "] " << done << " of "
            << rungs.size() << " " << (done < rungs.size() ? rungs[done].name : "") << std::flush;
  if (done == rungs.size()) {
    std::cerr << "\r\033[K" << std::flush;
  }
}

void write(const std::string& path, const std::string& content) {
  std::ofstream file(path);
  file << content;
  file.close();
  if (!file) {
    throw Error(ExitStatus::kFailed, "cannot write '" + path + "'; expected a file in a folder that you may write to");
  }
}

ExitStatus run(const LadderOptions& options) {
  const std::vector<Rung> rungs = chosen(options.only);
  if (options.list) {
    list(rungs);
    return ExitStatus::kClean;
  }
  std::vector<Result> results;
  for (const Rung& rung : rungs) {
    show_progress(results.size(), rungs);
    results.push_back(run_apart(rung, options.load, options.seconds));
  }
  show_progress(results.size(), rungs);
  std::cout << to_table(results);
  const Machine machine = this_machine();
  if (!options.json.empty()) {
    write(options.json, to_json(results, options.load, machine).dump(1) + "\n");
  }
  for (const std::string& chart : options.charts) {
    const Drawing drawing = chart_of(results, options.load, machine);
    write(chart, chart.ends_with(".svg") ? to_svg(drawing) : to_png(drawing));
  }
  const bool failed = std::any_of(results.begin(), results.end(), [](const Result& result) { return result.failed; });
  return failed ? ExitStatus::kFailed : ExitStatus::kClean;
}

}  // namespace
}  // namespace ringway

int main(int argc, char** argv) {
  using namespace ringway;
  try {
    const LadderOptions options = parse_ladder_options(argc, argv);
    if (options.help) {
      std::cout << ladder_help_text();
      return 0;
    }
    return static_cast<int>(run(options));
  } catch (const Error& error) {
    std::cerr << "ringway-ladder: " << error.what() << "\n";
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    std::cerr << "ringway-ladder: " << error.what() << "\n";
    return static_cast<int>(ExitStatus::kFailed);
  }
}
