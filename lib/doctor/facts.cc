#include "doctor/facts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

#include "doctor/host.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kInterfaceUp = 1;           // IFF_UP
constexpr std::size_t kLongestCommand = 4096;  // of /proc/PID/cmdline

unsigned number_of(const std::string& text, unsigned otherwise, int base = 10) {
  const std::size_t prefix = base == 16 && text.starts_with("0x") ? 2 : 0;
  std::from_chars(text.data() + prefix, text.data() + text.size(), otherwise, base);
  return otherwise;
}

Access access_to(const fs::path& file) {
  if (faccessat(AT_FDCWD, file.c_str(), F_OK, AT_EACCESS) != 0) {
    return Access::kMissing;
  }
  return faccessat(AT_FDCWD, file.c_str(), R_OK | W_OK, AT_EACCESS) == 0 ? Access::kGranted : Access::kDenied;
}

/// An open file descriptor; -1 where the file cannot be opened.
class OpenFile {
 public:
  explicit OpenFile(const fs::path& file) : descriptor_(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

/// CPUs that this thread could be moved to: a set wider than the cpuset is cut down to it.
std::vector<unsigned> cpus_of_cpuset(std::vector<unsigned> cpus) {
  cpu_set_t before;
  if (sched_getaffinity(0, sizeof before, &before) != 0) {
    return cpus;
  }
  cpu_set_t all;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    CPU_SET(cpu, &all);
  }
  if (sched_setaffinity(0, sizeof all, &all) == 0 && sched_getaffinity(0, sizeof all, &all) == 0) {
    cpus.clear();
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &all)) {
        cpus.push_back(cpu);
      }
    }
  }
  sched_setaffinity(0, sizeof before, &before);
  return cpus;
}

ProcessFacts probe_process(const fs::path& root, const HostFacts& host) {
  const fs::path status = root / "proc/self/status";
  ProcessFacts facts;
  std::error_code none;
  facts.program = fs::read_symlink(root / "proc/self/exe", none);
  std::istringstream uids(line_behind(status, "Uid:"));
  uids >> facts.uid >> facts.uid;  // real, effective
  std::istringstream(line_behind(status, "CapEff:")) >> std::hex >> facts.capabilities;
  const std::string memlock = line_behind(root / "proc/self/limits", "Max locked memory");
  facts.memlock_bytes = kNoLimit;
  std::from_chars(memlock.data(), memlock.data() + memlock.size(), facts.memlock_bytes);  // or `unlimited`
  facts.cpus = cpus_of_cpuset(host.cpus);
  facts.nodes = numbers_of(line_behind(status, "Mems_allowed_list:"));
  facts.container = fs::exists(root / ".dockerenv", none) || fs::exists(root / "run/.containerenv", none) ||
                    fs::exists(root / "run/secrets/kubernetes.io", none);
  return facts;
}

std::vector<CpuFacts> probe_cpus(const fs::path& root) {
  const fs::path folder = root / "sys/devices/system/cpu";
  const std::vector<unsigned> isolated = numbers_of(first_word(folder / "isolated"));
  const std::vector<unsigned> tickless = numbers_of(first_word(folder / "nohz_full"));
  const auto holds = [](const std::vector<unsigned>& all, unsigned one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  std::vector<CpuFacts> cpus;
  for (const unsigned id : numbers_of(first_word(folder / "online"))) {
    const fs::path own = folder / ("cpu" + std::to_string(id));
    CpuFacts facts;
    facts.id = id;
    for (const std::string& name : names_in(own)) {
      facts.socket = static_cast<unsigned>(std::max(number_behind(name, "node"), static_cast<int>(facts.socket)));
    }
    facts.core = number_of(first_word(own / "topology/thread_siblings_list"), id);
    facts.governor = first_word(own / "cpufreq/scaling_governor");
    facts.isolated = holds(isolated, id);
    facts.tickless = holds(tickless, id);
    cpus.push_back(facts);
  }
  return cpus;
}

/// Path in /proc/mounts, where a space is `\040`.
std::string unescaped(const std::string& path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size(); ++i) {
    unsigned code = 0;
    if (path[i] == '\\' &&
        std::from_chars(path.data() + i + 1, path.data() + std::min(i + 4, path.size()), code, 8).ec == std::errc{}) {
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += path[i];
    }
  }
  return plain;
}

