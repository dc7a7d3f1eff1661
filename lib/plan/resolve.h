#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/diagnostics.h"
#include "plan/plan.h"

namespace ringway {

/// An RX queue given to an lcore: by the file, or else when the plan is made.
struct Assignment {
  unsigned lcore = 0;
  std::size_t port = 0;
  unsigned queue = 0;
  Location at;
};

/// A port given to an lcore for one of its roles, in the same way.
struct PortRole {
  unsigned lcore = 0;
  std::size_t port = 0;
  Location at;
};

/// A configuration whose names are resolved, as far as the text alone allows.
struct Resolved {
  std::vector<Way> ways;                ///< at most one from each port
  std::vector<Assignment> assignments;  ///< empty: the planner places the queues
  std::vector<unsigned> workers;        ///< lcores that work; empty: who receives, works
  std::vector<PortRole> tx;             ///< lcores that transmit for everybody
  std::vector<PortRole> generate;       ///< empty: the planner finds an lcore
  std::vector<PortRole> check;          ///< the same
  std::vector<CapturePlan> captures;

  /// The way that packets from `port` take; null: it only sends.
  const Way* way_from(std::size_t port) const;
};

/// RX queues of a port: what the file says, else 1.
unsigned rx_queues_of(const PortConfig& port);

/// Whether the port is one that ringway makes itself for `traffic`.
bool is_lab(const PortConfig& port);

/// Whether ringway makes the port itself, in memory: `lab` and `replay`. An lcore feeds it, another empties it.
bool is_made_here(const PortConfig& port);

/// The port of that name, an index; none with a problem told.
std::optional<std::size_t> find_port(const Config& config, const std::string& name, Location at,
                                     const std::string& path, Diagnostics& problems);

/// Resolves `capture`, once the ways are there.
void resolve_captures(const Config& config, Resolved& resolved, Diagnostics& problems);

/// Resolves names and refuses what no machine could mend. This is all that `--check` needs besides parsing.
Resolved resolve(const Config& config, Diagnostics& problems);

}  // namespace ringway
