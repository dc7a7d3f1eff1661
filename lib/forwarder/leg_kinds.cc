#include "forwarder/leg_kinds.h"

namespace ringway {

template <class Kind>
LegRef ref_of(Kind& leg) noexcept {
  return leg_ref(leg);
}

template LegRef ref_of(PortToPort&) noexcept;
template LegRef ref_of(PortToPortWaiting&) noexcept;
template LegRef ref_of(PortToRing&) noexcept;
template LegRef ref_of(PortToRingWaiting&) noexcept;
template LegRef ref_of(PortToRings&) noexcept;
template LegRef ref_of(PortToRingsWaiting&) noexcept;
template LegRef ref_of(RingToPort&) noexcept;
template LegRef ref_of(RingToPortWaiting&) noexcept;
template LegRef ref_of(RingToRing&) noexcept;
template LegRef ref_of(RingToRingWaiting&) noexcept;

}  // namespace ringway
