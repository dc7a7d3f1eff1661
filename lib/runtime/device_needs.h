#pragma once

#include <string>

namespace ringway {

/// Checks what a vdev needs of this machine and its driver would tell badly or not before packets flow: a kernel
/// interface, a free place for a socket, a memif server. Throws Error with the cause and what was expected.
void require_needs(const std::string& device);

}  // namespace ringway
