#pragma once

#include <memory>
#include <string>

#include "datapath/packet_filter.h"

namespace ringway {

/// What libpcap says against a filter for Ethernet frames, or what it asks for that no filter can do here; empty:
/// nothing. Needs no EAL.
std::string filter_fault(const std::string& text);

/// A filter as tcpdump takes it: compiled by libpcap, turned into DPDK's own code, and where that can be done into
/// machine code: on x86-64, as DPDK 22.11's compiler for ARM knows no loads from packets.
class Filter {
 public:
  /// Empty: it takes all packets. Throws Error with filter_fault()'s words, or the call.
  explicit Filter(const std::string& text);

  /// Valid for as long as this lives.
  PacketFilter get() const noexcept { return filter_; }
  /// Whether there is no machine code, so that each packet costs several times as much.
  bool interpreted() const noexcept { return filter_.program != nullptr && filter_.code == nullptr; }

 private:
  std::unique_ptr<rte_bpf, void (*)(rte_bpf*)> program_;
  PacketFilter filter_;
};

}  // namespace ringway
