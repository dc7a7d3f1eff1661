#include <algorithm>
#include <iostream>
#include <optional>
#include <string>

#include "config/parse.h"
#include "core/errors.h"
#include "core/text.h"
#include "doctor/diagnose.h"
#include "doctor/facts.h"
#include "doctor/host.h"
#include "dpdk/eal.h"
#include "notify.h"
#include "options.h"
#include "plan/eal_args.h"
#include "plan/inventory_json.h"
#include "plan/make_plan.h"
#include "plan/resolve.h"
#include "put_plan.h"
#include "runtime/captures.h"
#include "runtime/privileges.h"
#include "runtime/probe.h"
#include "runtime/replay_file.h"
#include "runtime/runtime.h"
#include "runtime/write_file.h"
#include "watch.h"

namespace ringway {
namespace {

/// Tells every problem on standard error; false when there is more than warnings.
bool accept(const Diagnostics& problems, const std::string& file) {
  std::cerr << problems.text(file);
  return !problems.failed();
}

Inventory load_inventory(const std::string& path) {
  Diagnostics problems;
  const std::string text = read_config(path, problems);  // bounded, and never blocks, as for a configuration
  if (problems.failed()) {
    throw Error(problems.exit_status(),
                "cannot read the inventory: " + problems.text(path) + "--save-inventory writes one");
  }
  return inventory_from_json(text);
}

/// --plan and --check on a saved inventory.
ExitStatus plan_for(const Config& config, const Inventory& inventory, const Options& options) {
  const Planning planning = make_plan(config, inventory);
  if (!accept(planning.problems, options.config)) {
    return planning.problems.exit_status();
  }
  return options.plan ? put_plan(config, planning, options) : put(options.config + ": valid, and fits the machine\n");
}

/// Refuses to start without hugepages in our own words: EAL takes 20 lines for it.
void require_hugepages(const std::vector<std::string>& eal_argv, const std::vector<HugepageFacts>& hugepages) {
  const bool any = std::any_of(hugepages.begin(), hugepages.end(), [](const HugepageFacts& h) { return h.free > 0; });
  if (!has_option(eal_argv, "--no-huge") && !any) {
    throw Error(ExitStatus::kResourceMissing,
                "no hugepages are free; expected: echo 256 > /proc/sys/vm/nr_hugepages (as root), or eal: {no_huge: "
                "true} in the configuration to run on ordinary memory");
  }
}

/// Files that are written when all is over, and opened before anything starts.
struct Results {
  explicit Results(const Options& options) {
    if (!options.report.empty()) {
      report.emplace(options.report);
    }
    if (!options.latency.empty()) {
      latency.emplace(options.latency);
    }
  }
  std::optional<ResultFile> report;
  std::optional<ResultFile> latency;
};

void log_arguments(const std::vector<std::string>& eal_argv) {
  std::cerr << "ringway: EAL arguments: " << joined({eal_argv.begin() + 1, eal_argv.end()}, " ") << '\n';
}

/// Whom EAL's own threads answer, which takes system calls that forwarding does not; empty: nobody.
std::string others_served(const std::vector<std::string>& eal_argv) {
  if (!has_option(eal_argv, "--no-telemetry")) {
    return "telemetry is on";
  }
  const bool alone = has_option(eal_argv, "--in-memory") || has_option(eal_argv, "--no-shconf");
  return alone ? "" : "other processes may attach";
}

ExitStatus forward(const Plan& plan, const PortIds& ids, const Options& options,
                   const std::vector<std::string>& eal_argv, Results& results, HeldOutput& output) {
  output.hold_streams();  // libraries below drivers print, too
  Runtime runtime(plan, ids);
  output.release_streams();
  output.forget();
  for (const std::string& notice : runtime.notices()) {
    std::cerr << "ringway: " << notice << '\n';
  }
  take_signals();
  const Notify notify;
  runtime.enter();
  if (!options.keep_privileges) {
    std::cerr << "ringway: " << drop_privileges(plan, others_served(eal_argv)) << '\n';
  }
  runtime.start();
  notify.tell("READY=1");
  watch(runtime, options, notify, output);
  notify.tell("STOPPING=1");
  const Report report = runtime.stop();
  tell_capture_news(runtime);
  for (const ReplayTotals& replay : report.totals.replays) {
    if (!replay.fault.empty()) {
      std::cerr << "ringway: port '" << replay.port << "': capture " << replay.file << ' ' << replay.fault << '\n';
    }
  }
  std::cout << (options.format == Format::kJson ? to_json(report) : to_text(report)) << std::flush;
  if (results.report) {
    results.report->write(to_json(report));
  }
  if (results.latency) {
    results.latency->write(runtime.latency_text());
  }
  put("");  // tells when standard output has not taken it, once the file is safe
  if (const std::string held = output.held(); report.exit_status() != ExitStatus::kClean && !held.empty()) {
    std::cerr << "ringway: logged by drivers meanwhile:\n" << held;
  }
  return report.exit_status();
}

/// Everything that needs EAL: probe, plan, forward.
ExitStatus start(const Config& config, const Options& options, HeldOutput& output) {
  Diagnostics problems;
  const std::vector<std::string> eal_argv = eal_args(config, options.eal, probe_host(), problems);
  if (!accept(problems, options.config)) {
    return problems.exit_status();
  }
  Results results(options);
  const std::vector<HugepageFacts> hugepages = probe_hugepages();
  require_hugepages(eal_argv, hugepages);
  log_arguments(eal_argv);
  block_signals();
  const Eal eal(eal_argv, output);
  unblock_signals();
  PortIds ids;
  const Inventory inventory = probe(config, hugepages, eal_argv, output, ids, problems);
  if (!accept(problems, options.config)) {
    return problems.exit_status();
  }
  if (!options.save_inventory.empty()) {
    ResultFile(options.save_inventory).write(inventory_to_json(inventory));
  }
  if (options.plan) {
    return plan_for(config, inventory, options);
  }
  if (!options.save_inventory.empty()) {
    return ExitStatus::kClean;
  }
  const Planning planning = make_plan(config, inventory);
  if (!accept(planning.problems, options.config)) {
    return planning.problems.exit_status();
  }
  for (const std::string& notice : planning.notices) {
    std::cerr << "ringway: " << notice << '\n';
  }
  return forward(planning.plan, ids, options, eal_argv, results, output);
}

/// --doctor: what stands in the way of a start, and what mends it; `config` null: the machine in general.
ExitStatus examine(const Config* config, const Options& options) {
  const std::vector<Finding> findings = diagnose(probe_machine(), config, options.eal);
  put(options.format == Format::kJson ? to_json(findings) : to_text(findings));
  return exit_status_of(findings);
}

ExitStatus run(int argc, char** argv, HeldOutput& output) {
  const Options options = parse_options(argc, argv);
  if (options.help || options.version) {
    return put(options.help ? help_text() : version_text());
  }
  if (options.doctor && options.config.empty()) {
    return examine(nullptr, options);
  }
  Diagnostics problems;
  const std::string text = read_config(options.config, problems);
  Config config = problems.failed() ? Config{} : parse_config(text, problems);
  check_filters(config, problems);
  take_devices_of(options.eal, config);
  if (!config.ports.empty()) {
    resolve(config, problems);
  }
  if (options.check && options.inventory.empty()) {
    check_captures(config, problems);
  }
  if (!accept(problems, options.config)) {
    return problems.exit_status();
  }
  if (options.doctor) {
    return examine(&config, options);
  }
  if (!options.inventory.empty()) {
    return plan_for(config, load_inventory(options.inventory), options);
  }
  if (options.check) {
    return put(options.config + ": valid\n");
  }
  const bool verbose = std::any_of(options.eal.begin(), options.eal.end(), [](const std::string& word) {
    return word.starts_with("--log-level") || word == "-h" || word == "--help" || word == "-v";
  });
  if (verbose || config.eal.log_level) {
    output.show_all();
  }
  return start(config, options, output);
}

}  // namespace
}  // namespace ringway

int main(int argc, char** argv) {
  using namespace ringway;
  HeldOutput output;
  try {
    return static_cast<int>(run(argc, argv, output));
  } catch (const Error& error) {
    output.release_streams();
    const std::string held = output.held();
    std::cerr << "ringway: " << error.what() << '\n';
    if (!held.empty()) {
      std::cerr << held << "ringway: " << error.what() << '\n';
    }
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    output.release_streams();
    std::cerr << "ringway: " << error.what() << '\n';
    return static_cast<int>(ExitStatus::kFailed);
  }
}
