#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "core/exit_status.h"
#include "doctor/facts.h"

namespace ringway {

/// One thing that stands in the way of a start, or that would make it run better.
struct Finding {
  std::string id;                          ///< of the rule, such as `hugepages`
  std::string subject;                     ///< what it is about, such as `NIC 0000:03:00.0`
  std::string cause;                       ///< what is, and why it matters
  std::string fix;                         ///< the command that mends it, or the words for the configuration
  ExitStatus status = ExitStatus::kClean;  ///< that a start would end with; kClean: advice

  bool obstacle() const noexcept { return status != ExitStatus::kClean; }
};

/// Everything that stands between this machine and a start, obstacles first, in the order in which a start would meet
/// them. With a configuration (null: none), which is resolved without problems, and the EAL arguments before `--` only
/// what matters to them. Pure.
std::vector<Finding> diagnose(const MachineFacts& machine, const Config* config,
                              const std::vector<std::string>& command_line = {});

/// That of the first obstacle, else kClean.
ExitStatus exit_status_of(const std::vector<Finding>& findings);

/// Four lines a finding, its fix on the last, and a closing line with their numbers.
std::string to_text(const std::vector<Finding>& findings);

/// `findings`, each as its fields with `severity`, and how many `obstacles` and how much `advice` they are.
std::string to_json(const std::vector<Finding>& findings);

}  // namespace ringway
