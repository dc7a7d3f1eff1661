#pragma once

#include <string>
#include <vector>

#include "dpdk/held_output.h"

namespace ringway {

/// DPDK's environment: once a process. Everything of lib/dpdk needs it; destroyed last.
class Eal {
 public:
  /// Starts EAL with `argv` (program name first). Throws Error with the cause first and last and EAL's own lines
  /// between them; `output` holds what EAL prints.
  Eal(const std::vector<std::string>& argv, HeldOutput& output);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

 private:
  std::vector<std::string> argv_;  // EAL keeps pointers into it
  std::vector<char*> pointers_;
};

/// Finds the ethdev port of a device (PCI address or vdev string), attaching the device when EAL has not yet. Throws
/// Error with the driver's own words when that fails; what it said before success is forgotten. Returns the port id.
unsigned attach_port(const std::string& device, HeldOutput& output);

}  // namespace ringway
