#pragma once

#include <string>

#include "config/config.h"
#include "core/exit_status.h"
#include "options.h"
#include "plan/make_plan.h"

namespace ringway {

/// Prints a result on standard output; one that cannot be printed is a failure. Returns kClean or throws Error.
ExitStatus put(const std::string& text);

/// Prints a plan in the form that --plan asks for: as YAML, as a drawing, as a graph, or as an SVG, which takes
/// Graphviz's dot. Returns kClean or throws Error.
ExitStatus put_plan(const Config& config, const Planning& planning, const Options& options);

}  // namespace ringway
