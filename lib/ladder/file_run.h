#pragma once

#include <functional>
#include <memory>

#include "ladder/file_move.h"
#include "ladder/file_route.h"

namespace ringway {

using MakeMove = std::function<std::unique_ptr<FileMove>(const Ends&)>;

/// For moves that need nothing but the ends.
template <class Move>
std::unique_ptr<FileMove> make_move(const Ends& ends) {
  return std::make_unique<Move>(ends);
}

std::string three_digits(double value);
double cpu_ns_a_byte(const Outcome& outcome);

/// The outcome of middle CPU time of three, with a note of all their CPU times. Its other figures are of its own round.
Outcome middle_of_rounds(const std::function<Outcome()>& once);

/// A file, and a way to send it.
class FileRun {
 public:
  FileRun(const Load& load, Via via);

  /// Over new connections: the whole file, metered; then blocks alone, for the latency; then a probe of what was
  /// copied. What the kernel does on the way to the far socket is the sender's too: on both routes it runs in its time.
  Outcome once(const MakeMove& make, unsigned receivers = 1) const;

  /// The middle of some rounds of that.
  Outcome measure(const MakeMove& make, unsigned receivers = 1) const;

  const PatternFile& file() const noexcept { return file_; }
  const Route& route() const noexcept { return route_; }

 private:
  const Load& load_;
  PatternFile file_;  // before the route: in a user namespace a file of one's own may be out of reach
  Route route_;
};

}  // namespace ringway
