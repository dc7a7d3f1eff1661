#include "forwarder/cross_connect.h"

namespace ringway {

LegRef port_to_port_ref(PortToPort& leg) noexcept {
  return leg_ref(leg);
}

}  // namespace ringway
