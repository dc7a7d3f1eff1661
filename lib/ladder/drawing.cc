#include "ladder/drawing.h"

#include <cairo.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <memory>

#include "core/errors.h"

namespace ringway {
namespace {

struct Colour {
  const char* name;  // of the class in SVG
  unsigned light;    // 0xRRGGBB
  unsigned dark;
};

// In Ink's order. What the legend names is told apart by lightness alone, too.
constexpr std::array<Colour, 9> kColours = {{{"paper", 0xffffff, 0x12161c},
                                             {"band", 0xf4f6f8, 0x1a2028},
                                             {"text", 0x16202c, 0xe8ecf1},
                                             {"muted", 0x5b6675, 0x9ba7b6},
                                             {"line", 0xc3cad3, 0x3a4452},
                                             {"copies", 0xbd4d0c, 0xf3904f},
                                             {"cpu", 0x1f4e86, 0xb4d2f2},
                                             {"throughput", 0x5fb07f, 0x45a36b},
                                             {"alarm", 0xb3261e, 0xff8a80}}};
constexpr const char* kFont = "DejaVu Sans";
constexpr const char* kEllipsis = "…";

const Colour& colour_of(Ink ink) {
  return kColours[static_cast<std::size_t>(ink)];
}

struct Release {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* pen) const { cairo_destroy(pen); }
};
using Surface = std::unique_ptr<cairo_surface_t, Release>;
using Pen = std::unique_ptr<cairo_t, Release>;

Surface surface_of(double width, double height) {
  return Surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(std::ceil(width)),
                                            static_cast<int>(std::ceil(height))));
}

void take_font(cairo_t* pen, double size, bool bold) {
  cairo_select_font_face(pen, kFont, CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(pen, size);
}

void take_colour(cairo_t* pen, Ink ink) {
  const unsigned colour = colour_of(ink).light;
  auto part = [colour](unsigned shift) { return static_cast<double>(colour >> shift & 0xff) / 255; };
  cairo_set_source_rgb(pen, part(16), part(8), part(0));
}

cairo_status_t append(void* text, const unsigned char* data, unsigned length) {
  static_cast<std::string*>(text)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

void require(cairo_status_t status) {
  if (status != CAIRO_STATUS_SUCCESS) {
    throw Error(ExitStatus::kFailed, std::string("cannot draw a PNG: cairo: ") + cairo_status_to_string(status));
  }
}

/// For XML; control characters, which it cannot hold, become spaces.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
    }
  }
  return out;
}

/// A tenth of a pixel is as exact as eyes are.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  const std::string all = text;
  return all.ends_with(".0") ? all.substr(0, all.size() - 2) : all;
}

std::string style() {
  std::string light;
  std::string dark;
  for (const Colour& colour : kColours) {
    auto rule = [&colour](unsigned value) {
      char text[64];
      std::snprintf(text, sizeof text, ".ladder .%s{fill:#%06x}", colour.name, value);
      return std::string(text);
    };
    light += rule(colour.light);
    dark += rule(colour.dark);
  }
  return "<style>" + light + "@media (prefers-color-scheme:dark){" + dark + "}</style>\n";
}

std::string svg_of(const Box& box) {
  return "<rect x=\"" + number(box.x) + "\" y=\"" + number(box.y) + "\" width=\"" + number(box.width) + "\" height=\"" +
         number(box.height) + "\" class=\"" + colour_of(box.ink).name + "\"/>\n";
}

std::string svg_of(const Words& words) {
  return "<text x=\"" + number(words.x) + "\" y=\"" + number(words.y) + "\" font-size=\"" + number(words.size) + "\"" +
         (words.bold ? " font-weight=\"bold\"" : "") + " class=\"" + colour_of(words.ink).name + "\">" +
         (words.whole.empty() ? "" : "<title>" + escaped(words.whole) + "</title>") + escaped(words.text) + "</text>\n";
}

}  // namespace

double width_of(const std::string& text, double size, bool bold) {
  static const Surface surface = surface_of(1, 1);
  const Pen pen(cairo_create(surface.get()));
  take_font(pen.get(), size, bold);
  cairo_text_extents_t extents{};
  cairo_text_extents(pen.get(), text.c_str(), &extents);
  return extents.x_advance;
}

std::string shortened(const std::string& text, double size, bool bold, double most) {
  std::string kept = text;
  while (!kept.empty() && width_of(kept == text ? kept : kept + kEllipsis, size, bold) > most) {
    while (kept.size() > 1 && (static_cast<unsigned char>(kept.back()) & 0xc0) == 0x80) {
      kept.pop_back();  // what continues a character
    }
    kept.pop_back();
  }
  return kept == text ? kept : kept + kEllipsis;
}

std::string to_svg(const Drawing& drawing) {
  const std::string width = number(drawing.width);
  const std::string height = number(drawing.height);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" role=\"img\" width=\"" + width +
                    "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " " + height +
                    "\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n<title>" + escaped(drawing.title) +
                    "</title>\n" + style() + svg_of(Box{0, 0, drawing.width, drawing.height, Ink::kPaper});
  for (const Box& box : drawing.boxes) {
    svg += svg_of(box);
  }
  for (const Words& words : drawing.words) {
    svg += svg_of(words);
  }
  return svg + "</svg>\n";
}

std::string to_png(const Drawing& drawing) {
  const Surface surface = surface_of(drawing.width, drawing.height);
  const Pen pen(cairo_create(surface.get()));
  take_colour(pen.get(), Ink::kPaper);
  cairo_paint(pen.get());
  for (const Box& box : drawing.boxes) {
    take_colour(pen.get(), box.ink);
    cairo_rectangle(pen.get(), box.x, box.y, box.width, box.height);
    cairo_fill(pen.get());
  }
  for (const Words& words : drawing.words) {
    take_colour(pen.get(), words.ink);
    take_font(pen.get(), words.size, words.bold);
    cairo_move_to(pen.get(), words.x, words.y);
    cairo_show_text(pen.get(), words.text.c_str());
  }
  require(cairo_status(pen.get()));
  std::string png;
  require(cairo_surface_write_to_png_stream(surface.get(), append, &png));
  return png;
}

}  // namespace ringway
