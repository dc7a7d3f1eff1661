#include "ladder/machine.h"

#include <sched.h>
#include <sys/utsname.h>

#include <fstream>

namespace ringway {
namespace {

/// Of the first CPU; empty where the architecture's /proc/cpuinfo has no names.
std::string model_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return {};
}

}  // namespace

Machine this_machine() {
  utsname system{};
  uname(&system);
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  const std::string model = model_name();
  return {.cpu = model.empty() ? system.machine : model,
          .cpus = static_cast<unsigned>(CPU_COUNT(&allowed)),
          .kernel = std::string(system.sysname) + " " + system.release};
}

}  // namespace ringway
