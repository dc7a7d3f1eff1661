#include <algorithm>
#include <set>
#include <string>

#include "core/text.h"
#include "doctor/rules.h"
#include "plan/resolve.h"

namespace ringway {
namespace {

bool holds(const std::vector<unsigned>& all, unsigned one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// What the planner, or the maker of EAL's arguments, has refused, in its words: `what is wrong; expected what mends
/// it`. Hugepages have rules of their own.
void told_problems(Case& c, const Diagnostics& problems) {
  constexpr std::string_view kExpected = "; expected ";
  for (const Problem& problem : problems.problems()) {
    if (problem.severity == Severity::kWarning || problem.path == "pool") {
      continue;
    }
    const std::size_t end = problem.text.find(kExpected);
    const std::string subject = problem.path.empty() ? "the configuration" : problem.path;
    const std::string fix = end == std::string::npos ? "" : ": " + problem.text.substr(end + kExpected.size());
    c.obstacle(problem.severity == Severity::kInvalid  ? ExitStatus::kConfigInvalid
               : problem.severity == Severity::kDenied ? ExitStatus::kPermission
                                                       : ExitStatus::kResourceMissing,
               "configuration", subject, problem.text.substr(0, end), subject + fix);
  }
}

/// CPUs on which lcores of the plan forward; without a configuration all but the first. None on ordinary memory, which
/// is for demos and kernel interfaces: tuning is not what they lack.
std::set<unsigned> forwarding_cpus(const Case& c) {
  std::set<unsigned> cpus;
  if (!c.takes_hugepages()) {
    return cpus;
  }
  if (c.demand == nullptr) {
    for (std::size_t i = 1; i < c.machine.cpus.size(); ++i) {
      cpus.insert(c.machine.cpus[i].id);
    }
    return cpus;
  }
  for (const LcorePlan& planned : c.demand->planning.plan.lcores) {
    for (const LcoreFacts& lcore : c.demand->lcores) {
      if (lcore.id == planned.id) {
        cpus.insert(lcore.cpus.begin(), lcore.cpus.end());
      }
    }
  }
  return cpus;
}

/// Numbers of those CPUs that forward and for which `lacks` is true.
template <class Lacks>
std::vector<unsigned> forwarding_where(const Case& c, const Lacks& lacks) {
  const std::set<unsigned> cpus = forwarding_cpus(c);
  std::vector<unsigned> all;
  for (const CpuFacts& cpu : c.machine.cpus) {
    if (cpus.contains(cpu.id) && lacks(cpu)) {
      all.push_back(cpu.id);
    }
  }
  return all;
}

}  // namespace

namespace rules {

void eal_arguments(Case& c) {
  if (c.demand != nullptr) {
    told_problems(c, c.demand->problems);
  }
}

void unreadable_lcores(Case& c) {
  if (c.demand != nullptr && c.demand->lcores.empty() && !c.demand->problems.failed()) {
    c.obstacle(ExitStatus::kConfigInvalid, "lcores", "eal.lcores",
               "is not of the form LCORE@CPU, so nobody knows which CPUs to use", "eal: {lcores: \"0@0,1@1\"}");
  }
}

/// A cpuset cannot be left, whatever affinity asks for.
void cpus_of_lcores(Case& c) {
  if (c.demand == nullptr) {
    return;
  }
  const auto online = [&](unsigned cpu) {
    return std::any_of(c.machine.cpus.begin(), c.machine.cpus.end(), [&](const CpuFacts& f) { return f.id == cpu; });
  };
  const std::vector<unsigned>& usable = c.machine.process.cpus;
  for (const LcoreFacts& lcore : c.demand->lcores) {
    for (const unsigned cpu : lcore.cpus) {
      if (!usable.empty() && !holds(usable, cpu)) {
        c.missing(
            "lcores", "lcore " + std::to_string(lcore.id),
            "it is mapped to CPU " + std::to_string(cpu) +
                (online(cpu) ? ", which this process's cpuset has not: it has " : ", which is not there: there are ") +
                numbers_text(usable),
            "eal: {lcores: \"" + std::to_string(lcore.id) + "@" + std::to_string(usable.back()) +
                ",...\"} in the configuration, or a wider cpuset");
      }
    }
  }
}

void planner(Case& c) {
  if (c.demand != nullptr && !c.demand->problems.failed()) {  // else it would repeat it in other words
    told_problems(c, c.demand->planning.problems);
  }
}

void governor(Case& c) {
  const std::vector<unsigned> slow =
      forwarding_where(c, [](const CpuFacts& cpu) { return !cpu.governor.empty() && cpu.governor != "performance"; });
  if (!slow.empty()) {
    const auto first =
        std::find_if(c.machine.cpus.begin(), c.machine.cpus.end(), [&](const auto& cpu) { return cpu.id == slow[0]; });
    c.advise("governor", "CPU " + numbers_text(slow),
             "the frequency governor is " + first->governor +
                 ": the clock drops while an lcore sleeps, and packets wait until it is up again",
             "cpupower -c " + numbers_text(slow) + " frequency-set -g performance");
  }
}

void isolation(Case& c) {
  const std::vector<unsigned> shared =
      forwarding_where(c, [](const CpuFacts& cpu) { return !cpu.isolated || !cpu.tickless; });
  if (!shared.empty()) {
    const std::string cpus = numbers_text(shared);
    c.advise(
        "isolation", "CPU " + cpus,
        "the scheduler may put others' threads, and its tick, where an lcore polls: packets then wait, and some are "
        "lost at high rates",
        boot_command("isolcpus=" + cpus + " nohz_full=" + cpus + " rcu_nocbs=" + cpus));
  }
}

void far_lcores(Case& c) {
  if (c.demand == nullptr) {
    return;
  }
  for (const LcorePlan& lcore : c.demand->planning.plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      const PortPlan* port = leg.rx() == nullptr ? nullptr : &c.demand->planning.plan.ports[leg.rx()->port];
      if (port != nullptr && port->socket != lcore.socket) {
        c.advise("far_lcore", "lcore " + std::to_string(lcore.id),
                 "it runs on NUMA socket " + std::to_string(lcore.socket) + " and polls port '" + port->name +
                     "' on socket " + std::to_string(port->socket) + ": every packet crosses sockets",
                 "under lcores, give " + port->name + "'s queues to an lcore on socket " +
                     std::to_string(port->socket) + "; `lscpu -e` lists CPUs and nodes");
        break;
      }
    }
  }
}

}  // namespace rules

std::string boot_command(const std::string& words) {
  return "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&" + words + " /' /etc/default/grub && update-grub && reboot";
}

std::string numbers_text(const std::vector<unsigned>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) {
      ++last;
    }
    text += (text.empty() ? "" : ",") + std::to_string(numbers[i]) +
            (last > i ? "-" + std::to_string(numbers[last]) : std::string{});
    i = last;
  }
  return text;
}

}  // namespace ringway
