#include "ladder/file_by_copy.h"
#include "ladder/file_by_reference.h"
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
  std::function<Outcome(const Load&, Way)> run;
};

/// One that needs no more than the file and a connection.
template <class Move>
Outcome plainly(const Load& load, Way way) {
  return FileRun(load, way).measure(make_move<Move>);
}

const std::vector<Technique>& techniques() {
  static const std::vector<Technique> all = {
      {"read_write", "read into a buffer, write to the socket",
       "any file, any socket; the program may look at the bytes and change them on the way",
       "two copies and two system calls a block", plainly<ReadWrite>},
      {"sendfile", "sendfile: the socket refers to the page cache",
       "from a file (anything with a page cache) to a socket; no memory of the program's own is needed",
       "the program cannot see or change the bytes; what is written to the file before the far end has read it is what "
       "it reads; TLS needs the kernel's (kTLS)",
       plainly<SendFile>},
  };
  return all;
}

Rung rung_of(const Technique& technique, Way way) {
  const bool veth = way == Way::kVeth;
  return {.name = std::string(technique.name) + (veth ? "-veth" : ""),
          .group = "file",
          .title = std::string(technique.title) + (veth ? ", over a veth pair" : ", over loopback"),
          .use = technique.use,
          .limit = technique.limit,
          .run = [&technique, way](const Load& load) { return technique.run(load, way); }};
}

}  // namespace

std::vector<Rung> file_rungs() {
  std::vector<Rung> rungs;
  for (const Way way : {Way::kLoopback, Way::kVeth}) {
    for (const Technique& technique : techniques()) {
      rungs.push_back(rung_of(technique, way));
    }
  }
  return rungs;
}

}  // namespace ringway
