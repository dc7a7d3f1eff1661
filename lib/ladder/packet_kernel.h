#pragma once

#include "ladder/rung.h"

namespace ringway {

/// The kernel forwards by itself, in the name of whoever sends: as a bridge, or as a router.
Outcome run_bridge(const Load& load);
Outcome run_router(const Load& load);

}  // namespace ringway
