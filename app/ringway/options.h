#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ringway {

/// How results are printed.
enum class Format { kText, kJson };

/// How a plan is printed.
enum class PlanForm { kYaml, kText, kDot, kMermaid, kSvg };

/// The command line, taken apart.
struct Options {
  std::vector<std::string> eal;  ///< what stood before `--`, for EAL
  std::string config;
  bool check = false;
  bool doctor = false;
  std::optional<PlanForm> plan;  ///< none: the plan is not asked for
  std::string inventory;         ///< file to load; empty: probe
  std::string save_inventory;    ///< file to write; empty: none
  std::optional<double> duration_s;
  std::optional<double> stop_when_idle_s;
  std::optional<double> stats_s;
  std::string report;   ///< file to write; empty: none
  std::string latency;  ///< file to write; empty: none
  bool keep_privileges = false;
  Format format = Format::kText;
  bool redraw = false;  ///< standard output is a terminal whose lines may be drawn anew
  bool version = false;
  bool help = false;
};

/// Takes `[EAL arguments] -- [options]` apart; without a `--` everything is the program's own. Throws Error (kUsage)
/// that names the argument.
Options parse_options(int argc, char** argv);

/// `--help`.
std::string help_text();

/// `--version`: ringway's, DPDK's, and what the compiler aimed at.
std::string version_text();

}  // namespace ringway
