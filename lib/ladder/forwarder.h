#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "ladder/descriptor.h"

namespace ringway {

/// ringway as a process of its own, in the namespaces that the caller is in; killed where it still runs at the end.
class Forwarder {
 public:
  /// Starts the program with a configuration, YAML. Nothing of it becomes a file.
  Forwarder(const std::string& program, const std::string& config);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  /// Until it has told the link of so many ports. Throws CannotRun with what it said where it ends before.
  void wait_until_forwarding(unsigned ports);

  /// Folders of its threads in /proc: all, or those of one name.
  std::vector<std::filesystem::path> threads(const std::string& name = {}) const;

  /// Whether it has ended; looks at most for the time.
  bool has_ended(int milliseconds);
  /// Asks it to stop, where it has not ended, and waits. Its report; throws Error where it did not end clean.
  nlohmann::json stop();

 private:
  std::string said() const;  // its last word
  int wait();
  [[noreturn]] void tell_why_not(int status) const;

  Descriptor config_;
  Descriptor output_;
  Descriptor errors_;
  pid_t process_ = -1;
  Descriptor ended_;  // readable when it has
  bool waited_for_ = false;
};

/// The name that ringway gives the thread of lcore 1, where it polls.
inline constexpr const char* kFirstWorker = "rte-worker-1";

}  // namespace ringway
