#include "plan/picture.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace ringway {
namespace {

constexpr std::size_t kMostColumns = 118;  // as a comment two more
constexpr std::size_t kMostRows = 64;      // a longer one is scrolled, and a list reads better

using Node = Topology::Node;
using Edge = Topology::Edge;

/// Boxes in columns, one column for each part that packets pass, and arrows between neighbouring columns. An arrow
/// that skips a column passes it through a box without lines.
class Picture {
 public:
  Picture(const Topology& topology, ArrowLabel label) : topology_(topology), label_(label) {
    add_boxes();
    add_arrows();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      place(c);
      if (c > 0) {
        draw_gap(columns_[c - 1], columns_[c]);
      }
      draw_boxes(columns_[c]);
    }
  }

  bool fits() const { return canvas_.size() <= kMostRows && columns_.back().x + columns_.back().width <= kMostColumns; }

  std::string text() const {
    std::string all;
    for (const std::string& row : canvas_) {
      all += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
    }
    return all;
  }

 private:
  struct Arrow {
    std::string label;
    std::size_t to = 0;   // box in the next column
    std::size_t end = 0;  // node that it leads to in the end
    std::size_t row = 0;
  };
  struct Box {
    std::vector<std::string> lines = {};  // none: an arrow passes through; an empty one is a divider
    std::size_t title = 0;                // the line that arrows lead to, and from which on they leave
    std::vector<Arrow> arrows = {};
    std::size_t top = 0;

    std::size_t entry() const { return lines.empty() ? top : top + 1 + title; }
    std::size_t bottom() const {
      return lines.empty() ? top : std::max(top + lines.size(), arrows.empty() ? 0 : arrows.back().row) + 1;
    }
  };
  struct Column {
    std::string heading;
    std::vector<std::size_t> boxes = {};  // from top to bottom
    std::size_t x = 0;
    std::size_t width = 0;
  };
  /// Rows of the arrows that lead to each box.
  using Arrivals = std::map<std::size_t, std::vector<std::size_t>>;
  /// The vertical part of the arrows that lead to one box.
  struct Track {
    std::size_t box = 0;
    std::size_t first = 0;  // row
    std::size_t last = 0;
    std::size_t number = 0;  // from left to right
  };

  void add_boxes() {
    const std::map<NodeKind, std::string> headings = {{NodeKind::kPortIn, "ports"},
                                                      {NodeKind::kReceiver, "receive"},
                                                      {NodeKind::kWorker, "work"},
                                                      {NodeKind::kTransmitter, "transmit"},
                                                      {NodeKind::kPortOut, "ports"}};
    std::map<NodeKind, std::size_t> columns;
    for (std::size_t i = 0; i < topology_.nodes.size(); ++i) {  // they come by kind
      const Node& node = topology_.nodes[i];
      if (const auto heading = headings.find(node.kind); heading != headings.end()) {
        if (columns.try_emplace(node.kind, columns_.size()).second) {
          columns_.push_back({.heading = heading->second});
        }
        column_of_[i] = columns.at(node.kind);
        box_of_[i] = add_box(column_of_[i], {.lines = {node.name, "NUMA " + std::to_string(node.socket)}});
      }
    }
  }

  std::size_t add_box(std::size_t column, Box box) {
    columns_[column].boxes.push_back(boxes_.size());
    boxes_.push_back(std::move(box));
    return boxes_.size() - 1;
  }

  /// Generators and checkers become compartments of their ports.
  void add_arrows() {
    for (std::size_t i = 0; i < topology_.edges.size(); ++i) {
      const Edge& edge = topology_.edges[i];
      for (const std::size_t from : edge.from) {
        if (edge.kind == EdgeKind::kGenerate) {
          Box& port = boxes_[box_of_.at(edge.to)];
          port.lines.insert(port.lines.begin(), {topology_.nodes[from].name, edge.label, ""});
          port.title += 3;
        } else if (edge.kind == EdgeKind::kCheck) {
          Box& port = boxes_[box_of_.at(from)];
          port.lines.insert(port.lines.end(), {"", topology_.nodes[edge.to].name, edge.label});
        } else {
          add_arrow(from, edge.to, label_ == ArrowLabel::kNumber ? edge_number(i) : edge.label);
        }
      }
    }
  }

