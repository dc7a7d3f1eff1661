#pragma once

#include <cstddef>
#include <string>

#include "plan/topology.h"

namespace ringway {

/// What stands on an arrow of a picture.
enum class ArrowLabel {
  kName,
  kNumber,  ///< edge_number(), where names take too much room
};

/// `#1` for the first of Topology::edges.
std::string edge_number(std::size_t edge);

/// Ports and lcores as boxes, queues and rings as arrows from left to right, in ASCII; empty when that takes more than
/// 118 columns or 64 rows.
std::string picture_of(const Topology& topology, ArrowLabel label);

}  // namespace ringway
