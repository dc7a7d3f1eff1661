#pragma once

#include <rte_ring.h>

#include <memory>
#include <string>

namespace ringway {

/// A ring of mbufs with one consumer.
class Ring {
 public:
  /// `size`: a power of two; it holds one mbuf fewer. `shared`: several lcores put packets in, one after another (HTS).
  /// Throws Error with the call and the object.
  Ring(const std::string& name, unsigned size, bool shared, unsigned socket);

  rte_ring* get() const noexcept { return ring_.get(); }

 private:
  std::unique_ptr<rte_ring, void (*)(rte_ring*)> ring_;
};

}  // namespace ringway
