#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "runtime/lab_port.h"
#include "runtime/leg_unit.h"
#include "runtime/read_ahead.h"
#include "runtime/replay_file.h"
#include "runtime/report.h"
#include "traffic/replayer.h"

namespace ringway {

/// The captures of a plan's replay ports, what sends them, and what takes away frames sent out of such ports. Outlives
/// all mbufs, since those refer to the captures. Main thread only.
class Replays {
 public:
  /// Maps the captures. `labs`: one a port of the plan, null for ports of other kinds; `pools`: one a pool. All of it
  /// outlives the legs. Throws Error.
  Replays(const Plan& plan, const std::vector<std::unique_ptr<LabPort>>& labs, const std::vector<rte_mempool*>& pools);

  /// The legs of one lcore, to be polled by it. Throws Error when there is no memory.
  std::vector<NumaPtr<LegUnit>> make_legs(const LcorePlan& lcore);
  /// Begins to read, with threads that are like this one; before the legs are polled.
  void start();

  /// Whether every replay has ended.
  bool done() const;
  /// Whether one has ended by a fault.
  bool failed() const;
  /// Once they have ended: whether none holds frames any more.
  bool handed_over() const;

  /// Frames that a port's RX queue had no room for.
  std::uint64_t missed(std::size_t port) const;
  /// Everything counted so far, one a replay port.
  std::vector<ReplayTotals> totals() const;

 private:
  struct Unit {
    explicit Unit(const std::string& path) : file(path) {}

    std::size_t port = 0;
    ReplayFile file;
    rte_mbuf_ext_shared_info references{};  // 1, and 1 for each mbuf that refers to the file
    NumaPtr<ReplayCounters> counters;
    NumaPtr<RingProducer> into_port;
    std::unique_ptr<ReadAhead> read_ahead;
    const LegUnit* leg = nullptr;
    std::vector<const LegUnit*> sinks;
  };

  Unit* of_port(std::size_t port);
  void make_replayer(Unit& unit, unsigned socket, std::vector<NumaPtr<LegUnit>>& legs);
  void make_sinks(Unit& unit, unsigned socket, std::vector<NumaPtr<LegUnit>>& legs);
  static std::uint64_t missed(const Unit& unit);
  static std::string fault(const Unit& unit);

  const Plan& plan_;
  const std::vector<std::unique_ptr<LabPort>>& labs_;
  const std::vector<rte_mempool*>& pools_;
  std::vector<std::unique_ptr<Unit>> units_;
};

}  // namespace ringway
