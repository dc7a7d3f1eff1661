#include "options.h"

#include <rte_version.h>
#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdlib>
#include <map>
#include <sstream>

#include "core/errors.h"

namespace ringway {
namespace {

namespace po = boost::program_options;

po::options_description described() {
  po::options_description all("options");
  auto add = all.add_options();
  add("config", po::value<std::string>()->value_name("FILE"), "the configuration; README.md lists every key");
  add("check", "check the configuration and stop; needs no EAL, no root and no devices");
  add("doctor",
      "tell what on this machine stands in the way of a start, each with the command that mends it, and stop");
  add("plan", po::value<std::string>()->implicit_value("yaml")->value_name("FORM"),
      "print the resolved configuration with its picture and each decision's reason, and stop; with =text, =dot, "
      "=mermaid or =svg the picture alone");
  add("inventory", po::value<std::string>()->value_name("FILE"),
      "with --check or --plan: plan for the machine that FILE describes; needs no EAL");
  add("save-inventory", po::value<std::string>()->value_name("FILE"),
      "write what this machine offers to FILE, and stop");
  add("duration", po::value<double>()->value_name("SECONDS"), "stop after this time");
  add("stop-when-idle", po::value<double>()->value_name("SECONDS"), "stop when nothing was received for this long");
  add("stats", po::value<double>()->value_name("SECONDS"), "print rates at this interval");
  add("report", po::value<std::string>()->value_name("FILE"), "write the closing balance to FILE as JSON");
  add("latency", po::value<std::string>()->value_name("FILE"),
      "write the latency histogram of lab ports' traffic to FILE in HdrHistogram's text format");
  add("format", po::value<std::string>()->value_name("text|json"),
      "how results are printed; default: text on a terminal, else json");
  add("keep-privileges", "keep capabilities and all system calls when the ports are open");
  add("version", "print versions and stop");
  add("help,h", "print this and stop");
  return all;
}

[[noreturn]] void fail(const std::string& text) {
  throw Error(ExitStatus::kUsage, text + "; `ringway --help` lists the options");
}

std::optional<double> seconds(const po::variables_map& given, const char* name) {
  if (given.count(name) == 0) {
    return {};
  }
  const double value = given[name].as<double>();
  if (!(value > 0 && value <= 1e9)) {
    fail(std::string("--") + name + " takes a number of seconds above 0");
  }
  return value;
}

std::string text(const po::variables_map& given, const char* name) {
  if (given.count(name) == 0) {
    return {};
  }
  const auto value = given[name].as<std::string>();
  if (value.empty()) {
    fail(std::string("--") + name + " takes a value");
  }
  return value;
}

Format format_of(const po::variables_map& given) {
  const std::string name = text(given, "format");
  if (name.empty()) {
    return isatty(STDOUT_FILENO) == 1 ? Format::kText : Format::kJson;
  }
  if (name != "text" && name != "json") {
    fail("--format is '" + name + "'; expected text or json");
  }
  return name == "text" ? Format::kText : Format::kJson;
}

std::optional<PlanForm> plan_form(const po::variables_map& given) {
  if (given.count("plan") == 0) {
    return {};
  }
  const std::map<std::string, PlanForm> forms = {{"yaml", PlanForm::kYaml},
                                                 {"text", PlanForm::kText},
                                                 {"dot", PlanForm::kDot},
                                                 {"mermaid", PlanForm::kMermaid},
                                                 {"svg", PlanForm::kSvg}};
  const std::string name = text(given, "plan");
  const auto form = forms.find(name);
  if (form == forms.end()) {
    fail("--plan is '" + name + "'; expected yaml, text, dot, mermaid or svg");
  }
  return form->second;
}

void check_combinations(const Options& options) {
  if (options.help || options.version) {
    return;
  }
  if (options.doctor &&
      (options.check || options.plan || !options.inventory.empty() || !options.save_inventory.empty())) {
    fail("--doctor looks at this machine and goes with --config and --format only");
  }
  if (options.config.empty() && !options.doctor) {
    fail("--config FILE is missing");
  }
  if (options.check && options.plan) {
    fail("--check and --plan are two things; give one of them");
  }
  if (!options.inventory.empty() && !options.check && !options.plan) {
    fail("--inventory goes with --check or --plan");
  }
  if (!options.save_inventory.empty() && (options.check || !options.inventory.empty())) {
    fail("--save-inventory asks this machine, so it goes without --check and --inventory");
  }
}

po::variables_map parse(const std::vector<std::string>& own) {
  namespace style = po::command_line_style;
  po::variables_map given;
  try {
    const po::options_description all = described();
    const po::parsed_options parsed =
        po::command_line_parser(own).options(all).style(style::unix_style & ~style::allow_guessing).run();
    for (const po::option& option : parsed.options) {
      if (option.position_key >= 0) {  // a word without an option, which store() would pass over
        fail("'" + option.value.front() + "' belongs to no option; the configuration is named by --config FILE");
      }
    }
    po::store(parsed, given);
  } catch (const po::error& error) {
    fail(std::string(error.what()) +
         (std::any_of(own.begin(), own.end(),
                      [](const std::string& word) { return word.size() > 1 && word[0] == '-' && word[1] != '-'; })
              ? " (EAL's arguments stand before a `--`)"
              : ""));
  }
  return given;
}

}  // namespace

Options parse_options(int argc, char** argv) {
  std::vector<std::string> own(argv + 1, argv + argc);
  Options options;
  for (auto word = own.begin(); word != own.end(); ++word) {
    if (*word == "--") {
      options.eal.assign(own.begin(), word);
      own.erase(own.begin(), word + 1);
      break;
    }
  }
  const po::variables_map given = parse(own);
  options.config = text(given, "config");
  options.check = given.count("check") > 0;
  options.doctor = given.count("doctor") > 0;
  options.plan = plan_form(given);
  options.inventory = text(given, "inventory");
  options.save_inventory = text(given, "save-inventory");
  options.duration_s = seconds(given, "duration");
  options.stop_when_idle_s = seconds(given, "stop-when-idle");
  options.stats_s = seconds(given, "stats");
  options.report = text(given, "report");
  options.latency = text(given, "latency");
  options.keep_privileges = given.count("keep-privileges") > 0;
  options.format = format_of(given);
  options.redraw = options.format == Format::kText && isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  options.version = given.count("version") > 0;
  options.help = given.count("help") > 0;
  check_combinations(options);
  return options;
}

std::string help_text() {
  std::ostringstream text;
  text << "usage: ringway [EAL arguments] -- --config FILE [options]\n"
          "       ringway --config FILE [options]\n\n"
          "Forwards packets between DPDK ports without copying them, and accounts for every one.\n\n"
       << described()
       << "\nsignals: SIGINT and SIGTERM stop in order, a second one at once; SIGUSR1 prints the state to stderr\n"
          "exit status: 0 clean and balanced, 1 failure while running, 2 usage, 3 packets unaccounted for,\n"
          "             69 a resource is missing, 77 permission, 78 configuration invalid, 130 stopped by a second "
          "signal\n";
  return text.str();
}

std::string version_text() {
  std::string target;
#if defined(__x86_64__)
  target = "x86_64";
#elif defined(__aarch64__)
  target = "aarch64";
#endif
#if defined(__AVX512F__)
  target += " up to AVX-512";
#elif defined(__AVX2__)
  target += " up to AVX2";
#elif defined(__SSE4_2__)
  target += " up to SSE4.2";
#endif
  return std::string("ringway ") + RINGWAY_VERSION + "\n" + rte_version() + "\ncompiled by " +
#if defined(__clang__)
         "clang " __clang_version__
#else
         "g++ " __VERSION__
#endif
         + " for " + target + "\n";
}

}  // namespace ringway
