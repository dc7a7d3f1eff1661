#include "ladder/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace ringway {
namespace {

// Pixels.
constexpr double kWidth = 1200;
constexpr double kMargin = 28;
constexpr double kRight = kWidth - kMargin;
constexpr double kRow = 24;
constexpr double kNoteRow = 17;  // what follows a row
constexpr double kBar = 14;      // height
constexpr double kBaseline = 16.5;
constexpr double kGap = 18;         // between columns
constexpr double kValue = 72;       // room for a figure behind a bar
constexpr double kCopiesText = 44;  // room for a figure in front of its blocks
constexpr double kCopies = 112;     // widths of columns; that of CPU time has the rest
constexpr double kThroughput = 230;
constexpr double kLatency = 150;
constexpr double kPercentile = 66;  // of that, the right one
constexpr double kMostName = 290;
constexpr double kMostBlock = 13;  // width of a block that is one copy

constexpr double kTitleSize = 15;  // of a group
constexpr double kNameSize = 13;
constexpr double kTextSize = 12;
constexpr double kSmall = 11;

/// How a group's figures are told.
struct Group {
  std::string_view name;
  const char* title;
  const char* item;   // that CPU time is told for
  const char* items;  // that throughput counts
};
constexpr Group kGroups[] = {{"file", "Files to sockets", "byte", "B/s"},
                             {"process", "One process to another", "byte", "B/s"},
                             {"packet", "Frames between two wires", "frame", "frames/s"},
                             {"waiting", "Ways to wait for a message", "message", "messages/s"}};

const Group& group_of(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kGroups), std::end(kGroups), [name](const Group& group) { return group.name == name; });
  return found != std::end(kGroups) ? *found : kGroups[0];
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

/// What throughput and CPU time are counted in.
double items_of(const Outcome& outcome, const Group& group) {
  return static_cast<double>(group.item == std::string_view("byte") ? outcome.bytes : outcome.packets);
}

double cpu_ns(const Outcome& outcome, const Group& group) {
  return ratio((outcome.usage.user_s + outcome.usage.system_s) * 1e9, items_of(outcome, group));
}

double items_a_second(const Outcome& outcome, const Group& group) {
  return ratio(items_of(outcome, group), outcome.seconds);
}

std::string printed(const char* format, int places, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, places, value);
  return text;
}

std::string decimals(double value, int places) {
  return printed("%.*f", places, value);
}

/// 1234567 as `1,234,567`.
std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

