// Polls each kind of leg under callgrind, full bursts and none, for tests/bench/gate.py: what a poll costs in
// instructions repeats exactly. Only the polls are counted; a client request dumps the counts of each case by its name.
// Run without callgrind it also tells TSC cycles a packet: one CPU, everything in the cache, the least of many bursts.

#include <rte_ethdev.h>
#include <valgrind/callgrind.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "capture/filter.h"
#include "dpdk/eal.h"
#include "dpdk/mempool.h"
#include "dpdk/ring.h"
#include "forwarder/leg_kinds.h"
#include "mbufs.h"
#include "ring_ports.h"
#include "stage/limit_frames.h"
#include "stage/swap_macs.h"
#include "stage/tap.h"

namespace ringway {
namespace {

constexpr unsigned kBursts = 2000;
constexpr std::uint16_t kBurst = 32;
constexpr std::uint64_t kPatience = UINT64_MAX;

/// UDP over IPv4 between addresses that differ from frame to frame: so are flows spread.
rte_mbuf* make_packet(rte_mempool* pool, std::uint32_t flow, std::size_t frame_bytes) {
  rte_mbuf* mbuf = make_frame(pool, frame_bytes);
  auto* bytes = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  bytes[12] = 0x08;
  bytes[13] = 0x00;
  bytes[14] = 0x45;
  bytes[20] = bytes[21] = 0;
  bytes[23] = 17;
  for (unsigned i = 0; i < 4; ++i) {
    bytes[26 + i] = static_cast<std::uint8_t>(flow * 2654435761U >> 8 * i);
  }
  return mbuf;
}

/// Where legs take from and put to: the bench has the far ends.
class Bench {
 public:
  Bench()
      : pool_("gate", 255, 0, 2048, 0),
        clones_("gate clones", 1023, 256, Mempool::kNoBuffer, 0, true),
        port_("gate"),
        hash_(FlowHash::Key::kStandard) {
    if (rte_eth_dev_configure(id(), 1, 1, &kConf) != 0 ||
        rte_eth_rx_queue_setup(id(), 0, 64, 0, nullptr, pool_.get()) != 0 ||
        rte_eth_tx_queue_setup(id(), 0, 64, 0, nullptr) != 0 || rte_eth_dev_start(id()) != 0) {
      throw std::runtime_error("the port does not start");
    }
    use_frames_of(60);
    for (unsigned i = 0; i < 4; ++i) {
      rings_.emplace_back("gate" + std::to_string(i), 256U, false, 0U);
    }
  }

  /// From now on bursts are of frames of that length.
  void use_frames_of(std::size_t bytes) {
    rte_pktmbuf_free_bulk(burst_.data(), static_cast<unsigned>(burst_.size()));
    burst_.clear();
    for (std::uint16_t i = 0; i < kBurst; ++i) {
      burst_.push_back(make_packet(pool_.get(), i, bytes));
    }
  }

  PortSource from_port() const { return {.port = id(), .queue = 0, .burst = kBurst}; }
  RingSource from_ring() const { return {rings_[0].get(), kBurst}; }
  PortOutput to_port() const { return {id(), 0}; }
  RingOutput to_ring(std::size_t i = 1) { return {rings_[i].get(), producers_[i]}; }
  const FlowHash& hash() const { return hash_; }
  rte_ring* tap_ring() const { return rings_[3].get(); }
  rte_mempool* clones() const { return clones_.get(); }

  /// One case: `fill` bursts of full size, each put in beforehand and taken out afterwards, or polls of nothing.
  template <class Kind>
  void measure(const char* name, Kind&& leg, bool full = true) {
    const LegRef ref = ref_of(leg);
    std::uint64_t least = UINT64_MAX;
    CALLGRIND_ZERO_STATS;
    for (unsigned i = 0; i < kBursts; ++i) {
      if (full) {
        put();
      }
      const std::uint64_t start = rte_rdtsc();
      CALLGRIND_TOGGLE_COLLECT;
      ref.poll(ref.self);
      CALLGRIND_TOGGLE_COLLECT;
      least = std::min(least, rte_rdtsc() - start);
      if (full) {
        take();
      }
    }
    CALLGRIND_DUMP_STATS_AT(name);
    const unsigned packets = full ? kBurst : 1U;
    std::printf("%s %u %.1f\n", name, kBursts * packets, static_cast<double>(least) / packets);
  }

 private:
  static constexpr rte_eth_conf kConf{};
  std::uint16_t id() const { return static_cast<std::uint16_t>(port_.id()); }

