#include <algorithm>

#include "plan/context.h"

namespace ringway {
namespace {

bool has(const std::vector<std::size_t>& ports, std::size_t port) {
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

/// Whether the capture takes packets at that point of the leg.
bool takes(const CapturePlan& capture, TapPoint point, const LegPlan& leg) {
  switch (point) {
    case TapPoint::kRx:
      return leg.rx() != nullptr && capture.direction != CaptureDirection::kTx && has(capture.ports, leg.rx()->port);
    case TapPoint::kLimitFrames:
      return leg.limit && capture.stage == CapturedStage::kLimitFrames;
    case TapPoint::kSwapMacs:
      return leg.swap_macs && capture.stage == CapturedStage::kSwapMacs;
    case TapPoint::kTx:
      return leg.tx() != nullptr && capture.direction != CaptureDirection::kRx && has(capture.ports, leg.tx()->port);
    case TapPoint::kDrop:
      return capture.drops.any();
  }
  return false;
}

void add_taps(const Plan& plan, LegPlan& leg, unsigned socket) {
  for (const TapPoint point :
       {TapPoint::kRx, TapPoint::kLimitFrames, TapPoint::kSwapMacs, TapPoint::kTx, TapPoint::kDrop}) {
    TapPlan tap{.point = point, .captures = {}, .size = 0, .socket = socket};
    for (std::size_t i = 0; i < plan.captures.size(); ++i) {
      if (takes(plan.captures[i], point, leg)) {
        tap.captures.push_back(i);
        tap.size = std::max(tap.size, plan.captures[i].buffer);
      }
    }
    if (!tap.captures.empty()) {
      leg.taps.push_back(std::move(tap));
    }
  }
}

}  // namespace

bool shares_before_work(const Plan& plan, std::size_t port) {
  // What net_ring sends comes in again, and is worked on again.
  const bool comes_back = plan.ports[port].driver == "net_ring" && !plan.ports[port].lab;
  return std::any_of(plan.captures.begin(), plan.captures.end(), [port, comes_back](const CapturePlan& capture) {
    return (comes_back && capture.drops.none()) || capture.stage == CapturedStage::kLimitFrames ||
           (capture.direction != CaptureDirection::kTx && has(capture.ports, port));
  });
}

void plan_taps(PlanContext& context) {
  Plan& plan = context.plan();
  std::vector<bool> used(plan.captures.size());
  for (LcorePlan& lcore : plan.lcores) {
    for (LegPlan& leg : lcore.legs) {
      add_taps(plan, leg, lcore.socket);
      for (const TapPlan& tap : leg.taps) {
        for (const std::size_t capture : tap.captures) {
          used[capture] = true;
        }
      }
    }
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) {
      context.problems().warn(context.config.captures[i].at, "capture." + plan.captures[i].name,
                              "takes no packets: no source here brings frames that limit_frames would have to drop");
    }
  }
}

}  // namespace ringway
