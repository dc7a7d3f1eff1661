#pragma once

#include "datapath/leg.h"
#include "datapath/output.h"
#include "datapath/ring.h"
#include "datapath/source.h"
#include "forwarder/cross_connect.h"
#include "forwarder/spread.h"

namespace ringway {

/// A leg that takes from `Source` and sends all to one `Output`, without or with waiting for room.
template <class Source, class Output>
using DropLeg = Leg<Source, CrossConnect<Dropping<Output>>>;
template <class Source, class Output>
using WaitLeg = Leg<Source, CrossConnect<Waiting<Output>>>;

using PortToPort = DropLeg<PortSource, PortOutput>;  ///< run to completion
using PortToPortWaiting = WaitLeg<PortSource, PortOutput>;
using PortToRing = DropLeg<PortSource, RingOutput>;
using PortToRingWaiting = WaitLeg<PortSource, RingOutput>;
using PortToRings = Leg<PortSource, Spread<Dropping<RingOutput>>>;  ///< by flow
using PortToRingsWaiting = Leg<PortSource, Spread<Waiting<RingOutput>>>;
using RingToPort = DropLeg<RingSource, PortOutput>;
using RingToPortWaiting = WaitLeg<RingSource, PortOutput>;
using RingToRing = DropLeg<RingSource, RingOutput>;
using RingToRingWaiting = WaitLeg<RingSource, RingOutput>;

/// Each kind as its lcore sees it. Made in the .cc for the kinds above, so that they are compiled under the fast path's
/// rules.
template <class Kind>
LegRef ref_of(Kind& leg) noexcept;

}  // namespace ringway
