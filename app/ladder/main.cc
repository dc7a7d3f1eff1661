#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

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

/// A file for results, opened before there are any: that it cannot be written is told at once.
class ResultFile {
 public:
  explicit ResultFile(const std::string& path) : path_(path), file_(path) { check(); }

  const std::string& path() const { return path_; }

  void write(const std::string& content) {
    file_ << content;
    file_.close();
    check();
  }

 private:
  void check() const {
    if (!file_) {
      throw Error(ExitStatus::kFailed,
                  "cannot write '" + path_ + "'; expected a file in a folder that you may write to");
    }
  }

  std::string path_;
  std::ofstream file_;
};

std::vector<Result> climb(const std::vector<Rung>& rungs, const LadderOptions& options) {
  std::vector<Result> results;
  for (const Rung& rung : rungs) {
    show_progress(results.size(), rungs);
    results.push_back(run_apart(rung, options.load, options.seconds));
  }
  show_progress(results.size(), rungs);
  return results;
}

ExitStatus run(const LadderOptions& options) {
  const std::vector<Rung> rungs = chosen(options.only);
  if (options.list) {
    list(rungs);
    return ExitStatus::kClean;
  }
  std::optional<ResultFile> json;
  if (!options.json.empty()) {
    json.emplace(options.json);
  }
  std::vector<ResultFile> charts(options.charts.begin(), options.charts.end());
  const std::vector<Result> results = climb(rungs, options);
  std::cout << to_table(results);
  const Machine machine = this_machine();
  if (json) {
    json->write(to_json(results, options.load, machine).dump(1) + "\n");
  }
  for (ResultFile& chart : charts) {
    const Drawing drawing = chart_of(results, options.load, machine);
    chart.write(chart.path().ends_with(".svg") ? to_svg(drawing) : to_png(drawing));
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
