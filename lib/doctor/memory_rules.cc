#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "doctor/rules.h"
#include "plan/pool_size.h"

namespace ringway {
namespace {

constexpr std::uint64_t kUsualMib = 512;  // room for the examples
constexpr std::uint64_t kMib = 1024 * 1024;

std::string mib_text(std::uint64_t mib) {
  return std::to_string(mib) + " MiB";
}

std::set<unsigned> sockets_of(const MachineFacts& machine) {
  std::set<unsigned> sockets;
  for (const HugepageFacts& pages : machine.hugepages) {
    sockets.insert(pages.socket);
  }
  return sockets;
}

std::uint64_t free_everywhere(const MachineFacts& machine) {
  std::uint64_t mib = 0;
  for (const unsigned socket : sockets_of(machine)) {
    mib += free_mib(machine.hugepages, socket);
  }
  return mib;
}

/// MiB of hugepages that the plan's pools, or eal.socket_mem, take from one NUMA socket.
std::uint64_t needed_on(const Demand& demand, unsigned socket) {
  const auto& pools = demand.planning.plan.pools;
  const bool any = std::any_of(pools.begin(), pools.end(), [&](const PoolPlan& pool) { return pool.socket == socket; });
  const std::uint64_t asked = socket < demand.socket_mem.size() ? demand.socket_mem[socket] : 0;
  return std::max(asked, any ? memory_mib(demand.planning.plan, socket, false) : 0);
}

/// Sockets whose free hugepages are fewer than the configuration needs there.
std::set<unsigned> lacking_sockets(const Case& c) {
  std::set<unsigned> lacking;
  if (c.demand != nullptr) {
    std::set<unsigned> sockets = sockets_of(c.machine);
    for (const PoolPlan& pool : c.demand->planning.plan.pools) {
      sockets.insert(pool.socket);
    }
    for (const unsigned socket : sockets) {
      if (needed_on(*c.demand, socket) > free_mib(c.machine.hugepages, socket)) {
        lacking.insert(socket);
      }
    }
  }
  return lacking;
}

bool lacks_hugepages(const Case& c) {
  return free_everywhere(c.machine) == 0 || !lacking_sockets(c).empty() ||
         (c.demand != nullptr && c.demand->memory_mib > free_everywhere(c.machine));
}

/// `, while 512 MiB are free on socket 1`, for pages that are on the wrong socket.
std::string free_elsewhere(const Case& c, unsigned socket) {
  std::string all;
  for (const unsigned other : sockets_of(c.machine)) {
    if (const std::uint64_t mib = free_mib(c.machine.hugepages, other); other != socket && mib > 0) {
      all += ", while " + mib_text(mib) + " are free on socket " + std::to_string(other);
    }
  }
  return all;
}

bool fits(const Case& c, const HugetlbfsFacts& mount) {
  const bool chosen = c.demand->huge_dir.empty() || c.demand->huge_dir == mount.path;
  return chosen && std::any_of(c.machine.hugepages.begin(), c.machine.hugepages.end(), [&](const HugepageFacts& pages) {
           return pages.page_kib == mount.page_kib && pages.total > 0;
         });
}

}  // namespace

namespace rules {

/// Files of a dead process keep their pages until they are removed. EAL removes such files when it starts, but not in
/// memory mode, and not when the start is refused for want of the pages.
void leftover_files(Case& c) {
  if (!c.takes_hugepages()) {
    return;
  }
  for (const HugetlbfsFacts& mount : c.machine.hugetlbfs) {
    for (const LeftoverFacts& files : mount.leftovers) {
      c.obstacle(lacks_hugepages(c) ? ExitStatus::kResourceMissing : ExitStatus::kClean, "leftover_files",
                 files.pattern,
                 "no process holds these " + std::to_string(files.files) +
                     " files of a DPDK process that has ended; "
                     "they keep " +
                     mib_text(files.bytes / kMib) + " of hugepages from everybody else",
                 "rm " + files.pattern);
    }
  }
}

void hugepages(Case& c) {
  if (!c.takes_hugepages()) {
    return;
  }
  const std::set<unsigned> lacking = lacking_sockets(c);
  if (lacking.empty() && free_everywhere(c.machine) == 0) {
    c.missing("hugepages", "memory", "no hugepages are free, and mbufs live in them unless eal.no_huge is true",
              reserve_command(c.machine.hugepages, 0, kUsualMib));
  }
  for (const unsigned socket : lacking) {
    const std::uint64_t needed = needed_on(*c.demand, socket);
    c.missing("hugepages", "NUMA socket " + std::to_string(socket),
              mib_text(needed) + " of hugepages are needed (estimated: descriptors as the file has them), and " +
                  mib_text(free_mib(c.machine.hugepages, socket)) + " are free" + free_elsewhere(c, socket),
              reserve_command(c.machine.hugepages, socket, needed));
  }
}

void eal_memory(Case& c) {
  if (c.demand == nullptr || c.demand->no_huge || c.demand->memory_mib <= free_everywhere(c.machine)) {
    return;  // more ordinary memory than there is, eal_args() refuses
  }
  c.missing("eal_memory", "eal.memory",
            "EAL takes " + mib_text(c.demand->memory_mib) + " of hugepages when it starts, and " +
                mib_text(free_everywhere(c.machine)) + " are free",
            c.demand->memory_mib < c.machine.host.memory_mib
                ? reserve_command(c.machine.hugepages, 0, c.demand->memory_mib)
                : "eal: {memory: N} with N below this machine's " + std::to_string(c.machine.host.memory_mib) +
                      ", or without it: pools then take what they need");
}

/// A process kept to other NUMA nodes' memory gets none for its ports.
void memory_nodes(Case& c) {
  if (c.demand == nullptr) {
    return;
  }
  const std::vector<unsigned>& allowed = c.machine.process.nodes;
  std::set<unsigned> told;
  for (const PortPlan& port : c.demand->planning.plan.ports) {
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), port.socket) == allowed.end() &&
        told.insert(port.socket).second) {
      c.missing("memory_nodes", "NUMA socket " + std::to_string(port.socket),
                "port '" + port.name + "' is there, and this process's cpuset.mems is " + numbers_text(allowed) +
                    ": it gets no memory there",
                "systemctl set-property UNIT AllowedMemoryNodes=" + numbers_text(allowed) + "," +
                    std::to_string(port.socket) + "   # a container: --cpuset-mems=");
    }
  }
}

