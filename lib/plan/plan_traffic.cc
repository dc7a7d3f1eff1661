#include <algorithm>
#include <numeric>

#include "core/frames.h"
#include "plan/context.h"
#include "plan/drivers.h"

namespace ringway {
namespace {

constexpr unsigned kCrc = 4;
constexpr unsigned kVlanTag = 4;
constexpr unsigned kDefaultFlows = 1000;

constexpr double kLabBitsPerSecond = 10e9;  // what net_ring says of its link
constexpr double kImixMeanBytes = std::inner_product(kImixBytes.begin(), kImixBytes.end(), kImixShares.begin(), 0U) /
                                  static_cast<double>(std::accumulate(kImixShares.begin(), kImixShares.end(), 0U));

double packets_per_s(const Rate& rate, unsigned frame_bytes) {
  if (rate.unit != Rate::Unit::kPercent) {
    return rate.value;  // 0 with max
  }
  const double bytes = frame_bytes == 0 ? kImixMeanBytes : frame_bytes;
  return rate.value / 100 * kLabBitsPerSecond / 8 / (bytes + kWireOverhead);
}

unsigned ppm(const Maybe<double>& per_cent) {
  return per_cent ? static_cast<unsigned>(per_cent->value * 1e4 + 0.5) : 0;
}

}  // namespace

unsigned longest_generated(const TrafficPlan& traffic) {
  return (traffic.frame_bytes == 0 ? kImixBytes.back() : traffic.frame_bytes) + (traffic.vlans > 0 ? kVlanTag : 0);
}

void plan_traffic(PlanContext& context) {
  const TrafficConfig& asked = context.config.traffic;
  Plan& plan = context.plan();
  if (std::none_of(plan.ports.begin(), plan.ports.end(), [](const PortPlan& port) { return port.generates(); })) {
    return;
  }
  const unsigned size = value_or(asked.size, 60 + kCrc);
  TrafficPlan traffic;
  traffic.frame_bytes = size == 0 ? 0 : size - kCrc;
  traffic.flows = value_or(asked.flows, kDefaultFlows);
  traffic.ipv6_ppm = ppm(asked.ipv6);
  traffic.vlans = value_or(asked.vlans, 0);
  const Rate rate = asked.rate ? asked.rate->value : Rate{};
  traffic.packets_per_s = packets_per_s(rate, traffic.frame_bytes);
  traffic.packets = asked.packets ? asked.packets->value : 0;
  traffic.seconds = asked.duration ? asked.duration->value : 0;
  traffic.faults_ppm = ppm(asked.faults);
  if (rate.unit == Rate::Unit::kPercent) {
    context.why("traffic.rate", "of 10 Gbit/s at this frame size, preamble and gap included");
  }
  for (const Way& way : plan.ways) {
    for (const std::size_t i : {way.from, way.to}) {
      const PortPlan& port = plan.ports[i];
      if (plan.ports[way.from].generates() && longest_generated(traffic) > longest_frame(port.mtu)) {
        context.problems().invalid(asked.size ? asked.size->at : asked.at, "traffic.size",
                                   "makes frames of " + number(longest_generated(traffic)) + " bytes, and port '" +
                                       port.name + "' carries " + number(longest_frame(port.mtu)) +
                                       "; expected less, or ports." + port.name + ".mtu of " +
                                       number(longest_generated(traffic)));
      }
    }
  }
  plan.traffic = traffic;
}

}  // namespace ringway
