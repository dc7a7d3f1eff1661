#include "plan/draw.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "config/characters.h"
#include "core/text.h"
#include "plan/picture.h"

namespace ringway {
namespace {

constexpr std::size_t kMostComments = 16384;  // bytes

using Node = Topology::Node;
using Edge = Topology::Edge;

std::string socket_of(const Node& node) {
  return "NUMA socket " + std::to_string(node.socket);
}

using Table = std::vector<std::vector<std::string>>;

/// Lines whose cells stand below one another.
std::string aligned(const std::string& heading, const Table& table) {
  std::vector<std::size_t> widths;
  for (const auto& line : table) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], line[i].size());
    }
  }
  std::string text = heading + '\n';
  for (const auto& line : table) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) {
      row += "  " + line[i] + std::string(widths[i] - line[i].size(), ' ');
    }
    text += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

/// `lcores 1-3`, or the name of the only one.
std::string names_of(const Topology& topology, const std::vector<std::size_t>& nodes) {
  std::set<std::size_t> ids;
  for (const std::size_t node : nodes) {
    ids.insert(topology.nodes[node].id);
  }
  return ids.size() == 1 ? topology.nodes[nodes.front()].name : "lcores " + ranges({ids.begin(), ids.end()});
}

/// A line for each port and each lcore, with what all its parts do.
std::string list_nodes(const Topology& topology) {
  std::map<std::pair<bool, std::size_t>, std::vector<std::string>> lines;
  for (const Node& node : topology.nodes) {
    std::vector<std::string>& line = lines[{node.is_port(), node.id}];
    if (line.empty()) {
      line = {node.name, socket_of(node)};
    }
    for (const std::string& fact : node.facts) {
      if (std::find(line.begin(), line.end(), fact) == line.end()) {
        line.push_back(fact);
      }
    }
  }
  Table ports;
  Table lcores;
  for (const auto& [key, line] : lines) {
    if (key.first) {
      ports.push_back(line);
    } else {
      lcores.push_back({line[0], line[1], joined({line.begin() + 2, line.end()}, ", ")});
    }
  }
  return aligned("ports", ports) + "\n" + aligned("lcores", lcores);
}

std::string list_edges(const Topology& topology, bool with_numbers) {
  Table lines;
  for (std::size_t i = 0; i < topology.edges.size(); ++i) {
    const Edge& edge = topology.edges[i];
    std::vector<std::string> line = {edge.name, names_of(topology, edge.from), "-> " + topology.nodes[edge.to].name,
                                     joined(edge.facts, ", ")};
    if (with_numbers) {
      line.insert(line.begin(), edge_number(i));
    }
    lines.push_back(std::move(line));
  }
  return aligned("queues and rings", lines);
}

/// What a node says in a graph, a line each.
std::vector<std::string> lines_of(const Node& node) {
  std::vector<std::string> lines = {node.name, socket_of(node)};
  lines.insert(lines.end(), node.facts.begin(), node.facts.end());
  return lines;
}

std::vector<std::string> lines_of(const Edge& edge) {
  std::vector<std::string> lines = {edge.name};
  lines.insert(lines.end(), edge.facts.begin(), edge.facts.end());
  return lines;
}

/// A quoted string of the DOT language.
std::string dot_text(const std::vector<std::string>& lines) {
  std::string text;
  for (const char c : joined(lines, "\n")) {
    if (c == '"' || c == '\\') {
      text += '\\';
    }
    text += c == '\n' ? "\\n" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return '"' + text + '"';
}

/// A quoted string of a Mermaid flowchart: what may mean something there stands as its number.
std::string mermaid_text(const std::vector<std::string>& lines) {
  std::string text;
  for (const char c : joined(lines, "\n")) {
    if (c == '\n') {
      text += "<br/>";
    } else if (consists_of({&c, 1}, {kLowerLetters, kUpperLetters, kDigits, " .,:-_/()"})) {
      text += c;
    } else {
      text += '#' + std::to_string(static_cast<unsigned char>(c)) + ';';
    }
  }
  return '"' + text + '"';
}

}  // namespace

std::string to_ascii(const Topology& topology) {
  std::string picture = picture_of(topology, ArrowLabel::kName);
  const bool numbers = picture.empty();
  if (numbers) {
    picture = picture_of(topology, ArrowLabel::kNumber);
  }
  return picture + (picture.empty() ? "" : "\n") + list_nodes(topology) + "\n" +
         list_edges(topology, numbers && !picture.empty()) + "\n" + joined(topology.notes, "\n") + "\n";
}

std::string to_dot(const Topology& topology) {
  std::ostringstream out;
  out << "digraph ringway {\n  rankdir=LR;\n  labelloc=b;\n  label=" << dot_text(topology.notes)
      << ";\n  node [shape=box];\n";
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    out << "  n" << i << " [label=" << dot_text(lines_of(topology.nodes[i]))
        << (topology.nodes[i].is_port() ? ", style=rounded" : "") << "];\n";
  }
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    const bool first = i == 0 || topology.nodes[i].kind != topology.nodes[i - 1].kind;
    const bool last = i + 1 == topology.nodes.size() || topology.nodes[i].kind != topology.nodes[i + 1].kind;
    out << (first ? "  {rank=same;" : "") << " n" << i << ';' << (last ? "}\n" : "");
  }
  for (const Edge& edge : topology.edges) {
    for (const std::size_t from : edge.from) {
      out << "  n" << from << " -> n" << edge.to << " [label=" << dot_text(lines_of(edge))
          << (edge.kind == EdgeKind::kRing ? ", style=bold" : "") << "];\n";
    }
  }
  out << "}\n";
  return out.str();
}

std::string to_mermaid(const Topology& topology) {
  std::ostringstream out;
  out << "flowchart LR\n";
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    const bool port = topology.nodes[i].is_port();
    out << "  n" << i << (port ? "(" : "[") << mermaid_text(lines_of(topology.nodes[i])) << (port ? ")" : "]") << '\n';
  }
  for (const Edge& edge : topology.edges) {
    for (const std::size_t from : edge.from) {
      out << "  n" << from << (edge.kind == EdgeKind::kRing ? " ==>|" : " -->|") << mermaid_text(lines_of(edge))
          << "| n" << edge.to << '\n';
    }
  }
  out << "  n" << topology.nodes.size() << "[" << mermaid_text(topology.notes) << "]\n";
  return out.str();
}

std::string as_comments(const std::string& text) {
  if (text.size() > kMostComments) {
    return "# Too many ports, lcores, queues and rings to show here: --plan=text lists them.\n";
  }
  std::string comments;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    comments += line.empty() ? "#\n" : "# " + line + '\n';
  }
  return comments;
}

}  // namespace ringway
