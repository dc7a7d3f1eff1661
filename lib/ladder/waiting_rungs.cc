#include "ladder/rung.h"
#include "ladder/waiting_run.h"
#include "ladder/waiting_side.h"

namespace ringway {
namespace {

auto by(std::unique_ptr<WaitingSide> (*make)()) {
  return [make](const Load& load) { return run_waiting(load, make); };
}

}  // namespace

std::vector<Rung> waiting_rungs() {
  return {
      {.name = "wait_blocking",
       .group = "waiting",
       .title = "asleep in recv until the interrupt",
       .use = "where messages are rare, or the CPU has other work",
       .limit = "each message alone pays for a wake-up; one socket a thread",
       .run = by(make_blocking)},
      {.name = "wait_epoll",
       .group = "waiting",
       .title = "asleep in epoll_wait, then recv",
       .use = "one thread for many sockets",
       .limit = "one more system call a message than recv alone",
       .run = by(make_epoll)},
      {.name = "wait_busy_poll",
       .group = "waiting",
       .title = "in recv, polling the interface for a while before sleeping (SO_BUSY_POLL, SO_PREFER_BUSY_POLL)",
       .use = "low latency with the kernel's sockets, on drivers with NAPI",
       .limit = "takes CPU while it polls; needs CAP_NET_ADMIN",
       .run = by(make_busy_polling)},
      {.name = "wait_spinning",
       .group = "waiting",
       .title = "never asleep, recv without waiting, over and over",
       .use = "low latency with any socket, on a CPU of its own",
       .limit = "a whole CPU, and a system call each time it looks",
       .run = by(make_spinning)},
      {.name = "wait_poll_mode",
       .group = "waiting",
       .title = "never asleep, a look at an AF_XDP ring, over and over: poll mode",
       .use = "lowest latency and highest rate, on a CPU of its own, with a user-space network stack",
       .limit = "a whole CPU; no kernel network stack; needs CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW",
       .run = by(make_poll_mode)},
  };
}

}  // namespace ringway
