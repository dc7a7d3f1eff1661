#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "ladder/usage.h"

namespace ringway {

/// How much a rung moves.
struct Load {
  std::uint64_t bytes = 0;       ///< by rungs that move bytes; whole blocks
  std::uint64_t block = 0;       ///< bytes handed to one call; whole pages
  std::uint64_t packets = 0;     ///< by rungs that move packets
  unsigned packet_bytes = 0;     ///< length of each frame, without CRC
  unsigned samples = 0;          ///< blocks or packets sent alone, one after another, for the latency
  std::filesystem::path folder;  ///< for files; on a file system with a page cache
  std::string ringway;           ///< the forwarder's program
};

/// How a way to wait did at one load.
struct WaitingLoad {
  /// `low`: one message at a time, paced; `high`: as fast as they are answered, several on their way.
  std::string load;
  double per_second = 0;      ///< messages
  double latency_p50_us = 0;  ///< there and back
  double latency_p99_us = 0;
  double cpu_share = 0;  ///< of one CPU, by who waits
  double cpu_us_per_message = 0;
};

/// What a technique was seen to do. The mover is what the technique is about: the sender of a file, both processes of a
/// pipe, the forwarder between two wires. The far end only checks, the same way for all rungs of a group, and is not
/// in any figure but the throughput.
struct Outcome {
  std::uint64_t bytes = 0;         ///< payload that arrived; once, whether at one receiver or at several
  std::uint64_t packets = 0;       ///< messages, blocks or frames in which it arrived
  std::uint64_t batches = 0;       ///< in which the mover took packets, or between which it slept; 0: not told
  bool verified = false;           ///< every byte was compared at the far end
  double copies_per_byte = 0;      ///< of payload, by a CPU, on the mover's side
  std::string copies_shown_by;     ///< what was looked at; `definition` where nothing can be
  std::string fell_back;           ///< what the kernel did instead of what was asked for; empty: nothing
  std::vector<std::string> notes;  ///< what else was seen, a sentence each
  Usage usage;                     ///< of the mover
  double seconds = 0;              ///< from the first byte to the last
  double latency_p50_us = 0;  ///< of one block or packet alone, from the mover's start to the check; 0: not measured
  double latency_p99_us = 0;
  std::vector<WaitingLoad> waiting;  ///< by rungs of group `waiting`, low before high
};

/// Why a rung has no outcome here, and what would let it run.
class CannotRun : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A technique.
struct Rung {
  std::string name;   ///< of the command line and of results: `sendfile`, `sendfile-veth`
  std::string group;  ///< `file`, `process`, `packet` or `waiting`
  std::string title;  ///< a few words
  std::string use;    ///< when it may be used
  std::string limit;  ///< when it may not, or what it costs
  /// Runs in a process of its own. Throws CannotRun, or Error for a failure.
  std::function<Outcome(const Load&)> run;
};

/// All rungs, in the order of the ladder.
std::vector<Rung> all_rungs();

/// Its parts, by group: files to sockets; one process to another; frames between two wires; ways to wait for a message.
std::vector<Rung> file_rungs();
std::vector<Rung> process_rungs();
std::vector<Rung> packet_rungs();
std::vector<Rung> waiting_rungs();

}  // namespace ringway