/// Three significant digits.
std::string figure(double value) {
  if (value >= 1e7) {
    return printed("%.*e", 2, value);
  }
  if (value >= 1000) {
    return grouped(static_cast<std::uint64_t>(std::llround(value)));
  }
  if (value < 0.0005) {
    return value > 0 ? "<0.001" : "0";
  }
  return decimals(value, value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/// Whole copies as whole numbers.
std::string copies_text(double copies) {
  if (copies > 0 && copies < 0.005) {
    return "<0.01";
  }
  return std::abs(copies - std::round(copies)) < 0.005 ? decimals(copies, 0) : decimals(copies, 2);
}

struct Prefix {
  const char* letter;
  const char* word;
  double factor;
};

Prefix prefix_of(double most) {
  constexpr Prefix kPrefixes[] = {{"G", "thousand million ", 1e9}, {"M", "million ", 1e6}, {"k", "thousand ", 1e3}};
  const auto* found = std::find_if(std::begin(kPrefixes), std::end(kPrefixes),
                                   [most](const Prefix& prefix) { return most >= prefix.factor; });
  return found != std::end(kPrefixes) ? *found : Prefix{"", "", 1};
}

/// Draws from top to bottom.
class Painter {
 public:
  Painter(const std::vector<Result>& results, const Load& load, const Machine& machine) : results_(results) {
    place_columns();
    head(load, machine);
    for (std::size_t first = 0; first < results_.size();) {
      first = group(first);
    }
    foot();
    drawing_.width = kWidth;
    drawing_.height = std::ceil(y_ + kMargin);
  }

  Drawing take() { return std::move(drawing_); }

 private:
  void say(double x, double y, std::string text, double size, Ink ink, bool bold = false, double most = kWidth) {
    std::string cut = shortened(text, size, bold, most);
    std::string whole = cut == text ? std::string() : std::move(text);
    drawing_.words.push_back(
        {.x = x, .y = y, .text = std::move(cut), .size = size, .ink = ink, .bold = bold, .whole = std::move(whole)});
  }

  /// Ends there.
  void say_before(double x, double y, const std::string& text, double size, Ink ink) {
    say(x - width_of(text, size), y, text, size, ink);
  }

  void fill(double x, double y, double width, double height, Ink ink) {
    if (width > 0) {
      drawing_.boxes.push_back({.x = x, .y = y, .width = width, .height = height, .ink = ink});
    }
  }

  /// The most over all outcomes of a group, or of all groups.
  template <class Value>
  double most(std::size_t first, std::size_t last, Value value) const {
    double found = 0;
    for (std::size_t i = first; i < last; ++i) {
      found = results_[i].outcome ? std::max(found, value(*results_[i].outcome)) : found;
    }
    return found;
  }

  void place_columns() {
    double name = 0;
    for (const Result& result : results_) {
      name = std::max({name, width_of(result.rung->name, kNameSize, true),
                       width_of(group_of(result.rung->group).title, kTitleSize, true)});
    }
    copies_x_ = kMargin + std::ceil(std::min(name, kMostName)) + kGap;
    cpu_x_ = copies_x_ + kCopies + kGap;
    throughput_x_ = kRight - kLatency - kGap - kThroughput;
    const double copies = most(0, results_.size(), [](const Outcome& outcome) { return outcome.copies_per_byte; });
    block_ = std::min(kMostBlock, (kCopies - kCopiesText) / std::max(1.0, std::ceil(copies)));
  }

  void head(const Load& load, const Machine& machine) {
    drawing_.title = "What zero copy is worth";
    say(kMargin, 44, drawing_.title, 22, Ink::kText, true);
    say(kMargin, 68,
        machine.cpu + ", " + std::to_string(machine.cpus) + (machine.cpus == 1 ? " CPU" : " CPUs") + "; " +
            machine.kernel,
        kNameSize, Ink::kMuted, false, kRight - kMargin);
    say(kMargin, 87,
        grouped(load.bytes >> 20) + " MiB in blocks of " + grouped(load.block >> 10) + " KiB, or " +
            grouped(load.packets) + " frames of " + grouped(load.packet_bytes) +
            " bytes; every byte compared at the far end",
        kNameSize, Ink::kMuted, false, kRight - kMargin);
    y_ = 102;
    legend();
  }

  void legend() {
    double x = kMargin;
    for (const auto& [ink, text] :
         {std::pair{Ink::kCopies, "a copy by a CPU"}, {Ink::kCpu, "CPU time"}, {Ink::kThroughput, "throughput"}}) {
      fill(x, y_ + 2, kMostBlock, kMostBlock, ink);
      say(x + kMostBlock + 6, y_ + 13, text, kTextSize, Ink::kText);
      x += kMostBlock + 6 + std::ceil(width_of(text, kTextSize)) + 26;
    }
    say(x, y_ + 13, "bars compare within a group", kTextSize, Ink::kMuted);
    y_ += 22;
  }

  /// Draws the group that begins there; returns where the next one does.
  std::size_t group(std::size_t first) {
    std::size_t last = first;
    while (last < results_.size() && results_[last].rung->group == results_[first].rung->group) {
      ++last;
    }
    const Group& kind = group_of(results_[first].rung->group);
    const double cpu = most(first, last, [&kind](const Outcome& outcome) { return cpu_ns(outcome, kind); });
    const double fastest = most(first, last, [&kind](const Outcome& outcome) { return items_a_second(outcome, kind); });
    const Prefix prefix = prefix_of(fastest);
    group_head(kind, prefix);
    for (std::size_t i = first; i < last; ++i) {
      if ((i - first) % 2 == 0) {
        fill(kMargin - 10, y_, kRight - kMargin + 20, height_of(results_[i]), Ink::kBand);
      }
      const Result& result = results_[i];
      const bool ran = result.outcome.has_value();
      say(kMargin, y_ + kBaseline, result.rung->name, kNameSize, ran ? Ink::kText : Ink::kMuted, ran, kMostName);
      if (ran) {
        figures(*result.outcome, kind, cpu, fastest, prefix);
      }
      remark(result);
      y_ += height_of(result);
    }
    return last;
  }

  void group_head(const Group& kind, const Prefix& prefix) {
    y_ += 42;
    const double text_y = y_ - 9;
    const bool bytes = kind.items == std::string_view("B/s");
    say(kMargin, text_y, kind.title, kTitleSize, Ink::kText, true);
    say(copies_x_, text_y, "copies a byte", kSmall, Ink::kMuted);
    say(cpu_x_, text_y, std::string("CPU time, ns a ") + kind.item, kSmall, Ink::kMuted);
    say(throughput_x_, text_y, std::string("throughput, ") + (bytes ? prefix.letter : prefix.word) + kind.items, kSmall,
        Ink::kMuted);
    say_before(kRight - kPercentile, text_y, "latency p50", kSmall, Ink::kMuted);
    say_before(kRight, text_y, "p99, µs", kSmall, Ink::kMuted);
    fill(kMargin - 10, y_ - 1, kRight - kMargin + 20, 1, Ink::kLine);
  }

  static double height_of(const Result& result) {
    const bool noted = result.outcome && (result.failed || !result.outcome->fell_back.empty());
    return kRow + (noted ? kNoteRow : 0);
  }

  void figures(const Outcome& outcome, const Group& kind, double most_cpu, double fastest, const Prefix& prefix) {
    const double top = y_ + (kRow - kBar) / 2;
    const double text_y = y_ + kBaseline;
    say_before(copies_x_ + kCopiesText - 10, text_y, copies_text(outcome.copies_per_byte), kTextSize, Ink::kText);
    blocks(outcome.copies_per_byte, top);

    const double room = throughput_x_ - kGap - kValue - cpu_x_;
    const double cpu = room * ratio(cpu_ns(outcome, kind), most_cpu);
    fill(cpu_x_, top, cpu, kBar, Ink::kCpu);
    say(cpu_x_ + cpu + 6, text_y, figure(cpu_ns(outcome, kind)), kTextSize, Ink::kText);

    const double speed = items_a_second(outcome, kind);
    const double length = (kThroughput - kValue) * ratio(speed, fastest);
    fill(throughput_x_, top, length, kBar, Ink::kThroughput);
    say(throughput_x_ + length + 6, text_y, figure(speed / prefix.factor), kTextSize, Ink::kText);
    if (outcome.latency_p50_us > 0) {
      say_before(kRight - kPercentile, text_y, figure(outcome.latency_p50_us), kTextSize, Ink::kText);
      say_before(kRight, text_y, figure(outcome.latency_p99_us), kTextSize, Ink::kMuted);
    }
  }

  /// A block for each copy; the last may be a part of one.
  void blocks(double copies, double top) {
    const double gap = block_ > 6 ? 2 : 0;
    double x = copies_x_ + kCopiesText;
    for (double left = copies; left > 0.005; left -= 1) {
      fill(x, top, (block_ - gap) * std::min(left, 1.0), kBar, Ink::kCopies);
      x += block_;
    }
  }

  void remark(const Result& result) {
    const double room = kRight - copies_x_;
    if (!result.outcome) {
      say(copies_x_, y_ + kBaseline, (result.failed ? "FAILED: " : "did not run: ") + result.skipped_because, kTextSize,
          result.failed ? Ink::kAlarm : Ink::kMuted, result.failed, room);
    } else if (result.failed) {
      say(copies_x_, y_ + kRow + 9, "FAILED: bytes differ", kSmall, Ink::kAlarm, true, room);
    } else if (!result.outcome->fell_back.empty()) {
      say(copies_x_, y_ + kRow + 9, "fell back: " + result.outcome->fell_back, kSmall, Ink::kAlarm, false, room);
    }
  }

  void foot() {
    y_ += 28;
    for (const char* line :
         {"Copies and CPU time are those of the mover: who sends the file, both processes of a pipe, the forwarder "
          "between two wires. The far end is in the throughput only.",
          "Ways to wait: CPU time and throughput when answered as fast as they can be, latency at 1,000 messages a "
          "second.",
          "One run on one machine: compare within it."}) {
      say(kMargin, y_, line, kSmall, Ink::kMuted);
      y_ += 17;
    }
    y_ -= 17;
  }

  const std::vector<Result>& results_;
  Drawing drawing_;
  double y_ = 0;  // of what comes next
  double copies_x_ = 0;
  double cpu_x_ = 0;
  double throughput_x_ = 0;
  double block_ = 0;  // width of a copy
};

}  // namespace

Drawing chart_of(const std::vector<Result>& results, const Load& load, const Machine& machine) {
  return Painter(results, load, machine).take();
}

}  // namespace ringway
