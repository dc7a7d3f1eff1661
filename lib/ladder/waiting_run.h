#pragma once

#include <functional>
#include <memory>

#include "ladder/waiting_side.h"

namespace ringway {

/// Asks a waiting side over a wire, from a far end that never sleeps: one message at a time, 1,000 a second; then as
/// fast as they are answered. The figures are those of the fast load, the latencies those of the slow one.
Outcome run_waiting(const Load& load, const std::function<std::unique_ptr<WaitingSide>()>& make);

}  // namespace ringway
