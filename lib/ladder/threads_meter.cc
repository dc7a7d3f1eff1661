#include "ladder/threads_meter.h"

#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "core/errors.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

void skip_words(std::istream& words, int count) {
  for (std::string word; count > 0 && words >> word; --count) {
  }
}

/// Faults, and how much of the time was the kernel's; 0 to 1.
double read_stat(const std::filesystem::path& folder, Usage& usage) {
  std::ifstream file(folder / "stat");
  file.ignore(std::numeric_limits<std::streamsize>::max(), ')');  // the thread's name
  double user = 0;
  double system = 0;
  skip_words(file, 7);
  file >> usage.minor_faults;
  skip_words(file, 1);
  file >> usage.major_faults;
  skip_words(file, 1);
  file >> user >> system;
  return user + system > 0 ? system / (user + system) : 0;
}

void read_switches(const std::filesystem::path& folder, Usage& usage) {
  std::ifstream file(folder / "status");
  for (std::string key; file >> key;) {
    if (key == "voluntary_ctxt_switches:") {
      file >> usage.voluntary_switches;
    } else if (key == "nonvoluntary_ctxt_switches:") {
      file >> usage.involuntary_switches;
    }
  }
}

/// False: the thread has ended.
bool look(const std::filesystem::path& folder, Usage& usage) {
  std::uint64_t ran_ns = 0;
  if (!(std::ifstream(folder / "schedstat") >> ran_ns)) {
    return false;
  }
  Usage seen;
  const double share = read_stat(folder, seen);
  read_switches(folder, seen);
  seen.system_s = static_cast<double>(ran_ns) / 1e9 * share;
  seen.user_s = static_cast<double>(ran_ns) / 1e9 - seen.system_s;
  usage = seen;
  return true;
}

Usage difference(const Usage& after, const Usage& before) {
  return {.user_s = after.user_s - before.user_s,
          .system_s = after.system_s - before.system_s,
          .voluntary_switches = after.voluntary_switches - before.voluntary_switches,
          .involuntary_switches = after.involuntary_switches - before.involuntary_switches,
          .minor_faults = after.minor_faults - before.minor_faults,
          .major_faults = after.major_faults - before.major_faults,
          .traced_calls = {}};
}

}  // namespace

ThreadsMeter::ThreadsMeter(const std::vector<std::filesystem::path>& threads, Since since) {
  if (threads.empty()) {
    throw Error(ExitStatus::kFailed, "none of the threads to be measured runs");
  }
  for (const std::filesystem::path& folder : threads) {
    Thread thread{.folder = folder, .trace = {}, .before = {}, .seen = {}};
    if (!look(folder, thread.seen)) {
      throw CannotRun("cannot read " + (folder / "schedstat").string() +
                      "; expected a thread that runs, and a kernel with CONFIG_SCHED_INFO");
    }
    const int trace = trace_system_calls(std::stoi(folder.filename()), true);
    thread.trace = trace < 0 ? Descriptor() : Descriptor(trace, "perf_event_open");
    if (since == Since::kNow) {
      thread.before = thread.seen;
    }
    threads_.push_back(std::move(thread));
  }
}

Usage ThreadsMeter::now() {
  Usage sum;
  sum.traced_calls = 0;
  for (Thread& thread : threads_) {
    look(thread.folder, thread.seen);
    Usage usage = difference(thread.seen, thread.before);
    std::uint64_t calls = 0;
    usage.calls_known = read(thread.trace.get(), &calls, sizeof calls) == sizeof calls;
    if (usage.calls_known) {
      usage.traced_calls = calls;
    }
    sum += usage;
  }
  return sum;
}

}  // namespace ringway
