#pragma once

#include <vector>

namespace ringway {

/// The CPUs that the process could use when this was first called, in order.
const std::vector<int>& usable_cpus();

/// The far ends' CPU, and the mover's: another one where there are two.
int far_end_cpu();
int mover_cpu();

/// Moves the calling thread there, and those that it makes from then on.
void run_on(int cpu);

}  // namespace ringway
