#pragma once

#include <rte_bpf.h>
#include <rte_mbuf.h>

#include <cstdint>

namespace ringway {

/// Says which packets a capture takes: by machine code, or where there is none for this CPU by DPDK's interpreter.
/// Both read packets of any number of segments, and write nothing.
struct PacketFilter {
  std::uint64_t (*code)(void* mbuf) = nullptr;
  const rte_bpf* program = nullptr;  ///< null: it takes all packets

  bool takes(rte_mbuf* mbuf) const noexcept {
    return code != nullptr ? code(mbuf) != 0 : program == nullptr || rte_bpf_exec(program, mbuf) != 0;
  }
};

}  // namespace ringway
