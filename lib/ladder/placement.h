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

/// What a thread does between looks for what another one is to bring: it looks again, and only after many looks lets
/// others have the CPU, which may take it milliseconds. Where both have one CPU, at once.
class Patient {
 public:
  void look_again() noexcept;
  /// It was there.
  void found() noexcept { looks_ = 0; }

 private:
  unsigned looks_ = 0;
};

}  // namespace ringway
