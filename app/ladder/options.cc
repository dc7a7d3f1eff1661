#include "options.h"

#include <boost/program_options.hpp>
#include <filesystem>
#include <sstream>

#include "core/errors.h"

namespace ringway {
namespace {

namespace po = boost::program_options;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr unsigned kShortestFrame = 60;
constexpr unsigned kLongestFrame = 1514;

// Sizes of a full and of a quick run. A full one takes some minutes.
struct Sizes {
  std::uint64_t mib;
  std::uint64_t packets;
  unsigned samples;
};
constexpr Sizes kFull = {.mib = 1024, .packets = 1000000, .samples = 1000};
constexpr Sizes kQuick = {.mib = 32, .packets = 20000, .samples = 100};
constexpr double kSecondsARung = 120;

std::string defaults(std::uint64_t full, std::uint64_t quick) {
  return "; default: " + std::to_string(full) + ", with --quick " + std::to_string(quick);
}

po::options_description described() {
  po::options_description all("options");
  auto add = all.add_options();
  add("quick", "move little: seconds instead of minutes, and rougher times");
  add("only", po::value<std::vector<std::string>>()->value_name("NAME")->composing(),
      "this rung or group only; may be given several times");
  add("list", "print the rungs with what each may be used for, and stop");
  add("size", po::value<std::uint64_t>()->value_name("MIB"),
      ("data that rungs of bytes move, of files in a file that each makes" + defaults(kFull.mib, kQuick.mib)).c_str());
  add("block", po::value<std::uint64_t>()->value_name("KIB")->default_value(64), "data handed to one call");
  add("packets", po::value<std::uint64_t>()->value_name("N"),
      ("frames that rungs of packets move" + defaults(kFull.packets, kQuick.packets)).c_str());
  add("packet-size", po::value<unsigned>()->value_name("BYTES")->default_value(kLongestFrame),
      "length of a frame without CRC");
  add("json", po::value<std::string>()->value_name("FILE"), "write the results to FILE");
  add("chart", po::value<std::vector<std::string>>()->value_name("FILE")->composing(),
      "draw the results to FILE.svg or FILE.png; may be given several times");
  add("folder", po::value<std::string>()->value_name("FOLDER"),
      "where the file that is sent is made; default: the folder for temporary files");
  add("ringway", po::value<std::string>()->value_name("FILE"),
      "the forwarder; default: beside this program, or in the PATH");
  add("help,h", "print this and stop");
  return all;
}

[[noreturn]] void fail(const std::string& text) {
  throw Error(ExitStatus::kUsage, text + "; `ringway-ladder --help` lists the options");
}

po::variables_map parse(int argc, char** argv) {
  namespace style = po::command_line_style;
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv)
                  .options(described())
                  .positional({})
                  .style(style::unix_style & ~style::allow_guessing)
                  .run(),
              given);
  } catch (const po::error& error) {
    fail(error.what());
  }
  return given;
}

/// The option's number, between bounds; the default where it is not given.
template <class Number>
Number number(const po::variables_map& given, const char* name, Number fallback, Number least, Number most) {
  const Number value = given.count(name) > 0 ? given[name].as<Number>() : fallback;
  if (value < least || value > most) {
    fail(std::string("--") + name + " is " + std::to_string(value) + "; expected " + std::to_string(least) + " to " +
         std::to_string(most));
  }
  return value;
}

/// The forwarder that was built with this program, where there is one.
std::string forwarder() {
  std::error_code ignored;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const auto& candidate : {own / "ringway", own.parent_path() / "ringway" / "ringway"}) {
    if (std::filesystem::is_regular_file(candidate, ignored)) {
      return candidate;
    }
  }
  return "ringway";
}

Load load_of(const po::variables_map& given) {
  const Sizes sizes = given.count("quick") > 0 ? kQuick : kFull;
  constexpr std::uint64_t kMost = 1 << 20;
  constexpr std::uint64_t kMostPackets = 1'000'000'000;
  Load load{.bytes = number(given, "size", sizes.mib, std::uint64_t{1}, kMost) * kMiB,
            .block = number(given, "block", std::uint64_t{64}, std::uint64_t{4}, std::uint64_t{1024}) * 1024,
            .packets = number(given, "packets", sizes.packets, std::uint64_t{1}, kMostPackets),
            .packet_bytes = number(given, "packet-size", kLongestFrame, kShortestFrame, kLongestFrame),
            .samples = sizes.samples,
            .folder = {},
            .ringway = forwarder()};
  if (kMiB % load.block != 0) {
    fail("--block is " + std::to_string(load.block / 1024) + "; expected a power of two");
  }
  std::error_code none;
  load.folder = given.count("folder") > 0 ? std::filesystem::path(given["folder"].as<std::string>())
                                          : std::filesystem::temp_directory_path(none);
  if (!std::filesystem::is_directory(load.folder, none)) {
    fail(given.count("folder") > 0 ? "--folder is '" + load.folder.string() + "', which is no folder"
                                   : "there is no folder for temporary files (TMPDIR); expected --folder");
  }
  if (given.count("ringway") > 0) {
    load.ringway = given["ringway"].as<std::string>();
  }
  return load;
}

/// The files to draw.
std::vector<std::string> charts_of(const po::variables_map& given) {
  if (given.count("chart") == 0) {
    return {};
  }
  auto files = given["chart"].as<std::vector<std::string>>();
  for (const std::string& file : files) {
    if (!file.ends_with(".svg") && !file.ends_with(".png")) {
      fail("--chart is '" + file + "'; expected a name that ends in .svg or .png");
    }
  }
  return files;
}

}  // namespace

LadderOptions parse_ladder_options(int argc, char** argv) {
  const po::variables_map given = parse(argc, argv);
  LadderOptions options;
  options.list = given.count("list") > 0;
  options.help = given.count("help") > 0;
  if (options.help) {
    return options;
  }
  options.load = load_of(given);
  options.seconds = kSecondsARung;
  if (given.count("only") > 0) {
    options.only = given["only"].as<std::vector<std::string>>();
  }
  if (given.count("json") > 0) {
    options.json = given["json"].as<std::string>();
  }
  options.charts = charts_of(given);
  return options;
}

std::string ladder_help_text() {
  std::ostringstream text;
  text
      << "usage: ringway-ladder [options]\n\n"
         "Moves the same data by every technique that Linux offers, checks every byte at the far end, and prints what\n"
         "each costs: copies, system calls, context switches, page faults, CPU time. A rung that cannot run here says\n"
         "why.\n\n"
      << described()
      << "\nexit status: 0 every rung ran or said why not, 1 a rung failed or its bytes differ, 2 usage\n";
  return text.str();
}

}  // namespace ringway
