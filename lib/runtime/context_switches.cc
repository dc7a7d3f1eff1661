#include "runtime/context_switches.h"

#include <sstream>
#include <string>

namespace ringway {

ContextSwitches context_switches(const ProcFile& status) {
  ContextSwitches switches;
  std::istringstream words(status.text());
  for (std::string key; words >> key;) {
    if (key == "voluntary_ctxt_switches:") {
      words >> switches.voluntary;
    } else if (key == "nonvoluntary_ctxt_switches:") {
      words >> switches.involuntary;
    }
  }
  return switches;
}

}  // namespace ringway
