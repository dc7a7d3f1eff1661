#pragma once

#include <string>
#include <vector>

namespace ringway {

/// What a mark of a drawing stands for; each has one colour on light paper and one on dark.
enum class Ink { kPaper, kBand, kText, kMuted, kLine, kCopies, kCpu, kThroughput, kAlarm };

/// A filled rectangle, in pixels from the upper left corner.
struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  Ink ink = Ink::kText;
};

/// A line of text.
struct Words {
  double x = 0;
  double y = 0;      ///< of the baseline
  std::string text;  ///< UTF-8
  double size = 12;  ///< of the font, pixels
  Ink ink = Ink::kText;
  bool bold = false;
  std::string whole;  ///< what `text` was cut from; empty: not cut
};

/// Boxes in their order, and words on top of them.
struct Drawing {
  double width = 0;   ///< pixels
  double height = 0;  ///< pixels
  std::string title;  ///< for those who cannot see it
  std::vector<Box> boxes;
  std::vector<Words> words;
};

/// Pixels that a text takes in the font of to_png().
double width_of(const std::string& text, double size, bool bold = false);

/// Ends a text with an ellipsis where it would be wider than that.
std::string shortened(const std::string& text, double size, bool bold, double most);

/// Text that can be found and read aloud; dark where the reader's device is. It names fonts about as wide as
/// to_png()'s.
std::string to_svg(const Drawing& drawing);

/// On light paper. Throws Error where the drawing is too large for memory or a text is not UTF-8.
std::string to_png(const Drawing& drawing);

}  // namespace ringway
