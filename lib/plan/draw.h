#pragma once

#include <string>

#include "plan/topology.h"

namespace ringway {

/// The topology for a terminal of 120 columns, in ASCII: a picture from left to right where one fits, then a line for
/// each port, lcore, queue and ring, then the notes.
std::string to_ascii(const Topology& topology);

/// A directed graph in Graphviz's DOT language.
std::string to_dot(const Topology& topology);

/// A Mermaid flowchart.
std::string to_mermaid(const Topology& topology);

/// `text` as comments of a YAML file; only a pointer to --plan=text when it would take too much of the 64 KiB that a
/// configuration may have.
std::string as_comments(const std::string& text);

}  // namespace ringway
