#include "runtime/leg_unit.h"

#include <rte_cycles.h>

#include <deque>
#include <type_traits>

#include "runtime/captures.h"

namespace ringway {
namespace {

/// A leg of a plan, with the stages that the plan asks for between source and output.
template <class Kind>
class PlannedLeg : public LegOf<Kind> {
 public:
  template <class Source, class Forwarder>
  PlannedLeg(const LegPlan& plan, const LegParts& parts, Source source, Forwarder forwarder)
      : LegOf<Kind>(plan.rx() != nullptr ? Rank::kReceive : Rank::kPass, source, forwarder),
        limit_frames_(plan.limit ? plan.limit->min : 0, plan.limit ? plan.limit->max : UINT32_MAX),
        own_headers_(plan.own_headers ? parts.pools[*plan.own_headers] : nullptr) {
    add_tap(TapPoint::kRx, plan, parts);
    if (plan.limit) {
      this->add_stage(stage_ref(limit_frames_));
    }
    add_tap(TapPoint::kLimitFrames, plan, parts);
    if (plan.own_headers) {
      this->add_stage(stage_ref(own_headers_));
    }
    if (plan.swap_macs) {
      this->add_stage(stage_ref(swap_macs_));
    }
    add_tap(TapPoint::kSwapMacs, plan, parts);
    add_tap(TapPoint::kTx, plan, parts);
    add_tap(TapPoint::kDrop, plan, parts);
  }

  void receive_from(std::uint16_t port) noexcept override { this->leg().receive_from(port); }
  void send_to(std::uint16_t port) noexcept override { this->leg().send_to(port); }

 private:
  /// The tap at that point, if the plan has one there.
  void add_tap(TapPoint point, const LegPlan& plan, const LegParts& parts) {
    for (const TapPlan& tap : plan.taps) {
      if (tap.point != point) {
        continue;
      }
      TapLane& lane = parts.captures.add_tap(plan, tap);
      if (point == TapPoint::kDrop) {
        this->give_drops_to(lane);
      } else {
        this->add_stage(stage_ref(taps_.emplace_back(lane)));
      }
    }
  }

  LimitFrames limit_frames_;
  OwnHeaders own_headers_;
  SwapMacs swap_macs_;
  std::deque<Tap> taps_;  // they stay where they are
};

/// One that spreads flows, with the outputs that it spreads them over.
template <class Output>
class SpreadingLeg final : public PlannedLeg<Leg<PortSource, Spread<Output>>> {
 public:
  SpreadingLeg(const LegPlan& plan, const LegParts& parts, PortSource source, std::vector<Output> outputs)
      : PlannedLeg<Leg<PortSource, Spread<Output>>>(
            plan, parts, source, Spread<Output>(parts.hash, outputs.data(), static_cast<unsigned>(outputs.size()))),
        outputs_(std::move(outputs)) {}  // its elements stay where they are

 private:
  std::vector<Output> outputs_;
};

class LegMaker {
 public:
  LegMaker(const LegPlan& leg, const LcorePlan& lcore, const LegParts& parts)
      : leg_(leg), lcore_(lcore), parts_(parts) {}

  NumaPtr<LegUnit> make() {
    const auto burst = static_cast<std::uint16_t>(parts_.plan.burst);
    if (const PortQueue* rx = leg_.rx()) {
      const PortSource source{
          .port = parts_.ports[rx->port], .queue = static_cast<std::uint16_t>(rx->queue), .burst = burst};
      return leg_.tx() == nullptr && leg_.to_rings().size() > 1 ? spreading(source) : from(source);
    }
    return from(RingSource(parts_.rings[leg_.from_ring()].ring.get(), burst));
  }

 private:
  template <class Source>
  NumaPtr<LegUnit> from(Source source) {
    if (const PortQueue* tx = leg_.tx()) {
      const PortOutput output(parts_.ports[tx->port], static_cast<std::uint16_t>(tx->queue));
      return to(source, output, parts_.plan.ports[tx->port].wait_ms);
    }
    const std::size_t ring = leg_.to_rings().front();
    return to(source, output_of(ring), parts_.plan.rings[ring].wait_ms);
  }

  template <class Source, class Output>
  NumaPtr<LegUnit> to(Source source, Output output, unsigned wait_ms) {
    if (wait_ms > 0) {
      const Waiting<Output> waiting(output, ms_to_cycles(wait_ms));
      return make_on_socket<PlannedLeg<WaitLeg<Source, Output>>>(lcore_.socket, leg_, parts_, source,
                                                                 CrossConnect(waiting));
    }
    return make_on_socket<PlannedLeg<DropLeg<Source, Output>>>(lcore_.socket, leg_, parts_, source,
                                                               CrossConnect(Dropping(output)));
  }

  NumaPtr<LegUnit> spreading(PortSource source) {
    if (leg_waits(parts_.plan, leg_)) {
      return spreading_over(source, [this](std::size_t ring) {
        return Waiting(output_of(ring), ms_to_cycles(parts_.plan.rings[ring].wait_ms));
      });
    }
    return spreading_over(source, [this](std::size_t ring) { return Dropping(output_of(ring)); });
  }

  template <class MakeOutput>
  NumaPtr<LegUnit> spreading_over(PortSource source, MakeOutput make_output) {
    using Output = std::invoke_result_t<MakeOutput, std::size_t>;
    std::vector<Output> outputs;
    for (const std::size_t ring : leg_.to_rings()) {
      outputs.push_back(make_output(ring));
    }
    return make_on_socket<SpreadingLeg<Output>>(lcore_.socket, leg_, parts_, source, std::move(outputs));
  }

  RingOutput output_of(std::size_t ring) {
    RingUnit& unit = parts_.rings[ring];
    NumaPtr<RingProducer>& producer = unit.producers[lcore_.id];
    if (!producer) {
      producer = make_on_socket<RingProducer>(lcore_.socket);
    }
    return {unit.ring.get(), *producer};
  }

  const LegPlan& leg_;
  const LcorePlan& lcore_;
  const LegParts& parts_;
};

}  // namespace

NumaPtr<LegUnit> make_leg(const LegPlan& leg, const LcorePlan& lcore, const LegParts& parts) {
  NumaPtr<LegUnit> unit = LegMaker(leg, lcore, parts).make();
  unit->set_name(leg_name(parts.plan, leg));
  return unit;
}

std::uint64_t ms_to_cycles(unsigned ms) {
  return rte_get_tsc_hz() / 1000 * ms;
}

}  // namespace ringway
