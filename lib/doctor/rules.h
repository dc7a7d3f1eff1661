#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "doctor/demand.h"
#include "doctor/diagnose.h"
#include "doctor/facts.h"

namespace ringway {

/// What rules look at, and where they put what they find.
struct Case {
  const MachineFacts& machine;
  const Config* config;  ///< null: the machine in general
  const Demand* demand;  ///< null with `config`
  std::vector<Finding> findings;

  /// Whether the start would take hugepages; without a configuration it would, by default.
  bool takes_hugepages() const noexcept { return demand == nullptr || !demand->no_huge; }

  void obstacle(ExitStatus status, const std::string& id, const std::string& subject, const std::string& cause,
                const std::string& fix) {
    findings.push_back({id, subject, cause, fix, status});
  }
  void missing(const std::string& id, const std::string& subject, const std::string& cause, const std::string& fix) {
    obstacle(ExitStatus::kResourceMissing, id, subject, cause, fix);
  }
  void denied(const std::string& id, const std::string& subject, const std::string& cause, const std::string& fix) {
    obstacle(ExitStatus::kPermission, id, subject, cause, fix);
  }
  void advise(const std::string& id, const std::string& subject, const std::string& cause, const std::string& fix) {
    obstacle(ExitStatus::kClean, id, subject, cause, fix);
  }
};

/// Each looks for one kind of obstacle or advice, and puts nothing where it is not.
namespace rules {

void eal_arguments(Case& c);      ///< affinity, more ordinary memory than there is
void unreadable_lcores(Case& c);  ///< eal.lcores is not of EAL's form
void cpus_of_lcores(Case& c);     ///< mapped to CPUs outside the cpuset
void leftover_files(Case& c);     ///< of a dead process, that keep hugepages
void hugepages(Case& c);          ///< none, too few, on the wrong NUMA node
void eal_memory(Case& c);         ///< more hugepages than are free
void plugins(Case& c);            ///< in a folder that EAL refuses
void prefix(Case& c);             ///< in use by another process
void hugetlbfs(Case& c);          ///< not mounted, not writable
void memory_nodes(Case& c);       ///< outside the cpuset
void absent_nic(Case& c);         ///< no device has the address
void iommu(Case& c);              ///< off
void vfio_module(Case& c);        ///< not loaded
void kernel_driver(Case& c);      ///< has the NIC
void shared_group(Case& c);       ///< IOMMU group with devices that vfio has not
void vfio_nodes(Case& c);         ///< not there, or not for this user
void interfaces(Case& c);         ///< below a vdev: missing or down
void capabilities(Case& c);       ///< that drivers need
void tun(Case& c);                ///< /dev/net/tun
void locked_memory(Case& c);      ///< limit below what is received into
void planner(Case& c);            ///< whatever else speaks against the configuration
void governor(Case& c);           ///< advice: not performance
void isolation(Case& c);          ///< advice: others run where lcores poll
void far_lcores(Case& c);         ///< advice: on another NUMA node than their ports

}  // namespace rules

/// The command that adds words to the kernel's command line, Debian's way.
std::string boot_command(const std::string& words);

/// `0-2,7`.
std::string numbers_text(const std::vector<unsigned>& numbers);

}  // namespace ringway
