#include "ladder/file_by_copy.h"
#include "ladder/file_by_pipe.h"
#include "ladder/file_by_reference.h"
#include "ladder/file_by_uring.h"
#include "ladder/file_cases.h"
#include "ladder/file_run.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

/// A technique, for any way to the far end.
struct Technique {
  const char* name;
  const char* title;
  const char* use;
  const char* limit;
  std::function<Outcome(const Load&, Via)> run;
};

/// One that needs no more than the file and a connection.
template <class Move>
Outcome plainly(const Load& load, Via via) {
  return FileRun(load, via).measure(make_move<Move>);
}

template <UringMove::Sends kSends>
Outcome uring(const Load& load, Via via) {
  return FileRun(load, via).measure([](const Ends& ends) { return std::make_unique<UringMove>(ends, kSends); });
}

// In the order of the ladder.
const Technique kTechniques[] = {
    {"read_write", "read into a buffer, write to the socket",
     "any file and any socket; the program may look at the bytes and change them on the way",
     "two copies and two system calls a block", plainly<ReadWrite>},
    {"mmap_write", "write to the socket from a mapping of the file", "regular files; the program may look at the bytes",
     "one copy, and a page fault for every few pages; where the file is cut meanwhile, the call says 'Bad address', "
     "and reading the bytes ends the program by SIGBUS, if that is not caught",
     run_map_write},
    {"sendfile", "sendfile: the socket refers to the page cache",
     "from a file with a page cache to a socket; no memory of the program's own",
     "the program cannot see or change the bytes; the far end gets what is in the file when it reads, not what "
     "was in it when it was sent; TLS only where the kernel does it",
     plainly<SendFile>},
    {"sendfile_sg", "sendfile with and without scatter/gather of the interface",
     "as sendfile; the interface gathers a frame from pages that lie apart",
     "an interface that cannot gather, or must not, makes the kernel copy, and nobody is told", run_scatter_gather},
    {"splice", "splice from the file to a pipe, from the pipe to the socket",
     "any two files of which one is a pipe, so that sources other than files can be passed on as well",
     "one end must be a pipe: two system calls a block, and a block no larger than the pipe; the program cannot "
     "see or change the bytes",
     plainly<Splice>},
    {"tee", "splice into a pipe, tee into another, splice both into a socket each",
     "the same bytes to several receivers: only the pipe's references are doubled",
     "both ends of tee must be pipes; the slowest receiver holds up the others",
     [](const Load& load, Via via) { return FileRun(load, via).measure(make_move<Tee>, 2); }},
    {"vmsplice", "vmsplice from memory to a pipe, splice into the socket",
     "bytes that are in the program's memory already",
     "the memory must stay as it is until the far end has read it, and nobody tells when that is", plainly<VmSplice>},
    {"direct_io", "read with O_DIRECT into a buffer, write to the socket",
     "large files that are read once: the page cache keeps what others need",
     "offset, length and buffer must be aligned to the disk's blocks; each read waits for the disk; not every file "
     "system has it",
     run_direct},
    {"io_uring_fixed", "io_uring: read into registered buffers and send, several blocks a system call",
     "any file and socket; many operations, few system calls", "copies as read and write do; io_uring must be allowed",
     uring<UringMove::Sends::kCopy>},
    {"io_uring_zc", "io_uring: read into registered buffers and send them without a copy",
     "one copy, which the program can look at and change; sends out of pages that are pinned once",
     "the buffer is taken until a notification comes; needs Linux 6.0 and a network interface that gathers: to a "
     "receiver on the same machine the kernel copies",
     uring<UringMove::Sends::kZeroCopy>},
    {"msg_zerocopy", "send with MSG_ZEROCOPY from a mapping of the file",
     "memory of the program, in pieces of about 10 KiB and more",
     "pages are pinned for each send; the memory must stay as it is until the error queue tells; needs a network "
     "interface that gathers: to a receiver on the same machine the kernel copies",
     plainly<ZeroCopySend>},
    {"fork_cow", "a forked sender vmsplices its snapshot of memory while the parent writes to it",
     "to send a state as it was at one moment, while it goes on changing",
     "each page that is written to meanwhile is copied once; fork costs page tables and address space", run_fork},
};

Rung rung_of(const Technique& technique, Via via) {
  const bool veth = via == Via::kVeth;
  return {.name = std::string(technique.name) + (veth ? "-veth" : ""),
          .group = "file",
          .title = std::string(technique.title) + (veth ? ", over a veth pair" : ", over loopback"),
          .use = technique.use,
          .limit = technique.limit,
          .run = [&technique, via](const Load& load) { return technique.run(load, via); }};
}

}  // namespace

std::vector<Rung> file_rungs() {
  std::vector<Rung> rungs;
  for (const Via via : {Via::kLoopback, Via::kVeth}) {
    for (const Technique& technique : kTechniques) {
      rungs.push_back(rung_of(technique, via));
    }
  }
  return rungs;
}

}  // namespace ringway
