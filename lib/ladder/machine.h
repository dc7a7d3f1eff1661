#pragma once

#include <string>

namespace ringway {

/// Where a run took place.
struct Machine {
  std::string cpu;     ///< the model's name, or the architecture where the kernel gives no name
  unsigned cpus = 0;   ///< that this process may run on
  std::string kernel;  ///< `Linux 6.1.0-21-amd64`
};

Machine this_machine();

}  // namespace ringway
