#include "runtime/context_switches.h"

#include <fstream>
#include <string>

namespace ringway {

ContextSwitches context_switches(int thread_id) {
  ContextSwitches switches;
  std::ifstream status("/proc/self/task/" + std::to_string(thread_id) + "/status");
  for (std::string key; status >> key;) {
    if (key == "voluntary_ctxt_switches:") {
      status >> switches.voluntary;
    } else if (key == "nonvoluntary_ctxt_switches:") {
      status >> switches.involuntary;
    }
  }
  return switches;
}

}  // namespace ringway
