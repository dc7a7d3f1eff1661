#include "runtime/captures.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "config/characters.h"

namespace ringway {
namespace {

PcapngInterface interface_of(const PortPlan& port, std::uint16_t id, const CapturePlan& capture) {
  PcapngInterface interface {
    .name = port.name, .description = {}, .hardware = port.driver + " " + port.device, .filter = capture.filter,
    .mac = {}, .snap = capture.snap
  };
  if (capture.stage) {
    interface.description = std::string("behind ") + kCapturedStageNames[static_cast<std::size_t>(*capture.stage)];
  }
  if (rte_ether_addr mac{}; rte_eth_macaddr_get(id, &mac) == 0) {
    interface.mac = std::to_array(mac.addr_bytes);
  }
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(id, &link) == 0 && link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN) {
    interface.bits_per_s = std::uint64_t{link.link_speed} * 1'000'000;
  }
  return interface;
}

/// Where a leg's packets are seen by a capture: two ports for those that it drops.
std::set<std::size_t> ports_of(const Plan& plan, std::size_t capture) {
  std::set<std::size_t> ports;
  for (const LcorePlan& lcore : plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      for (const TapPlan& tap : leg.taps) {
        if (std::find(tap.captures.begin(), tap.captures.end(), capture) == tap.captures.end()) {
          continue;
        }
        if (tap.point != TapPoint::kTx) {
          ports.insert(tap_port(plan, leg, false).port);
        }
        if (tap.point == TapPoint::kTx || tap.point == TapPoint::kDrop) {
          ports.insert(tap_port(plan, leg, true).port);
        }
      }
    }
  }
  return ports;
}

}  // namespace

void check_filters(const Config& config, Diagnostics& problems) {
  for (const CaptureConfig& capture : config.captures) {
    const std::string fault = capture.filter ? filter_fault(capture.filter->value) : "";
    if (!fault.empty()) {
      problems.invalid(capture.filter->at, "capture." + capture.name + ".filter",
                       "is '" + shown(capture.filter->value) + "': " + shown(fault, 200) +
                           "; expected a filter as tcpdump takes it, such as \"tcp port 80\"");
    }
  }
}

Captures::Captures(const Plan& plan, const std::vector<std::uint16_t>& ports)
    : plan_(plan), told_(plan.captures.size()) {
  for (const PoolPlan& pool : plan_.clone_pools) {
    pools_.emplace_back(pool.name, pool.size, pool.cache, Mempool::kNoBuffer, pool.socket, true);
  }
  for (std::size_t i = 0; i < plan_.captures.size(); ++i) {
    const CapturePlan& capture = plan_.captures[i];
    filters_.emplace_back(capture.filter);
    CaptureSettings settings{.name = capture.name,
                             .file = capture.file,
                             .snap = capture.snap,
                             .rotate_bytes = capture.rotate_bytes,
                             .rotate_seconds = capture.rotate_seconds,
                             .rotate_files = capture.rotate_files,
                             .interfaces = {}};
    const std::set<std::size_t> seen_at = ports_of(plan_, i);
    for (const std::size_t port : seen_at) {
      settings.interfaces.push_back(interface_of(plan_.ports[port], ports[port], capture));
    }
    writer_.add_capture(settings, {seen_at.begin(), seen_at.end()});
  }
}

TapLane& Captures::add_tap(const LegPlan& leg, const TapPlan& tap) {
  const bool drops = tap.point == TapPoint::kDrop;
  std::vector<TapCapture> captures;
  for (const std::size_t i : tap.captures) {
    captures.push_back({.bit = static_cast<std::uint8_t>(i),
                        .filter = filters_[i].get(),
                        .reasons = drops ? plan_.captures[i].drops : DropReasons{}});
  }
  rte_mempool* clones = nullptr;
  for (std::size_t i = 0; !drops && i < pools_.size(); ++i) {
    clones = plan_.clone_pools[i].socket == tap.socket ? pools_[i].get() : clones;
  }
  rings_.emplace_back("ringway_tap" + std::to_string(lanes_.size()), tap.size, false, tap.socket);
  lanes_.push_back(
      make_on_socket<TapLane>(tap.socket, rings_.back().get(), clones, std::span<const TapCapture>(captures)));
  const TapPlace place = place_of(leg, tap.point == TapPoint::kTx);
  writer_.add_tap(*lanes_.back(), rings_.back().get(), place,
                  drops ? std::optional(place_of(leg, true)) : std::nullopt);
  return *lanes_.back();
}

TapPlace Captures::place_of(const LegPlan& leg, bool outbound) const {
  const TapPort at = tap_port(plan_, leg, outbound);
  TapPlace place{.port = at.port, .queue = {}, .outbound = at.outbound};
  if (const PortQueue* queue = at.outbound ? leg.tx() : leg.rx()) {
    place.queue = queue->queue;
  }
  return place;
}

void Captures::start() {
  if (!plan_.captures.empty()) {
    writer_.start();
  }
}

std::vector<CaptureTotals> Captures::totals() const {
  std::vector<CaptureTotals> all;
  for (std::size_t i = 0; i < plan_.captures.size(); ++i) {
    const PcapngFiles& files = writer_.files(i);
    CaptureTotals totals{.name = plan_.captures[i].name, .file = plan_.captures[i].file, .error = files.error()};
    totals.written = files.written();
    totals.missed = writer_.missed(i);
    totals.matched = writer_.matched(i);
    totals.bytes = files.bytes();
    totals.files = files.files();
    all.push_back(std::move(totals));
  }
  return all;
}

std::vector<std::string> Captures::notices() const {
  std::vector<std::string> lines = writer_.notices();
  for (std::size_t i = 0; i < filters_.size(); ++i) {
    if (filters_[i].interpreted()) {
      lines.push_back("capture '" + plan_.captures[i].name +
                      "': DPDK makes no machine code of its filter here; it is interpreted, at a multiple of the cost");
    }
  }
  return lines;
}

std::vector<std::string> Captures::news() {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < plan_.captures.size(); ++i) {
    const std::string error = told_[i] ? "" : writer_.files(i).error();
    if (!error.empty()) {
      told_[i] = true;
      lines.push_back("capture '" + plan_.captures[i].name + "' has ended: " + error +
                      "; its packets are counted as missed from now on, forwarding goes on");
    }
  }
  return lines;
}

std::vector<std::pair<std::string, PoolAudit>> Captures::audit_pools() {
  std::vector<std::pair<std::string, PoolAudit>> all;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    all.emplace_back(plan_.clone_pools[i].name, pools_[i].audit());
  }
  return all;
}

}  // namespace ringway
