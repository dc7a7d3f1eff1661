#include <cairo.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <regex>
#include <set>

#include "ladder/chart.h"
#include "ladder_fixtures.h"

namespace ringway {
namespace {

MadeLadder some() {
  MadeLadder made;
  made.ran("file", "read_write", 2, 0.01, 0.03, 0.05);
  made.ran("file", "sendfile", 0, 0.001, 0.009, 0.02).fell_back = "copied through a pipe";
  made.did_not("file", "io_uring", "the kernel refuses <io_uring_setup>");
  made.ran("process", "pipe", 2, 0.01, 0.02, 0.04);
  made.ran("waiting", "busy", 0, 0.04, 0, 0.04);
  made.did_not("waiting", "futex", "its process ended by signal Killed", true);
  return made;
}

/// Forty rungs; names, reasons and figures as long as they come.
MadeLadder many() {
  MadeLadder made;
  const std::string reason(400, 'w');
  for (const char* group : {"file", "process", "packet", "waiting"}) {
    for (int i = 0; i < 10; ++i) {
      const std::string name = std::string(static_cast<std::size_t>(4 + 5 * i), 'm') + "_" + group + std::to_string(i);
      if (i % 5 == 4) {
        made.did_not(group, name, reason, i == 9);
      } else {
        Outcome& outcome = made.ran(group, name, i == 3 ? 7.25 : 0.001 * i, 1e4 * i, 2e4 * i, 0.001 + i);
        outcome.fell_back = i % 2 == 0 ? reason : "";
        outcome.latency_p99_us = 123456789;
        outcome.latency_p50_us = 12345678;
      }
    }
  }
  return made;
}

std::string svg_of(const MadeLadder& made) {
  return to_svg(chart_of(made.results, small_load(), kMachine));
}

struct Area {
  double left, right, top, bottom;
  bool meets(const Area& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

Area area_of(const Words& words) {
  return {words.x, words.x + width_of(words.text, words.size, words.bold), words.y - 0.76 * words.size,
          words.y + 0.24 * words.size};
}

Area area_of(const Box& box) {
  return {box.x, box.x + box.width, box.y, box.y + box.height};
}

const Words* find(const Drawing& drawing, const std::string& text) {
  const auto found =
      std::find_if(drawing.words.begin(), drawing.words.end(), [&](const Words& words) { return words.text == text; });
  return found == drawing.words.end() ? nullptr : &*found;
}

/// Of the boxes of an ink in the row of a rung.
double length_of(const Drawing& drawing, const std::string& rung, Ink ink) {
  const double y = find(drawing, rung)->y;
  double length = 0;
  for (const Box& box : drawing.boxes) {
    length += box.ink == ink && box.y < y && y < box.y + box.height + 8 ? box.width : 0;
  }
  return length;
}

struct Pixels {
  explicit Pixels(const std::string& png) : left(png) {
    surface = cairo_image_surface_create_from_png_stream(
        [](void* all, unsigned char* data, unsigned length) {
          auto& rest = *static_cast<std::string_view*>(all);
          if (rest.size() < length) {
            return CAIRO_STATUS_READ_ERROR;
          }
          std::memcpy(data, rest.data(), length);
          rest.remove_prefix(length);
          return CAIRO_STATUS_SUCCESS;
        },
        &left);
  }
  ~Pixels() { cairo_surface_destroy(surface); }
  Pixels(const Pixels&) = delete;
  Pixels& operator=(const Pixels&) = delete;

  unsigned at(double x, double y) const {
    const unsigned char* row =
        cairo_image_surface_get_data(surface) + static_cast<int>(y) * cairo_image_surface_get_stride(surface);
    unsigned colour = 0;
    std::memcpy(&colour, row + static_cast<int>(x) * 4, sizeof colour);
    return colour & 0xffffff;
  }

  std::string_view left;
  cairo_surface_t* surface;
};

TEST(Chart, NamesEveryRungInOrderAndEveryReason) {
  const std::string svg = svg_of(some());
  std::size_t at = 0;
  for (const char* name :
       {"Files to sockets", ">read_write<", ">sendfile<", "fell back: copied through a pipe", ">io_uring<",
        "did not run: the kernel refuses &lt;io_uring_setup&gt;", "One process to another", ">pipe<",
        "Ways to wait for a message", ">busy<", ">futex<", "FAILED: its process ended by signal Killed"}) {
    at = svg.find(name, at);
    ASSERT_NE(at, std::string::npos) << name << " in\n" << svg;
  }
  EXPECT_NE(svg.find("A &amp; B &lt;Processor&gt;, 2 CPUs; Linux 6.1"), std::string::npos);
  EXPECT_NE(svg.find("32 MiB in blocks of 64 KiB, or 20,000 frames of 1,514 bytes"), std::string::npos);
}

TEST(Chart, CutsLongTextAndKeepsTheWhole) {
  const MadeLadder made = many();
  const std::string svg = svg_of(made);
  for (const Rung& rung : made.rungs) {
    EXPECT_NE(svg.find(">" + rung.name + "<"), std::string::npos) << rung.name;
  }
  EXPECT_NE(svg.find("<title>did not run: " + std::string(400, 'w') + "</title>"), std::string::npos);
}

TEST(Chart, BytesThatDifferAreTold) {
  MadeLadder made = some();
  made.results[0].failed = true;
  EXPECT_NE(svg_of(made).find("FAILED: bytes differ"), std::string::npos);
}

TEST(Chart, BarsCompareWithinAGroupOnly) {
  const MadeLadder made = some();
  const Drawing drawing = chart_of(made.results, small_load(), kMachine);
  auto cpu = [&](const std::string& rung) { return length_of(drawing, rung, Ink::kCpu); };
  EXPECT_NEAR(cpu("read_write"), 4 * cpu("sendfile"), 0.01);
  EXPECT_NEAR(cpu("pipe"), cpu("read_write"), 0.01);
  EXPECT_NEAR(2.5 * length_of(drawing, "read_write", Ink::kThroughput),
              length_of(drawing, "sendfile", Ink::kThroughput), 0.01);
  EXPECT_EQ(cpu("io_uring"), 0);
  EXPECT_EQ(length_of(drawing, "sendfile", Ink::kCopies), 0);
  EXPECT_GT(length_of(drawing, "read_write", Ink::kCopies), 0);
  EXPECT_NE(find(drawing, "1.19"), nullptr) << "40 ms for 32 MiB, in ns a byte";
  EXPECT_NE(find(drawing, "78,125"), nullptr) << "40 ms for 512 messages, in ns each";
  EXPECT_NE(find(drawing, "1.68"), nullptr) << "32 MiB in 20 ms, in GB/s";
  EXPECT_NE(find(drawing, "throughput, GB/s"), nullptr);
  EXPECT_NE(find(drawing, "throughput, thousand messages/s"), nullptr);
}

TEST(Chart, NothingOverlaps) {
  for (const MadeLadder& made : {some(), many(), MadeLadder{}}) {
    const Drawing drawing = chart_of(made.results, small_load(), kMachine);
    const Area paper{0, drawing.width, 0, drawing.height};
    for (const Words& words : drawing.words) {
      const Area area = area_of(words);
      EXPECT_TRUE(area.left >= 0 && area.right <= paper.right && area.top >= 0 && area.bottom <= paper.bottom)
          << words.text;
      for (const Words& other : drawing.words) {
        EXPECT_TRUE(&words == &other || !area.meets(area_of(other))) << words.text << " and " << other.text;
      }
      for (const Box& box : drawing.boxes) {
        EXPECT_TRUE(box.ink == Ink::kBand || !area.meets(area_of(box)))
            << words.text << " at " << words.x << ", " << words.y;
      }
    }
  }
}

TEST(Chart, PngShowsTheSame) {
  const MadeLadder made = some();
  const Drawing drawing = chart_of(made.results, small_load(), kMachine);
  const std::string png = to_png(drawing);
  const Pixels pixels(png);
  ASSERT_EQ(cairo_surface_status(pixels.surface), CAIRO_STATUS_SUCCESS);
  EXPECT_EQ(cairo_image_surface_get_width(pixels.surface), 1200);
  EXPECT_EQ(cairo_image_surface_get_height(pixels.surface), drawing.height);
  EXPECT_EQ(pixels.at(1, 1), 0xffffffu);
  std::set<unsigned> bars;
  for (const Box& box : drawing.boxes) {
    if (box.ink != Ink::kBand && box.height > 1 && box.width > 2) {
      bars.insert(pixels.at(box.x + 1, box.y + 1));
    }
  }
  EXPECT_EQ(bars.size(), 3u) << "copies, CPU time, throughput";
}

TEST(Chart, PngThatCannotBeDrawnIsAnError) {
  EXPECT_ANY_THROW(to_png({.width = 1e6, .height = 100, .title = {}, .boxes = {}, .words = {}}));
}

TEST(Chart, ColoursDifferInGrey) {
  const std::string svg = svg_of(some());
  const std::regex rule(R"(\.ladder \.(copies|cpu|throughput)\{fill:#(..)(..)(..)\})");
  std::vector<std::vector<double>> modes;  // light, dark
  for (std::sregex_iterator found(svg.begin(), svg.end(), rule), end; found != end; ++found) {
    auto part = [&found](std::size_t i) { return std::stoi((*found)[i], nullptr, 16); };
    if (modes.empty() || modes.back().size() == 3) {
      modes.emplace_back();
    }
    modes.back().push_back(0.299 * part(2) + 0.587 * part(3) + 0.114 * part(4));
  }
  ASSERT_EQ(modes.size(), 2u);
  for (auto& greys : modes) {
    std::sort(greys.begin(), greys.end());
    for (std::size_t i = 1; i < greys.size(); ++i) {
      EXPECT_GT(greys[i] - greys[i - 1], 30);
    }
  }
}

TEST(Drawing, IsCutBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 12, false, 100), "abc");
  const std::string text = "ääääääääää";
  for (double most = 0; most < 100; most += 3) {
    const std::string cut = shortened(text, 12, false, most);
    EXPECT_EQ(cut.size() % 2, cut == text ? 0u : 1u) << cut;  // an ellipsis has three bytes
    EXPECT_TRUE(most < 20 || width_of(cut, 12) <= most) << cut;
  }
}

}  // namespace
}  // namespace ringway
