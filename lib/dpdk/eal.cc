// rte_intr_instance_alloc and its setters are not yet part of the stable ABI (22.11).
#define ALLOW_EXPERIMENTAL_API

#include "dpdk/eal.h"

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <string_view>
#include <thread>

#include "core/errors.h"
#include "core/text.h"

namespace ringway {
namespace {

/// A phrase in EAL's output, and what it means to the person who started the program.
struct KnownCause {
  std::string_view phrase;
  ExitStatus status;
  const char* cause;
};

constexpr std::array kKnownCauses = {
    KnownCause{"not compatible with --in-memory", ExitStatus::kUsage,
               "--in-memory and --no-huge exclude each other; leave one out"},
    KnownCause{"unrecognized option", ExitStatus::kUsage, "an EAL argument is not known"},
    KnownCause{"invalid option", ExitStatus::kUsage, "an EAL argument is not known"},
    KnownCause{"invalid parameters", ExitStatus::kUsage, "an EAL argument has a wrong value"},
    KnownCause{" unavailable", ExitStatus::kResourceMissing,
               "an lcore is mapped to a CPU that is not there; `taskset -p $$` shows which CPUs there are"},
    KnownCause{
        "Main lcore is not enabled", ExitStatus::kResourceMissing,
        "the main lcore is not among the lcores; expected eal.main_lcore (--main-lcore) to be one of eal.lcores"},
    KnownCause{"invalid parameter for --lcores", ExitStatus::kConfigInvalid,
               "eal.lcores (--lcores) is not of the form LCORE@CPU, such as \"0@0,1@1\""},
    KnownCause{"invalid core list", ExitStatus::kResourceMissing,
               "-l names a CPU that this process may not use; `taskset -p $$` shows which it may"},
    KnownCause{"Cannot create lock", ExitStatus::kResourceMissing,
               "another DPDK process runs with the same --file-prefix; give this one another"},
    KnownCause{"Cannot create runtime directory", ExitStatus::kPermission,
               "EAL's folder cannot be made; expected RUNTIME_DIRECTORY to name one that this user may write to"},
    KnownCause{"ermission denied", ExitStatus::kPermission,
               "this user may not open what EAL needs; run as root, or use eal: {no_huge: true}"},
    KnownCause{"is world-writable and insecure", ExitStatus::kPermission,
               "everybody may write to a folder above DPDK's drivers, so EAL loads none; chmod o-w that folder"},
    KnownCause{"Cannot init memory", ExitStatus::kResourceMissing,
               "eal.memory or eal.socket_mem is more than the hugepages that are free; expected less, or echo 256 > "
               "/proc/sys/vm/nr_hugepages"},
    KnownCause{"no mounted hugetlbfs found", ExitStatus::kResourceMissing,
               "without in_memory hugepages are files, and no hugetlbfs is mounted; mount -t hugetlbfs hugetlbfs "
               "/dev/hugepages, or eal: {in_memory: true}"},
    KnownCause{"Cannot get hugepage information", ExitStatus::kResourceMissing,
               "no hugepages are free; echo 256 > /proc/sys/vm/nr_hugepages, or use eal: {no_huge: true}"},
};

constexpr std::size_t kMostLines = 3;  // of EAL's own, beside a cause that is known

[[noreturn]] void fail(int error, HeldOutput& output) {
  const std::string held = output.held();
  auto status = ExitStatus::kFailed;
  std::string cause = std::string("EAL did not start: ") + std::strerror(error);
  for (const KnownCause& known : kKnownCauses) {
    if (held.find(known.phrase) != std::string::npos) {
      status = known.status;
      cause = std::string("EAL did not start: ") + known.cause;
      output.keep_last(kMostLines);
      break;
    }
  }
  throw Error(status, cause);
}

/// The driver's lines joined into one; EAL's own, which only repeat that it failed, where there is nothing else.
std::string driver_words(const std::string& output) {
  std::string driver;
  std::string eal;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::string& words = line.starts_with("EAL: ") ? eal : driver;
    words += (words.empty() ? "" : "; ") + line;
  }
  return driver.empty() ? eal : driver;
}

/// Puts EAL's interrupt thread to sleep for ever, in a callback: rte_eal_cleanup takes its memory away and leaves it
/// running, and with net_memif's handles in that memory the process died of it now and then (22.11).
void park_interrupts() {
  static std::atomic<bool> parked = false;
  const auto park = [](void*) {
    parked = true;
    for (;;) {
      std::this_thread::sleep_for(std::chrono::hours(1));
    }
  };
  static rte_intr_handle* const handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);  // in use for ever
  const int ready = eventfd(1, EFD_CLOEXEC);                                                    // readable at once
  const bool set = handle != nullptr && ready >= 0 && rte_intr_fd_set(handle, ready) == 0 &&
                   rte_intr_type_set(handle, RTE_INTR_HANDLE_EXT) == 0 &&
                   rte_intr_callback_register(handle, park, nullptr) == 0;
  for (int look = 0; set && look < 10000 && !parked; ++look) {  // a second at most
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace

Eal::Eal(const std::vector<std::string>& argv, HeldOutput& output) : argv_(argv) {
  for (std::string& argument : argv_) {
    pointers_.push_back(argument.data());
  }
  output.forget();
  output.hold_streams();
  const int used = rte_eal_init(static_cast<int>(pointers_.size()), pointers_.data());
  const int error = rte_errno;
  output.release_streams();
  if (used < 0) {
    fail(error, output);
  }
  output.forget();
  output.take_log();
}

Eal::~Eal() {
  park_interrupts();
  rte_eal_cleanup();
}

unsigned attach_port(const std::string& device, HeldOutput& output) {
  const std::string name = device_name(device);
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) {
    return id;
  }
  output.forget();
  output.hold_streams();
  const int result = rte_dev_probe(device.c_str());
  output.release_streams();
  if (result == 0 && rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) {
    output.forget();
    return id;
  }
  const std::string said = driver_words(output.held());
  output.forget();
  // Not the result alone: drivers return -1, which reads as EPERM, for anything. af_packet hides why its socket failed,
  // and without CAP_NET_RAW it always does.
  const bool denied = said.find("not permitted") != std::string::npos ||
                      said.find("ermission denied") != std::string::npos ||
                      (geteuid() != 0 && said.find("Could not open AF_PACKET socket") != std::string::npos);
  throw Error(
      denied ? ExitStatus::kPermission : ExitStatus::kResourceMissing,
      (denied ? "this user may not (run as root, or with the capabilities that README.md names); " : std::string{}) +
          (said.empty() ? std::string("no driver took the device: ") + std::strerror(-result) : said) +
          "; `ringway --doctor` with this configuration tells what mends it");
}

}  // namespace ringway
