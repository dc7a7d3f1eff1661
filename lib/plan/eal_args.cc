#include "plan/eal_args.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <initializer_list>
#include <string_view>

#include "core/text.h"

namespace ringway {
namespace {

constexpr unsigned kNoHugeMib = 512;  // address space only: pages are taken as pools touch them

/// Builds the vector; each member function is one group of options.
class ArgumentBuilder {
 public:
  ArgumentBuilder(const Config& config, const std::vector<std::string>& command_line, const HostFacts& host,
                  Diagnostics& problems)
      : config_(config), eal_(config.eal), given_(command_line), host_(host), problems_(problems) {}

  std::vector<std::string> run() {
    argv_.emplace_back("ringway");
    lcores();
    memory();
    devices();
    others();
    argv_.insert(argv_.end(), given_.begin(), given_.end());
    return argv_;
  }

 private:
  /// True when the command line already has one of the options, attached values (`-l0,1`, `--lcores=0`) included.
  bool given(std::initializer_list<std::string_view> options) const {
    return std::any_of(given_.begin(), given_.end(), [&](std::string_view argument) {
      return std::any_of(options.begin(), options.end(), [&](std::string_view option) {
        if (option.starts_with("--")) {
          return argument == option ||
                 (argument.starts_with(option) && argument.size() > option.size() && argument[option.size()] == '=');
        }
        return !argument.starts_with("--") && argument.starts_with(option);
      });
    });
  }

  void lcores() {
    if (!given({"-l", "-c", "--lcores"})) {
      if (eal_.lcores) {
        argv_.push_back("--lcores=" + eal_.lcores->value);
      } else {
        lcores_of_affinity();
      }
    }
    if (eal_.main_lcore && !given({"--main-lcore"})) {
      argv_.push_back("--main-lcore=" + std::to_string(eal_.main_lcore->value));
    }
  }

  bool runs_here(unsigned cpu) const {
    return std::find(host_.cpus.begin(), host_.cpus.end(), cpu) != host_.cpus.end();
  }

  bool works(unsigned id) const {
    return std::any_of(config_.lcores.begin(), config_.lcores.end(),
                       [id](const LcoreConfig& lcore) { return lcore.id == id; });
  }

  /// One lcore a CPU. The main lcore takes a CPU of its own while there is one, else it shares the first: it mostly
  /// sleeps.
  void lcores_of_affinity() {
    std::vector<std::string> cpus;
    for (const unsigned cpu : host_.cpus) {
      cpus.push_back(std::to_string(cpu));
    }
    for (const LcoreConfig& lcore : config_.lcores) {
      if (!runs_here(lcore.id)) {
        problems_.missing(lcore.at, "lcores." + std::to_string(lcore.id),
                          "is no CPU of this process's affinity; expected one of " + join(cpus, "or") +
                              ", or eal.lcores that maps it, such as \"0@0," + std::to_string(lcore.id) + "@0\"");
      }
    }
    if (problems_.failed() || host_.cpus.empty()) {
      return;
    }
    std::vector<unsigned> ids = host_.cpus;
    std::erase_if(ids, [](unsigned cpu) { return cpu > kLastLcore; });  // such CPUs stay unused
    const auto spare = std::find_if(ids.begin(), ids.end(), [this](unsigned cpu) { return !works(cpu); });
    const bool shared = config_.lcores.empty() ? ids.size() == 1 : spare == ids.end();
    std::string map;
    for (const unsigned cpu : ids) {
      map += (map.empty() ? "" : ",") + std::to_string(cpu) + "@" + std::to_string(cpu);
    }
    unsigned main = spare == ids.end() ? 0 : *spare;
    if (shared) {
      for (main = 0; std::find(ids.begin(), ids.end(), main) != ids.end();) {
        ++main;
      }
      map += "," + std::to_string(main) + "@" + std::to_string(ids.front());
    }
    argv_.push_back("--lcores=" + map);
    if (!eal_.main_lcore && !given({"--main-lcore"})) {
      argv_.push_back("--main-lcore=" + std::to_string(main));
    }
  }

  void memory() {
    const bool file_says_so = eal_.no_huge && eal_.no_huge->value && !given({"--in-memory", "--huge-dir"});
    const bool no_huge = given({"--no-huge"}) || file_says_so;
    if (no_huge) {
      ordinary_memory();
    } else if ((!eal_.in_memory || eal_.in_memory->value) && !given({"--in-memory", "--legacy-mem", "--huge-dir"}) &&
               !eal_.huge_dir) {
      argv_.emplace_back("--in-memory");
    }
    if (!no_huge && eal_.memory && !given({"-m", "--socket-mem"})) {
      argv_.push_back("-m" + std::to_string(eal_.memory->value));
    }
    list("--socket-mem", eal_.socket_mem, no_huge || given({"-m", "--socket-mem"}));
    list("--socket-limit", eal_.socket_limit, no_huge || given({"--socket-limit"}));
    flag("--huge-unlink", eal_.huge_unlink, no_huge);
    flag("--single-file-segments", eal_.single_file_segments, false);
    text("--huge-dir", eal_.huge_dir, no_huge);
    text("--iova-mode", eal_.iova_mode, false);
  }

