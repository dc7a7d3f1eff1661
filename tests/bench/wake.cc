// How long an idle lcore keeps a frame: one is put into a port long after the last, and the time until it leaves by the
// other port is taken, with the default idle policy and with one that never sleeps.

#include <rte_cycles.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <vector>

#include "doctor/host.h"
#include "dpdk/eal.h"
#include "dpdk/mempool.h"
#include "mbufs.h"
#include "ring_ports.h"
#include "runtime/probe.h"
#include "runtime/runtime.h"

namespace ringway {
namespace {

constexpr unsigned kFrames = 2000;
constexpr std::chrono::milliseconds kGap{5};  // long enough for the idle ladder's last step

/// Microseconds from port to port for each frame, ascending.
std::vector<double> residence(const std::string& name, const IdlePlan& idle) {
  RingPort a(name + "_a");
  RingPort b(name + "_b");
  Mempool frames(name + "_frames", 255, 0, 2048, 0);
  Plan plan = small_plan(2, "net_ring", name);
  plan.lcores[0].legs = {leg(0, 1)};
  plan.idle = idle;
  Runtime runtime(plan, {a.id(), b.id()});
  runtime.start();
  std::vector<double> micros;
  for (unsigned i = 0; i < kFrames; ++i) {
    std::this_thread::sleep_for(kGap);
    rte_mbuf* frame = make_frame(frames.get(), 60);
    const std::uint64_t start = rte_rdtsc_precise();
    rte_ring_enqueue(a.in(), frame);
    void* out = nullptr;
    while (rte_ring_dequeue(b.out(), &out) != 0) {
    }
    micros.push_back(1e6 * static_cast<double>(rte_rdtsc_precise() - start) / static_cast<double>(rte_get_tsc_hz()));
    rte_pktmbuf_free(static_cast<rte_mbuf*>(out));
  }
  if (!runtime.stop().balanced()) {
    throw std::runtime_error("not balanced");
  }
  std::sort(micros.begin(), micros.end());
  return micros;
}

void print(const char* name, const std::vector<double>& micros) {
  const auto at = [&](double share) { return micros[static_cast<std::size_t>(share * (kFrames - 1))]; };
  std::printf("%-24s p50 %7.1f us   p90 %7.1f us   p99 %7.1f us   max %7.1f us\n", name, at(0.5), at(0.9), at(0.99),
              micros.back());
}

}  // namespace
}  // namespace ringway

int main() {
  using namespace ringway;
  HeldOutput output;
  const HostFacts host = probe_host();
  const std::string lcores =
      "--lcores=0@" + std::to_string(host.cpus.front()) + ",1@" + std::to_string(host.cpus.back());
  const Eal eal({"wake", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m128", lcores, "--main-lcore=0"},
                output);
  std::printf("residence of single frames, %lld ms apart, %u each\n", static_cast<long long>(kGap.count()), kFrames);
  print("default, sleeps 20 us", residence("sleeps", {.spin_polls = 1000, .pause_polls = 1000, .sleep_us = 20}));
  print("sleep_us: 0", residence("spins", {.spin_polls = 1000, .pause_polls = 1000, .sleep_us = 0}));
  return 0;
}