/// KiB of `pagesize=2M` or `pagesize=1024M` among mount options; `otherwise` where they do not say.
unsigned page_size(const std::string& options, unsigned otherwise) {
  const std::size_t at = options.find("pagesize=");
  if (at == std::string::npos) {
    return otherwise;
  }
  unsigned size = 0;
  const char* const end = options.data() + options.size();
  const auto read = std::from_chars(options.data() + at + 9, end, size);
  const char unit = read.ptr == end ? 'K' : *read.ptr;
  return size * (unit == 'G' ? 1024 * 1024 : unit == 'M' ? 1024 : 1);
}

/// Whether a shell takes the name as it is: it goes into a command for root, and anybody may make files there.
bool is_plain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

/// EAL's own test before it removes such files: a process that lives holds a lock on each of them. Files that this user
/// may not open count as held.
std::vector<LeftoverFacts> find_leftovers(const fs::path& root, const fs::path& mount) {
  const fs::path folder = root / mount.relative_path();
  std::map<std::string, LeftoverFacts> dead;  // by prefix
  std::map<std::string, bool> held;
  for (const std::string& name : names_in(folder)) {
    const std::size_t map = name.find("map_");
    const std::string prefix = name.substr(0, map == std::string::npos ? 0 : map + 4);
    if (prefix.empty() || !is_plain(prefix)) {
      continue;
    }
    const OpenFile file(folder / name);
    struct stat status {};
    if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0 ||
        flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
      held[prefix] = true;
      continue;
    }
    LeftoverFacts& facts = dead[prefix];
    facts.pattern = (mount / (prefix + "*")).string();
    facts.files += 1;
    facts.bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  std::vector<LeftoverFacts> all;
  for (const auto& [prefix, facts] : dead) {
    if (!held[prefix]) {
      all.push_back(facts);
    }
  }
  return all;
}

std::vector<HugetlbfsFacts> probe_hugetlbfs(const fs::path& root) {
  const unsigned usual = number_of(line_behind(root / "proc/meminfo", "Hugepagesize:"), 2048);
  std::vector<HugetlbfsFacts> all;
  std::ifstream mounts(root / "proc/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device, path, type, options;
    words >> device >> path >> type >> options;
    if (type != "hugetlbfs") {
      continue;
    }
    const fs::path mount = unescaped(path);
    all.push_back({.path = mount.string(),
                   .page_kib = page_size(options, usual),
                   .writable = access_to(root / mount.relative_path()) == Access::kGranted,
                   .leftovers = find_leftovers(root, mount)});
  }
  return all;
}

std::string link_name(const fs::path& link) {
  std::error_code none;
  return fs::read_symlink(link, none).filename();
}

/// Of the device itself, and of the virtio device on top of it.
std::vector<std::string> interfaces_of(const fs::path& device) {
  std::vector<std::string> names = names_in(device / "net");
  for (const std::string& child : names_in(device)) {
    if (child.starts_with("virtio")) {
      const std::vector<std::string> more = names_in(device / child / "net");
      names.insert(names.end(), more.begin(), more.end());
    }
  }
  return names;
}

std::vector<PciFacts> probe_pci(const fs::path& root) {
  const fs::path folder = root / "sys/bus/pci/devices";
  std::vector<PciFacts> devices;
  for (const std::string& address : names_in(folder)) {
    const fs::path device = folder / address;
    PciFacts facts;
    facts.address = address;
    facts.kind = number_of(first_word(device / "class"), 0, 16) >> 8U;
    facts.driver = link_name(device / "driver");
    facts.iommu_group = link_name(device / "iommu_group");
    std::istringstream(first_word(device / "numa_node")) >> facts.socket;
    facts.interfaces = interfaces_of(device);
    if (!facts.iommu_group.empty()) {
      const fs::path nodes = root / "dev/vfio";
      facts.vfio = std::max(access_to(nodes / facts.iommu_group), access_to(nodes / ("noiommu-" + facts.iommu_group)));
    }
    devices.push_back(std::move(facts));
  }
  return devices;
}