/// Only hugepages that other processes may join are files.
void hugetlbfs(Case& c) {
  if (c.demand == nullptr || c.demand->no_huge || c.demand->in_memory) {
    return;
  }
  const auto& mounts = c.machine.hugetlbfs;
  const std::string folder = c.demand->huge_dir.empty() ? "/dev/hugepages" : c.demand->huge_dir;
  const auto found = std::find_if(mounts.begin(), mounts.end(), [&](const auto& mount) { return fits(c, mount); });
  if (found == mounts.end()) {
    c.missing(
        "hugetlbfs", folder,
        std::string("without in_memory hugepages are files, and no hugetlbfs with pages of the size reserved is "
                    "mounted ") +
            (c.demand->huge_dir.empty() ? "anywhere" : "there") +
            (c.machine.process.container ? " in this container" : ""),
        c.machine.process.container
            ? "start the container with -v /dev/hugepages:" + folder + ", or use eal: {in_memory: true}"
            : "mkdir -p " + folder + " && mount -t hugetlbfs hugetlbfs " + folder + "   # or eal: {in_memory: true}");
  } else if (!found->writable) {
    c.denied("hugetlbfs", found->path, "without in_memory hugepages are files, and this user may not make any there",
             "chown " + std::to_string(c.machine.process.uid) + " " + found->path +
                 "   # as root; or eal: {in_memory: true}");
  }
}

}  // namespace rules

}  // namespace ringway
