#include "ladder/placement.h"

#include <sched.h>

namespace ringway {
namespace {

constexpr unsigned kLooksInARow = 500;  // some 100 us, in which a mover that is awake has answered

}  // namespace

const std::vector<int>& usable_cpus() {
  static const std::vector<int> cpus = [] {
    std::vector<int> usable;
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) {
        usable.push_back(cpu);
      }
    }
    return usable;
  }();
  return cpus;
}

int far_end_cpu() {
  return usable_cpus().front();
}

int mover_cpu() {
  return usable_cpus()[usable_cpus().size() > 1 ? 1 : 0];
}

void run_on(int cpu) {
  usable_cpus();  // as they were before
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

void Patient::look_again() noexcept {
  if (++looks_ > kLooksInARow || usable_cpus().size() == 1) {
    sched_yield();
  }
}

}  // namespace ringway
