#include "forwarder/leg_kinds.h"

namespace ringway {

LegRef ref_of(PortToPort& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(PortToPortWaiting& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(PortToRing& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(PortToRingWaiting& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(PortToRings& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(PortToRingsWaiting& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(RingToPort& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(RingToPortWaiting& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(RingToRing& leg) noexcept {
  return leg_ref(leg);
}
LegRef ref_of(RingToRingWaiting& leg) noexcept {
  return leg_ref(leg);
}

}  // namespace ringway