std::vector<InterfaceFacts> probe_interfaces(const fs::path& root) {
  std::vector<InterfaceFacts> interfaces;
  std::ifstream counters(root / "proc/self/net/dev");
  for (std::string line; std::getline(counters, line);) {
    const std::size_t colon = line.find(':');
    const std::size_t start = line.find_first_not_of(' ');
    if (colon == std::string::npos || start >= colon) {
      continue;  // a heading
    }
    InterfaceFacts facts;
    facts.name = line.substr(start, colon - start);
    const fs::path own = root / "sys/class/net" / facts.name;
    facts.mtu = number_of(first_word(own / "mtu"), facts.mtu);
    facts.up = (number_of(first_word(own / "flags"), kInterfaceUp, 16) & kInterfaceUp) != 0;
    interfaces.push_back(facts);
  }
  std::ifstream routes(root / "proc/self/net/route");
  for (std::string line; std::getline(routes, line);) {
    std::istringstream words(line);
    std::string name, destination;
    words >> name >> destination;
    for (InterfaceFacts& interface : interfaces) {
      if (interface.name == name) {
        interface.routed = true;
        interface.default_route = interface.default_route || destination == "00000000";
      }
    }
  }
  return interfaces;
}

/// Where EAL keeps the folder of each prefix, by its own rule.
fs::path runtime_folder(unsigned uid) {
  const char* const given = std::getenv("RUNTIME_DIRECTORY");
  const char* const users = std::getenv("XDG_RUNTIME_DIR");
  const fs::path folder = given != nullptr ? given : uid == 0 ? "/var/run" : users != nullptr ? users : "/tmp";
  return (folder / "dpdk").relative_path();
}

std::string command_of(const fs::path& root, unsigned pid) {
  std::ifstream file(root / "proc" / std::to_string(pid) / "cmdline", std::ios::binary);
  std::string command(kLongestCommand, '\0');
  file.read(command.data(), static_cast<std::streamsize>(command.size()));
  command.resize(static_cast<std::size_t>(file.gcount()));
  while (!command.empty() && command.back() == '\0') {
    command.pop_back();
  }
  // Anybody may name a process, and this goes to a terminal.
  std::replace_if(
      command.begin(), command.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
  return command;
}

/// A primary process holds a write lock on its `config`; asking for it changes nothing.
std::vector<PrimaryFacts> probe_primaries(const fs::path& root, unsigned uid) {
  const fs::path folder = root / runtime_folder(uid);
  std::vector<PrimaryFacts> primaries;
  for (const std::string& prefix : names_in(folder)) {
    const OpenFile config(folder / prefix / "config");
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (config.descriptor() >= 0 && fcntl(config.descriptor(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
      const unsigned pid = static_cast<unsigned>(std::max(lock.l_pid, 0));
      primaries.push_back({.prefix = prefix, .pid = pid, .command = command_of(root, pid)});
    }
  }
  return primaries;
}

/// EAL refuses plugins below a folder that everybody may write to, all the way up.
std::string open_folder_above(const fs::path& root, const fs::path& plugins) {
  fs::path folder;
  for (const fs::path& name : plugins) {
    folder /= name;
    struct stat status {};
    if (stat((root / folder.relative_path()).c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0) {
      return folder;
    }
  }
  return {};
}

}  // namespace

MachineFacts probe_machine(const fs::path& root) {
  MachineFacts facts;
  facts.host = probe_host(root);
  facts.process = probe_process(root, facts.host);
  facts.cpus = probe_cpus(root);
  facts.hugepages = probe_hugepages(root);
  facts.hugetlbfs = probe_hugetlbfs(root);
  facts.pci = probe_pci(root);
  facts.interfaces = probe_interfaces(root);
  facts.primaries = probe_primaries(root, facts.process.uid);
  facts.amd = line_behind(root / "proc/cpuinfo", "vendor_id").find("AMD") != std::string::npos;
  facts.iommu = !names_in(root / "sys/kernel/iommu_groups").empty();
  std::error_code none;
  facts.vfio_pci = fs::exists(root / "sys/bus/pci/drivers/vfio-pci", none);
  facts.vfio_without_iommu = first_word(root / "sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y";
  facts.vfio_container = access_to(root / "dev/vfio/vfio");
  facts.tun = access_to(root / "dev/net/tun");
  facts.open_plugin_folder = open_folder_above(root, RINGWAY_PLUGIN_FOLDER);
  return facts;
}

}  // namespace ringway
