#pragma once

#include <optional>
#include <string>

#include "ladder/descriptor.h"
#include "ladder/file_veth.h"

namespace ringway {

/// What a file is sent over: the loopback interface, or a pair of veth interfaces of two namespaces.
enum class Via { kLoopback, kVeth };

/// Both ends of a TCP connection; it sends at once (TCP_NODELAY).
struct Connection {
  Descriptor near;
  Descriptor far;
};

/// What the kernel says of an interface.
struct Offloads {
  bool scatter_gather = false;
  bool segmentation = false;  ///< TSO
  bool checksum = false;
};

class Route {
 public:
  explicit Route(Via via);

  Connection connect() const;

  /// The one that the near end sends through.
  const std::string& interface() const noexcept { return interface_; }
  Offloads offloads() const;

  /// Of what it sends from now on, over connections made afterwards. Whether it was done; loopback refuses.
  bool set_scatter_gather(bool on) const;

 private:
  std::optional<VethPair> pair_;
  std::string interface_;
  Descriptor listener_;
};

}  // namespace ringway
