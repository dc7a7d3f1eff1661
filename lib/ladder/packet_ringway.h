#pragma once

#include "ladder/rung.h"

namespace ringway {

/// ringway between the two wires, over a driver for the kernel's interfaces; and between two ports in memory, with
/// its own generator and checker as source and sink.
Outcome run_ringway_af_packet(const Load& load);
Outcome run_ringway_af_xdp(const Load& load);
Outcome run_ringway_lab(const Load& load);

}  // namespace ringway
