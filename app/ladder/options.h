#pragma once

#include <string>
#include <vector>

#include "ladder/rung.h"

namespace ringway {

/// The command line of ringway-ladder.
struct LadderOptions {
  Load load;
  std::vector<std::string> only;    ///< names or groups of rungs; empty: all
  std::string json;                 ///< file to write; empty: none
  std::vector<std::string> charts;  ///< files to draw, by their endings .svg or .png
  double seconds = 0;               ///< a rung at most
  bool list = false;
  bool help = false;
};

/// Throws Error (kUsage) that names the argument.
LadderOptions parse_ladder_options(int argc, char** argv);

/// `--help`.
std::string ladder_help_text();

}  // namespace ringway
