#pragma once

#include "datapath/leg.h"
#include "datapath/output.h"
#include "datapath/source.h"

namespace ringway {

/// Every packet goes to the one output, untouched: the whole burst in one call.
template <class Output>
class CrossConnect {
 public:
  explicit CrossConnect(Output output) noexcept : output_(output) {}

  void forward(Burst& burst, Counters& counters) noexcept { output_.send(burst, counters); }
  void reap() noexcept { output_.reap(); }

 private:
  Output output_;
};

/// Run-to-completion: from a port's RX queue to a port's TX queue on one lcore.
using PortToPort = Leg<PortSource, CrossConnect<PortOutput>>;

/// PortToPort as its lcore sees it. Defined beside its code, so that the leg is compiled under the fast path's rules.
LegRef port_to_port_ref(PortToPort& leg) noexcept;

}  // namespace ringway