  void add_arrow(std::size_t from, std::size_t to, std::string label) {
    std::size_t box = box_of_.at(from);
    for (std::size_t column = column_of_.at(from) + 1; column <= column_of_.at(to); ++column) {
      const std::size_t next = column < column_of_.at(to) ? add_box(column, {}) : box_of_.at(to);
      boxes_[box].arrows.push_back({.label = std::exchange(label, ""), .to = next, .end = to});
      box = next;
    }
  }

  Arrivals arrivals(const Column& before) const {
    Arrivals rows;
    for (const std::size_t box : before.boxes) {
      for (const Arrow& arrow : boxes_[box].arrows) {
        rows[arrow.to].push_back(arrow.row);
      }
    }
    return rows;
  }

  /// Puts boxes where arrows are straight and seldom cross. No arrow leads to a row from which one to another box
  /// leaves, so that each row between two columns belongs to one box.
  void place(std::size_t c) {
    Column& column = columns_[c];
    Arrivals rows = c > 0 ? arrivals(columns_[c - 1]) : Arrivals{};
    std::map<std::size_t, double> middle;
    std::map<std::size_t, std::size_t> leading_to;  // of a row
    for (const auto& [box, its_rows] : rows) {
      for (const std::size_t row : its_rows) {
        middle[box] += static_cast<double>(row) / static_cast<double>(its_rows.size());
        leading_to[row] = box;
      }
    }
    std::stable_sort(column.boxes.begin(), column.boxes.end(),
                     [&](std::size_t a, std::size_t b) { return middle[a] < middle[b]; });
    column.width = column.heading.size() + 4;
    std::size_t next = 1;  // below the heading
    for (const std::size_t i : column.boxes) {
      Box& box = boxes_[i];
      box.top = next;
      if (!rows[i].empty()) {
        box.top += std::max(rows[i].front(), box.entry()) - box.entry();
      }
      while (leading_to.contains(box.entry()) && leading_to.at(box.entry()) != i) {
        ++box.top;
      }
      arrange(box);
      next = box.bottom() + 1;
      for (const std::string& line : box.lines) {
        column.width = std::max(column.width, line.size() + 4);
      }
    }
  }

  /// Gives arrows their rows: those with one end together, a free row between ends.
  static void arrange(Box& box) {
    std::stable_sort(box.arrows.begin(), box.arrows.end(),
                     [](const Arrow& a, const Arrow& b) { return a.end < b.end; });
    std::size_t row = box.entry();
    for (std::size_t i = 0; i < box.arrows.size(); ++i) {
      row += i > 0 && box.arrows[i].end != box.arrows[i - 1].end ? 1 : 0;
      box.arrows[i].row = row++;
    }
  }

  /// A track for each box that not one straight arrow leads to; tracks share a place where their rows are apart.
  std::vector<Track> lay_tracks(const Arrivals& rows) const {
    std::vector<Track> tracks;
    for (const auto& [box, its_rows] : rows) {
      const auto [first, last] = std::minmax_element(its_rows.begin(), its_rows.end());
      const std::size_t entry = boxes_[box].entry();
      Track track{.box = box, .first = std::min(*first, entry), .last = std::max(*last, entry)};
      if (track.first == track.last) {
        continue;
      }
      const auto taken = [&](const Track& other) {
        return other.number == track.number && other.first <= track.last + 1 && track.first <= other.last + 1;
      };
      while (std::any_of(tracks.begin(), tracks.end(), taken)) {
        ++track.number;
      }
      tracks.push_back(track);
    }
    return tracks;
  }

