#pragma once

#include "ladder/file_run.h"

namespace ringway {

// Techniques that show more than their copies.

/// sendfile; what the interface can do; and the same over an interface without scatter/gather, where it lets us.
Outcome run_scatter_gather(const Load& load, Via via);

/// mmap + write; and what happens to it, and to the program, when the file is cut.
Outcome run_map_write(const Load& load, Via via);

/// O_DIRECT + write; and what is in the page cache after it, and after read + write.
Outcome run_direct(const Load& load, Via via);

/// vmsplice by a forked sender, out of the snapshot it has of memory that its parent goes on writing to meanwhile.
Outcome run_fork(const Load& load, Via via);

}  // namespace ringway
