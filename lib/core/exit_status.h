#pragma once

namespace ringway {

/// What the process tells its supervisor. 69, 77 and 78 follow sysexits.h; a restart cures neither 2 nor 78.
enum class ExitStatus : int {
  kClean = 0,             ///< stopped as asked, every packet and every mbuf accounted for
  kFailed = 1,            ///< a failure while running
  kUsage = 2,             ///< the command line is wrong
  kUnbalanced = 3,        ///< packets unaccounted for, or mbufs missing from a pool
  kResourceMissing = 69,  ///< a NIC, hugepages, queues or lcores that the plan needs are not there
  kPermission = 77,       ///< a resource is there, but not for this user
  kConfigInvalid = 78,    ///< the configuration file is wrong
  kInterrupted = 130,     ///< a second SIGINT or SIGTERM cut the orderly stop short
};

}  // namespace ringway