  // Into both sources: the leg takes from one of them, and take() empties everything.
  void put() {
    into(port_.in());
    into(rings_[0].get());
  }
  void into(rte_ring* ring) { rte_ring_enqueue_bulk(ring, reinterpret_cast<void**>(burst_.data()), kBurst, nullptr); }
  void take() {
    void* mbufs[2 * kBurst];
    for (rte_ring* ring : {port_.in(), port_.out(), rings_[0].get(), rings_[1].get(), rings_[2].get()}) {
      rte_ring_dequeue_burst(ring, mbufs, 2 * kBurst, nullptr);
    }
    const unsigned clones = rte_ring_dequeue_burst(tap_ring(), mbufs, 2 * kBurst, nullptr);
    rte_pktmbuf_free_bulk(reinterpret_cast<rte_mbuf**>(mbufs), clones);
  }

  Mempool pool_;
  Mempool clones_;
  RingPort port_;
  FlowHash hash_;
  std::vector<Ring> rings_;
  RingProducer producers_[3];
  std::vector<rte_mbuf*> burst_;
};

/// What the call of a leg and callgrind's own requests cost.
struct NoLeg {};
LegRef ref_of(NoLeg&) {
  return {.poll = [](void*) noexcept { return std::uint16_t{0}; }, .reap = nullptr, .self = nullptr};
}

/// A capture of what a filter takes; empty: all.
void measure_tapped(Bench& bench, const char* name, const std::string& filter) {
  const Filter compiled(filter);
  const TapCapture capture{.bit = 0, .filter = compiled.get(), .reasons = {}};
  TapLane lane(bench.tap_ring(), bench.clones(), {&capture, 1});
  const Tap tap(lane);
  PortToPort tapped(bench.from_port(), CrossConnect(Dropping(bench.to_port())));
  tapped.add_stage(stage_ref(tap));
  bench.measure(name, tapped);
}

void measure_all(Bench& bench) {
  bench.measure("nothing", NoLeg(), false);
  const auto drop_to_port = [&] { return CrossConnect(Dropping(bench.to_port())); };
  const auto wait_to_port = [&] { return CrossConnect(Waiting(bench.to_port(), kPatience)); };
  const auto drop_to_ring = [&] { return CrossConnect(Dropping(bench.to_ring())); };
  const auto wait_to_ring = [&] { return CrossConnect(Waiting(bench.to_ring(), kPatience)); };
  bench.measure("port to port", PortToPort(bench.from_port(), drop_to_port()));
  bench.measure("port to port, waiting", PortToPortWaiting(bench.from_port(), wait_to_port()));
  bench.measure("port to ring", PortToRing(bench.from_port(), drop_to_ring()));
  bench.measure("port to ring, waiting", PortToRingWaiting(bench.from_port(), wait_to_ring()));
  bench.measure("ring to ring", RingToRing(bench.from_ring(), drop_to_ring()));
  bench.measure("ring to ring, waiting", RingToRingWaiting(bench.from_ring(), wait_to_ring()));
  bench.measure("ring to port", RingToPort(bench.from_ring(), drop_to_port()));
  bench.measure("ring to port, waiting", RingToPortWaiting(bench.from_ring(), wait_to_port()));
  Dropping<RingOutput> two[] = {Dropping(bench.to_ring(1)), Dropping(bench.to_ring(2))};
  bench.measure("port to two rings", PortToRings(bench.from_port(), Spread(bench.hash(), two, 2)));
  Waiting<RingOutput> waiting[] = {Waiting(bench.to_ring(1), kPatience), Waiting(bench.to_ring(2), kPatience)};
  bench.measure("port to two rings, waiting", PortToRingsWaiting(bench.from_port(), Spread(bench.hash(), waiting, 2)));
  const SwapMacs swap;
  PortToPort reflect(bench.from_port(), drop_to_port());
  reflect.add_stage(stage_ref(swap));
  bench.measure("port to port, swapping MACs", reflect);
  const LimitFrames limit(14, 1522);
  PortToPort limited(bench.from_port(), drop_to_port());
  limited.add_stage(stage_ref(limit));
  bench.measure("port to port, limiting frames", limited);
  measure_tapped(bench, "port to port, capturing all", "");
  measure_tapped(bench, "port to port, capturing nothing by a filter", "tcp port 80");
  bench.use_frames_of(1514);  // the same cost, or something is copied
  bench.measure("port to port, 1514 bytes", PortToPort(bench.from_port(), drop_to_port()));
  bench.measure("port to two rings, 1514 bytes", PortToRings(bench.from_port(), Spread(bench.hash(), two, 2)));
  measure_tapped(bench, "port to port, capturing all, 1514 bytes", "");
  bench.measure("idle port", PortToPort(bench.from_port(), drop_to_port()), false);
  bench.measure("idle ring", RingToPort(bench.from_ring(), drop_to_port()), false);
}

}  // namespace
}  // namespace ringway

int main() {
  using namespace ringway;
  HeldOutput output;
  const Eal eal({"legs", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m64", "--lcores=0@0",
                 "--file-prefix=ringway-gate"},
                output);
  Bench bench;
  measure_all(bench);
  return 0;
}
