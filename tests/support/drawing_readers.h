#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace ringway {

/// Who hands packets to whom through what: names of a port or lcore, of a queue or ring, of a port or lcore.
using Link = std::array<std::string, 3>;
using Links = std::set<Link>;

/// A text's lines, without their ends.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

/// Reads a graph back: `node` finds a node's id and name, `edge` two ids and a name; `groups` are those of the first
/// id, the name and the second id.
inline Links read_graph(const std::string& text, const std::regex& node, const std::regex& edge,
                        std::array<std::size_t, 3> groups) {
  std::map<std::string, std::string> names;
  Links links;
  for (const std::string& line : lines_of(text)) {
    std::smatch found;
    if (std::regex_search(line, found, edge)) {
      links.insert({names.at(found[groups[0]]), found[groups[1]], names.at(found[groups[2]])});
    } else if (std::regex_search(line, found, node)) {
      names[found[1]] = found[2];
    }
  }
  return links;
}

/// What to_dot() has written.
inline Links read_dot(const std::string& text) {
  return read_graph(text, std::regex(R"x(^  (n\d+) \[label="(.*?)(?:\\n|"))x"),
                    std::regex(R"x(^  (n\d+) -> (n\d+) \[label="(.*?)(?:\\n|"))x"), {1, 3, 2});
}

/// What to_mermaid() has written.
inline Links read_mermaid(const std::string& text) {
  return read_graph(text, std::regex(R"x(^  (n\d+)[\[(]"(.*?)(?:<br/>|"))x"),
                    std::regex(R"x(^  (n\d+) [-=]+>\|"(.*?)(?:<br/>|").*\| (n\d+)$)x"), {1, 2, 3});
}

/// `lcores 1-3, 7` one by one.
inline std::vector<std::string> one_by_one(const std::string& names) {
  if (!names.starts_with("lcores ")) {
    return {names};
  }
  std::vector<std::string> all;
  const std::regex range(R"((\d+)(?:-(\d+))?)");
  for (std::sregex_iterator at(names.begin(), names.end(), range); at != std::sregex_iterator{}; ++at) {
    const int last = std::stoi((*at)[2].matched ? (*at)[2] : (*at)[1]);
    for (int id = std::stoi((*at)[1]); id <= last; ++id) {
      all.push_back("lcore " + std::to_string(id));
    }
  }
  return all;
}

/// The list of queues and rings that to_ascii() has written.
inline Links read_list(const std::string& text) {
  const std::regex line_of_edge(R"(^  (?:(#\d+) +)?(\S.*?)  +(\S.*?) +-> (\S+(?: \d+)?)(?:  .*)?$)");
  Links links;
  int number = 0;
  for (const std::string& line : lines_of(text.substr(text.find("queues and rings\n")))) {
    if (std::smatch found; std::regex_match(line, found, line_of_edge)) {
      ++number;
      EXPECT_TRUE(!found[1].matched || found[1] == "#" + std::to_string(number)) << line;
      for (const std::string& from : one_by_one(found[3])) {
        links.insert({from, found[2], found[4]});
      }
    }
  }
  return links;
}

/// Follows the lines of a picture as the eye does.
class PictureReader {
 public:
  explicit PictureReader(const std::string& text) : rows_(lines_of(text)) {}

  /// Its arrows, by what stands on them.
  Links links() const {
    Links links;
    const std::regex label(R"(\|- (\S+(?: \d+)?) (?=-))");  // where an arrow leaves a box
    for (std::size_t y = 0; y < rows_.size(); ++y) {
      for (std::sregex_iterator at(rows_[y].begin(), rows_[y].end(), label); at != std::sregex_iterator{}; ++at) {
        const auto x = static_cast<std::size_t>(at->position());
        links.insert({title_left_of(x, y), (*at)[1], end(x + static_cast<std::size_t>(at->length()), y)});
      }
    }
    return links;
  }

 private:
  char at(std::size_t x, std::size_t y) const { return y < rows_.size() && x < rows_[y].size() ? rows_[y][x] : ' '; }

  /// What stands in the topmost line of the box, or of its lowest part, with a right side at x.
  std::string title_left_of(std::size_t x, std::size_t y) const {
    while (at(x, y - 1) == '|') {
      --y;
    }
    return title(rows_[y].rfind('|', x - 1), y);
  }

  std::string title(std::size_t x, std::size_t y) const {
    const std::string inside = rows_[y].substr(x + 2, rows_[y].find('|', x + 1) - x - 2);
    return inside.substr(0, inside.find_last_not_of(' ') + 1);
  }

  /// The box that an arrow leads to: along the row, across `|`, and at a `+` up or down to where the arrow goes on.
  std::string end(std::size_t x, std::size_t y) const {
    while (at(x, y) == '-' || at(x, y) == '|') {
      ++x;
    }
    if (at(x, y) == '>') {
      return at(x + 1, y) == '|' ? title(x + 1, y) : "no box";
    }
    if (at(x, y) != '+') {
      return "nowhere";
    }
    while (at(x, y - 1) == '|' || at(x, y - 1) == '+') {
      --y;
    }
    while (at(x, y) == '|' || (at(x, y) == '+' && at(x + 1, y) == ' ')) {
      ++y;
    }
    return at(x, y) == '+' ? end(x + 1, y) : "nowhere";
  }

  std::vector<std::string> rows_;
};

}  // namespace ringway
