#include "ladder/process_fbufs.h"
#include "ladder/process_kernel.h"
#include "ladder/process_pair.h"
#include "ladder/process_ring.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

auto by(std::unique_ptr<MessagePath> (*make)(std::size_t block)) {
  return [make](const Load& load) { return run_pair(load, make); };
}

}  // namespace

std::vector<Rung> process_rungs() {
  return {
      {.name = "pipe",
       .group = "process",
       .title = "a pipe, write and read",
       .use = "between any two processes of a family; a stream, with the kernel in between",
       .limit = "two copies and two system calls a message; no bounds between messages",
       .run = by(make_pipe_path)},
      {.name = "unix_datagram",
       .group = "process",
       .title = "datagrams over a Unix socket, send and recv",
       .use = "between processes that do not trust each other; keeps messages apart, can pass descriptors",
       .limit = "two copies and two system calls a message; its length is bounded by the socket's buffer",
       .run = by(make_datagram_path)},
      {.name = "shm_ring",
       .group = "process",
       .title = "a ring in POSIX shared memory, futexes where it is full or empty",
       .use = "between processes that trust each other; none calls the kernel while both are busy",
       .limit = "one copy into the ring where the data lies elsewhere; the sender can change what is being read",
       .run = by(make_ring_path)},
      {.name = "fbufs",
       .group = "process",
       .title = "fbufs: buffers handed over by a descriptor of a few bytes",
       .use =
           "where data arrives in the sender's buffers, as a NIC's packets do, and the receiver must not change them",
       .limit = "system calls that protect the buffers, a batch; the sender waits until buffers come back",
       .run = by(make_fbuf_path)},
  };
}

}  // namespace ringway