  void draw_gap(const Column& left, Column& right) {
    const std::vector<Track> tracks = lay_tracks(arrivals(left));
    std::size_t labels = 1;
    for (const std::size_t box : left.boxes) {
      for (const Arrow& arrow : boxes_[box].arrows) {
        labels = std::max(labels, arrow.label.empty() ? 0 : arrow.label.size() + 3);
      }
    }
    std::size_t places = 0;
    for (const Track& track : tracks) {
      places = std::max(places, track.number + 1);
    }
    const std::size_t from = left.x + left.width;
    right.x = from + labels + 2 * places + 2;
    std::map<std::size_t, std::size_t> x_of;  // a box's track
    for (const Track& track : tracks) {
      x_of[track.box] = from + labels + 2 * track.number + 1;
      for (std::size_t y = track.first; y <= track.last; ++y) {
        at(x_of[track.box], y) = '|';
      }
    }
    for (const std::size_t box : left.boxes) {
      for (const Arrow& arrow : boxes_[box].arrows) {
        draw_arrow(arrow, from, x_of.contains(arrow.to) ? x_of[arrow.to] : right.x, right.x);
      }
    }
  }

  /// From the box to the track, and from the track to the next box; `track` is that box's side when there is none.
  void draw_arrow(const Arrow& arrow, std::size_t from, std::size_t track, std::size_t to) {
    const Box& next = boxes_[arrow.to];
    draw_line(from, track, arrow.row);
    if (!arrow.label.empty()) {
      write(from + 1, arrow.row, ' ' + arrow.label + ' ');
    }
    if (track < to) {
      draw_line(track, to, next.entry());
      at(track, arrow.row) = at(track, next.entry()) = '+';
    }
    if (!next.lines.empty()) {
      at(to - 1, next.entry()) = '>';
    }
  }

  /// Tracks that it crosses stay whole.
  void draw_line(std::size_t x, std::size_t end, std::size_t y) {
    for (; x < end; ++x) {
      at(x, y) = at(x, y) == ' ' ? '-' : at(x, y);
    }
  }

  void draw_boxes(const Column& column) {
    write(column.x + 2, 0, column.heading);
    const std::string border = '+' + std::string(column.width - 2, '-') + '+';
    for (const std::size_t i : column.boxes) {
      const Box& box = boxes_[i];
      if (box.lines.empty()) {
        draw_line(column.x, column.x + column.width, box.top);
        continue;
      }
      for (std::size_t y = box.top; y <= box.bottom(); ++y) {
        const std::size_t line = y - box.top - 1;
        const bool inside = y > box.top && y < box.bottom();
        std::string text = inside && line < box.lines.size() ? box.lines[line] : "";
        const bool divider = inside && line < box.lines.size() && text.empty();
        text.resize(column.width - 4, ' ');
        write(column.x, y, inside && !divider ? "| " + text + " |" : border);
        if (divider) {
          at(column.x + column.width / 2, y) = 'v';
        }
      }
    }
  }

  void write(std::size_t x, std::size_t y, const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      at(x + i, y) = text[i];
    }
  }

  char& at(std::size_t x, std::size_t y) {
    if (y >= canvas_.size()) {
      canvas_.resize(y + 1);
    }
    if (x >= canvas_[y].size()) {
      canvas_[y].resize(x + 1, ' ');
    }
    return canvas_[y][x];
  }

  const Topology& topology_;
  ArrowLabel label_;
  std::vector<Box> boxes_;
  std::vector<Column> columns_;
  std::map<std::size_t, std::size_t> column_of_;  // of a node
  std::map<std::size_t, std::size_t> box_of_;
  std::vector<std::string> canvas_;
};

}  // namespace

std::string edge_number(std::size_t edge) {
  return "#" + std::to_string(edge + 1);
}

std::string picture_of(const Topology& topology, ArrowLabel label) {
  if (topology.edges.size() > kMostRows) {
    return {};  // each takes a row at least
  }
  const Picture picture(topology, label);
  return picture.fits() ? picture.text() : std::string{};
}

}  // namespace ringway
