#include "put_plan.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>

#include "core/errors.h"
#include "core/text.h"
#include "plan/draw.h"
#include "plan/explain.h"
#include "plan/topology.h"

namespace ringway {
namespace {

/// Has Graphviz make an SVG of a graph in the DOT language, onto standard output.
ExitStatus put_svg(const std::string& dot) {
  // A file in memory: writing into a pipe would end this process if dot had ended early.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> graph(fdopen(memfd_create("ringway-plan", MFD_CLOEXEC), "w+"),
                                                              &std::fclose);
  if (!graph || std::fputs(dot.c_str(), graph.get()) < 0 || std::fflush(graph.get()) != 0) {
    throw Error(ExitStatus::kFailed, std::string("memfd_create for the plan: ") + std::strerror(errno));
  }
  std::rewind(graph.get());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(graph.get()), STDIN_FILENO);
  char program[] = "dot";
  char form[] = "-Tsvg";
  char* const arguments[] = {program, form, nullptr};
  pid_t child = 0;
  const int problem = posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    throw Error(ExitStatus::kResourceMissing, std::string("cannot run Graphviz's dot: ") + std::strerror(problem) +
                                                  "; expected the package graphviz: apt install graphviz");
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error(ExitStatus::kFailed, "Graphviz's dot has failed");
  }
  return ExitStatus::kClean;
}

}  // namespace

ExitStatus put(const std::string& text) {
  std::cout << text << std::flush;
  if (!std::cout) {
    throw Error(ExitStatus::kFailed, "cannot write to standard output");
  }
  return ExitStatus::kClean;
}

ExitStatus put_plan(const Config& config, const Planning& planning, const Options& options) {
  const Topology topology = topology_of(planning.plan);
  switch (*options.plan) {
    case PlanForm::kText:
      return put(to_ascii(topology));
    case PlanForm::kDot:
      return put(to_dot(topology));
    case PlanForm::kMermaid:
      return put(to_mermaid(topology));
    case PlanForm::kSvg:
      return put_svg(to_dot(topology));
    case PlanForm::kYaml:
      break;
  }
  if (!options.eal.empty()) {
    std::cout << "# for the EAL arguments " << joined(options.eal, " ") << ", which stay on the command line\n";
  }
  return put(as_comments(to_ascii(topology)) + "\n" + explain(config, planning));
}

}  // namespace ringway
