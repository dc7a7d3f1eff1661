// What a hop costs: bursts of mbuf pointers go into an rte_ring and come out of it, on one CPU or from one CPU to
// another, through ringway's own ends of a ring and through DPDK's calls. tools/bench_rings runs this.

#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "core/errors.h"
#include "datapath/ring.h"
#include "doctor/host.h"
#include "dpdk/eal.h"
#include "runtime/probe.h"

namespace ringway {
namespace {

constexpr unsigned kRingSize = 4096;              // this and the next are ring_perf_autotest's, to be comparable
constexpr std::uint64_t kWindowBursts = 1 << 15;  // a few milliseconds
constexpr unsigned kBursts[] = {1, 4, 8, 16, 32, 64};
constexpr unsigned kConsumer = 1;  // lcore of a CPU of its own, where there are two

/// Stands for a driver's receive: writes n pointers.
[[gnu::noinline]] void receive(void** to, unsigned n) noexcept {
  static char packet;
  for (unsigned i = 0; i < n; ++i) {
    to[i] = &packet;
    benchmark::ClobberMemory();
  }
}

/// Stands for a driver's transmit: reads n pointers.
[[gnu::noinline]] void transmit(void* const* from, unsigned n) noexcept {
  for (unsigned i = 0; i < n; ++i) {
    benchmark::DoNotOptimize(from[i]);
  }
}

/// A ring as one of the kinds below sees it, and what each end has beside it. The ends share no cache line.
struct Hop {
  rte_ring* ring = nullptr;
  std::optional<RingProducer> lcore;
  std::optional<RingOutput> output;
  void* sent[kMaxBurst] = {};
  alignas(kCacheLine) std::optional<RingSource> source;
  void* taken[kMaxBurst] = {};

  /// Made new in the same memory for all kinds: where a ring lies shows in the figures.
  void reset(unsigned flags, unsigned burst) {
    rte_ring_init(ring, "hop", kRingSize, flags);
    output.emplace(ring, lcore.emplace());
    source.emplace(ring, static_cast<std::uint16_t>(burst));
  }
};

/// DPDK's calls that copy at both ends; SP/SC's and MP/MC's are those of ring_perf_autotest: a whole burst or nothing.
template <auto kPut, auto kTake, unsigned kRingFlags>
struct Copied {
  static constexpr unsigned kFlags = kRingFlags;
  static constexpr bool kPutsInPlace = false;
  static constexpr bool kTakesInPlace = false;

  [[gnu::always_inline]] static unsigned put(Hop& hop, unsigned n) noexcept {
    return kPut(hop.ring, hop.sent, n, nullptr);
  }
  [[gnu::always_inline]] static unsigned take(Hop& hop, unsigned n) noexcept {
    return kTake(hop.ring, hop.taken, n, nullptr);
  }
};

struct SpSc : Copied<rte_ring_sp_enqueue_bulk, rte_ring_sc_dequeue_bulk, RING_F_SP_ENQ | RING_F_SC_DEQ> {};
struct HtsSc : Copied<rte_ring_mp_hts_enqueue_burst, rte_ring_sc_dequeue_burst, RING_F_MP_HTS_ENQ | RING_F_SC_DEQ> {};
struct MpMc : Copied<rte_ring_mp_enqueue_bulk, rte_ring_mc_dequeue_bulk, 0> {};

/// DPDK's zero-copy calls: received into the ring's own slots and transmitted out of them.
struct SpScZeroCopy {
  static constexpr unsigned kFlags = RING_F_SP_ENQ | RING_F_SC_DEQ;
  static constexpr bool kPutsInPlace = true;
  static constexpr bool kTakesInPlace = true;

