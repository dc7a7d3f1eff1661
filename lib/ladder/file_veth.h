#pragma once

#include <functional>

#include "ladder/descriptor.h"

namespace ringway {

/// Two network namespaces of this process's own, joined by a pair of veth interfaces: `near`, 10.77.0.1, and
/// `far`, 10.77.0.2. They go with the process, however it ends. The thread that makes it is in the near one from then
/// on.
class VethPair {
 public:
  /// Once in a process that has one thread only. Throws CannotRun where the kernel does not allow it.
  VethPair();

  /// Runs `what` with the calling thread in the far namespace.
  void in_far(const std::function<void()>& what) const;

 private:
  Descriptor far_;
  Descriptor near_;
};

inline constexpr const char* kNearInterface = "near";
inline constexpr const char* kFarAddress = "10.77.0.2";

}  // namespace ringway