  /// EAL hangs when asked for more ordinary memory than the machine has, so that is refused here.
  void ordinary_memory() {
    if (!given({"--no-huge"})) {
      argv_.emplace_back("--no-huge");
    }
    if (!given({"--no-shconf"})) {
      argv_.emplace_back("--no-shconf");
    }
    const unsigned mib = given({"-m"}) ? given_memory() : eal_.memory ? eal_.memory->value : kNoHugeMib;
    if (host_.memory_mib != 0 && mib > host_.memory_mib) {
      problems_.missing(eal_.memory ? eal_.memory->at : eal_.at, "eal.memory",
                        "is " + std::to_string(mib) + " MiB, and this machine has " + std::to_string(host_.memory_mib) +
                            "; expected less than " + std::to_string(host_.memory_mib));
    }
    if (!given({"-m"})) {
      argv_.push_back("-m" + std::to_string(mib));
    }
  }

  /// The command line's `-m64` or `-m 64`; 0 when it is no number, which EAL refuses.
  unsigned given_memory() const {
    unsigned mib = 0;
    for (std::size_t i = 0; i < given_.size(); ++i) {
      if (given_[i].starts_with("-m")) {
        const std::string& value = given_[i].size() > 2 || i + 1 == given_.size() ? given_[i].substr(2) : given_[i + 1];
        std::from_chars(value.data(), value.data() + value.size(), mib);
      }
    }
    return mib;
  }

  void devices() {
    const bool chosen = given({"-a", "--allow", "-b", "--block", "--no-pci"});
    bool any = false;
    const auto allow = [&](const std::string& device) {
      any = any || is_pci(device);
      if (is_pci(device) && !chosen) {
        argv_.push_back("--allow=" + device);
      }
    };
    for (const PortConfig& port : config_.ports) {
      allow(port.device.value);
      for (const At<std::string>& member : port.members) {
        allow(member.value);
      }
    }
    const bool no_pci = eal_.no_pci ? eal_.no_pci->value : !any;
    if (no_pci && !chosen) {
      argv_.emplace_back("--no-pci");
    }
  }

  void others() {
    if ((!eal_.no_telemetry || eal_.no_telemetry->value) && !given({"--no-telemetry", "--telemetry"})) {
      argv_.emplace_back("--no-telemetry");
    }
    if (!given({"--file-prefix"})) {
      argv_.push_back("--file-prefix=" + (eal_.file_prefix ? eal_.file_prefix->value : "ringway"));
    }
    text("--log-level", eal_.log_level, false);
  }

  void flag(const char* option, const Maybe<bool>& value, bool overruled) {
    if (value && value->value && !overruled && !given({option})) {
      argv_.emplace_back(option);
    }
  }

  void text(const char* option, const Maybe<std::string>& value, bool overruled) {
    if (value && !overruled && !given({option})) {
      argv_.push_back(std::string(option) + "=" + value->value);
    }
  }

  void list(const char* option, const Maybe<std::vector<unsigned>>& values, bool overruled) {
    if (!values || overruled) {
      return;
    }
    std::string joined;
    for (const unsigned value : values->value) {
      joined += (joined.empty() ? "" : ",") + std::to_string(value);
    }
    argv_.push_back(std::string(option) + "=" + joined);
  }

  const Config& config_;
  const EalConfig& eal_;
  const std::vector<std::string>& given_;
  const HostFacts& host_;
  Diagnostics& problems_;
  std::vector<std::string> argv_;
};

}  // namespace

std::vector<std::string> eal_args(const Config& config, const std::vector<std::string>& command_line,
                                  const HostFacts& host, Diagnostics& problems) {
  return ArgumentBuilder(config, command_line, host, problems).run();
}

void take_devices_of(const std::vector<std::string>& command_line, Config& config) {
  for (std::size_t i = 0; i < command_line.size(); ++i) {
    const std::string& word = command_line[i];
    std::string device;
    if (word == "--vdev" && i + 1 < command_line.size()) {
      device = command_line[i + 1];
    } else if (word.starts_with("--vdev=")) {
      device = word.substr(7);
    }
    const std::string name = device_name(device);
    for (PortConfig& port : config.ports) {
      if (!name.empty() && device_name(port.device.value) == name) {
        port.device.value = device;
      }
    }
  }
}

bool has_option(const std::vector<std::string>& argv, std::string_view option) {
  return std::find(argv.begin(), argv.end(), option) != argv.end();
}

bool is_pci(const std::string& device) {
  // The parser has normalised it to dddd:bb:dd.f; a vdev's name starts with letters and has no colon at that place.
  return device.size() >= 12 && device[4] == ':' && std::isxdigit(static_cast<unsigned char>(device[0])) != 0;
}

}  // namespace ringway