  [[gnu::always_inline]] static unsigned put(Hop& hop, unsigned n) noexcept {
    rte_ring_zc_data slots;
    if (rte_ring_enqueue_zc_burst_start(hop.ring, n, &slots, nullptr) == 0) {
      return 0;
    }
    n = slots.n1;
    receive(static_cast<void**>(slots.ptr1), n);
    rte_ring_enqueue_zc_finish(hop.ring, n);
    return n;
  }
  [[gnu::always_inline]] static unsigned take(Hop& hop, unsigned n) noexcept {
    rte_ring_zc_data slots;
    if (rte_ring_dequeue_zc_burst_start(hop.ring, n, &slots, nullptr) == 0) {
      return 0;
    }
    n = slots.n1;
    transmit(static_cast<void**>(slots.ptr1), n);
    rte_ring_dequeue_zc_finish(hop.ring, n);
    return n;
  }
};

/// What legs do: RingOutput with its counters, and RingSource.
template <unsigned kProducers>
struct Ringway {
  static constexpr unsigned kFlags = kProducers | RING_F_SC_DEQ;
  static constexpr bool kPutsInPlace = false;
  static constexpr bool kTakesInPlace = true;

  [[gnu::always_inline]] static unsigned put(Hop& hop, unsigned n) noexcept {
    return hop.output->offer(reinterpret_cast<rte_mbuf**>(hop.sent), static_cast<std::uint16_t>(n));
  }
  [[gnu::always_inline]] static unsigned take(Hop& hop, unsigned) noexcept {
    Burst burst;
    const std::uint16_t taken = hop.source->fill(burst);
    if (taken > 0) {
      transmit(reinterpret_cast<void**>(burst.data()), taken);
      hop.source->done(taken);
    }
    return taken;
  }
};

struct RingwaySp : Ringway<RING_F_SP_ENQ> {};
struct RingwayHts : Ringway<RING_F_MP_HTS_ENQ> {};

// Never inlined, so that callgrind tells each end from what is around it.
template <class Kind>
[[gnu::noinline]] unsigned put(Hop& hop, unsigned n) noexcept {
  return Kind::put(hop, n);
}

template <class Kind>
[[gnu::noinline]] unsigned take(Hop& hop, unsigned n) noexcept {
  return Kind::take(hop, n);
}

/// The producer's part for a burst. kBusy: it was just received. Returns how many packets went in.
template <class Kind, bool kBusy>
unsigned produce(Hop& hop, unsigned n) noexcept {
  if constexpr (kBusy && !Kind::kPutsInPlace) {
    receive(hop.sent, n);
  }
  return put<Kind>(hop, n);
}

/// The consumer's part for up to n packets. kBusy: what comes out is transmitted. Returns how many came out.
template <class Kind, bool kBusy>
unsigned consume(Hop& hop, unsigned n) noexcept {
  n = take<Kind>(hop, n);
  if constexpr (kBusy && !Kind::kTakesInPlace) {
    transmit(hop.taken, n);
  }
  return n;
}

/// How long this thread has been ready to run without a CPU.
std::uint64_t waited_ns() {
  std::ifstream schedstat("/proc/thread-self/schedstat");
  std::uint64_t ran = 0;
  std::uint64_t waited = 0;
  schedstat >> ran >> waited;
  return waited;
}

/// One end's side of a window.
struct End {
  std::uint64_t cycles = 0;
  std::uint64_t waited_ns = 0;
};

/// Moves a window's packets by `move(n)`, which takes up to n and returns how many it moved. Starts when all ends do.
template <class Move>
End move_window(unsigned burst, std::atomic<unsigned>& ends_missing, Move move) {
  const std::uint64_t waited = waited_ns();
  --ends_missing;
  while (ends_missing.load() != 0) {
    rte_pause();
  }
  const std::uint64_t start = rte_rdtsc();
  for (std::uint64_t left = kWindowBursts * burst; left > 0;) {
    const unsigned moved = move(static_cast<unsigned>(std::min<std::uint64_t>(left, burst)));
    if (moved == 0) {
      rte_pause();
    }
    left -= moved;
  }
  return {rte_rdtsc() - start, waited_ns() - waited};
}

template <class Kind, bool kBusy>
End hop_on_one_cpu(Hop& hop, unsigned burst) {
  std::atomic<unsigned> ends_missing = 1;
  return move_window(burst, ends_missing, [&hop](unsigned n) {
    n = produce<Kind, kBusy>(hop, n);
    for (unsigned left = n; left > 0;) {
      left -= consume<Kind, kBusy>(hop, left);
    }
    return n;
  });
}

/// Cycles of both ends added up, as ring_perf_autotest has it: about twice the time between two packets.
template <class Kind, bool kBusy>
End hop_between_cpus(Hop& hop, unsigned burst) {
  struct alignas(kCacheLine) Consumer {  // apart from the producer's stack
    Hop& hop;
    unsigned burst;
    std::atomic<unsigned> ends_missing = 2;
    End end = {};
  } consumer{hop, burst};
  const auto run_consumer = [](void* self) {
    auto& mine = *static_cast<Consumer*>(self);
    mine.end =
        move_window(mine.burst, mine.ends_missing, [&](unsigned n) { return consume<Kind, kBusy>(mine.hop, n); });
    return 0;
  };
  if (rte_eal_remote_launch(run_consumer, &consumer, kConsumer) != 0) {
    throw Error(ExitStatus::kFailed, "rte_eal_remote_launch: the consumer's lcore is busy");
  }
  const End end =
      move_window(burst, consumer.ends_missing, [&hop](unsigned n) { return produce<Kind, kBusy>(hop, n); });
  rte_eal_wait_lcore(kConsumer);
  return {end.cycles + consumer.end.cycles, end.waited_ns + consumer.end.waited_ns};
}

/// An iteration is a window.
void add(Hop& hop, const std::string& name, unsigned flags, End (*window)(Hop&, unsigned)) {
  for (const unsigned burst : kBursts) {
    const auto measure = [=, &hop](benchmark::State& state) {
      for (auto _ : state) {
        hop.reset(flags, burst);
        const End end = window(hop, burst);
        state.SetIterationTime(static_cast<double>(end.cycles) / static_cast<double>(rte_get_tsc_hz()));
        state.counters["packets"] = static_cast<double>(kWindowBursts * burst);
        state.counters["cycles"] = static_cast<double>(end.cycles);
        state.counters["waited_ns"] = static_cast<double>(end.waited_ns);
      }
    };
    benchmark::RegisterBenchmark((name + '/' + std::to_string(burst)).c_str(), measure)->Iterations(1)->UseManualTime();
  }
}

template <class Kind>
void add_kind(Hop& hop, const std::string& name, bool two_cpus) {
  add(hop, "one_cpu/busy/" + name, Kind::kFlags, hop_on_one_cpu<Kind, true>);
  add(hop, "one_cpu/bare/" + name, Kind::kFlags, hop_on_one_cpu<Kind, false>);
  if (two_cpus) {
    add(hop, "two_cpus/busy/" + name, Kind::kFlags, hop_between_cpus<Kind, true>);
    add(hop, "two_cpus/bare/" + name, Kind::kFlags, hop_between_cpus<Kind, false>);
  }
}

void run() {
  HeldOutput output;
  const HostFacts host = probe_host();
  const std::string lcores =
      "--lcores=0@" + std::to_string(host.cpus.front()) + ",1@" + std::to_string(host.cpus.back());
  const Eal eal({"rings", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m64", lcores, "--main-lcore=0"},
                output);
  const std::unique_ptr<void, void (*)(void*)> memory(
      rte_zmalloc(nullptr, static_cast<std::size_t>(rte_ring_get_memsize(kRingSize)), RTE_CACHE_LINE_SIZE), rte_free);
  if (!memory) {
    throw Error(ExitStatus::kResourceMissing, "rte_zmalloc: no memory for a ring");
  }
  Hop hop;
  hop.ring = static_cast<rte_ring*>(memory.get());
  const bool two_cpus = host.cpus.size() > 1;
  add_kind<RingwaySp>(hop, "RingwaySp", two_cpus);
  add_kind<RingwayHts>(hop, "RingwayHts", two_cpus);
  add_kind<SpSc>(hop, "SpSc", two_cpus);
  add_kind<SpScZeroCopy>(hop, "SpScZeroCopy", two_cpus);
  add_kind<HtsSc>(hop, "HtsSc", two_cpus);
  add_kind<MpMc>(hop, "MpMc", two_cpus);
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace
}  // namespace ringway

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return static_cast<int>(ringway::ExitStatus::kUsage);
  }
  try {
    ringway::run();
  } catch (const ringway::Error& problem) {
    std::cerr << "bench_rings: " << problem.what() << '\n';
    return static_cast<int>(problem.status());
  }
  return 0;
}
