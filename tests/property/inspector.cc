#include "inspector.h"

#include <rte_mempool.h>

#include <algorithm>

namespace ringway {

std::vector<PlannedLeg> planned_legs(const Plan& plan, Runtime& runtime) {
  const std::vector<LegUnit*> units = runtime.legs();
  std::vector<PlannedLeg> legs;
  for (const LcorePlan& lcore : plan.lcores) {
    for (const LegPlan& leg : lcore.legs) {
      legs.push_back({&leg, units.at(legs.size()), lcore.id});
    }
  }
  return legs;
}

void Workers::meet(const rte_mbuf* mbuf, unsigned lcore, Findings& findings) {
  const Frame* frame = far_side_.frame_of(mbuf);
  if (frame == nullptr || frame->fate != Fate::kPass) {
    return;
  }
  unsigned& worker = lcores_[both_ways_ ? far_side_.flows()[frame->flow].meets : frame->flow];
  if (worker != 0 && worker != lcore) {
    findings.add("worker", "flow " + std::to_string(frame->flow) + " met lcore " + std::to_string(lcore) +
                               " after lcore " + std::to_string(worker));
  }
  worker = lcore;
}

Inspector::Inspector(const Plan& plan, Runtime& runtime, const FarSide& far_side, Findings& findings)
    : plan_(plan),
      runtime_(runtime),
      far_side_(far_side),
      findings_(findings),
      legs_(planned_legs(plan, runtime)),
      pool_(rte_mempool_lookup(plan.pools.front().name.c_str())) {}

void Inspector::count() {
  totals_ = runtime_.totals();
  held_ = fill_ = 0;
  for (const PlannedLeg& leg : legs_) {
    held_ += leg.unit->held();
  }
  for (const RingTotals& ring : totals_.rings) {
    fill_ += ring.fill;
  }
}

void Inspector::look() {
  count();
  for (const PlannedLeg& leg : legs_) {
    const Counters& counters = leg.unit->counters();
    std::uint64_t gone = counters.transmitted.get() + leg.unit->held();
    for (const Counter& reason : counters.dropped) {
      gone += reason.get();
    }
    findings_.equal("leg", "sent, dropped and held by a leg", gone, counters.received.get());
    if (leg.unit->held() > 0 && !leg_waits(plan_, *leg.plan)) {
      findings_.add("leg", "one that does not wait holds packets");
    }
  }
  check_rings();
  check_mbufs_in_use();
}

void Inspector::check_rings() {
  std::uint64_t into_rings = 0;
  std::uint64_t refused = 0;
  for (const PlannedLeg& leg : legs_) {
    into_rings += leg.plan->tx() == nullptr ? leg.unit->counters().transmitted.get() : 0;
  }
  for (const RingTotals& ring : totals_.rings) {
    findings_.equal("ring", "dequeued and left in a ring", ring.dequeued + ring.fill, ring.enqueued);
    if (ring.high_water >= ring.size || ring.fill > ring.high_water) {
      findings_.add("ring", "high water of " + std::to_string(ring.high_water) + " in a ring of " +
                                std::to_string(ring.size) + " that holds " + std::to_string(ring.fill));
    }
    refused += ring.refused;
    into_rings -= ring.enqueued;
  }
  findings_.equal("ring", "sent into rings by legs, less what rings counted", static_cast<std::int64_t>(into_rings), 0);
  findings_.equal("ring", "refused by rings", refused, dropped(DropReason::kRingFull));
}

void Inspector::check_mbufs_in_use() {
  if (!far_side_.chains()) {
    findings_.equal("pool", "mbufs in use", rte_mempool_in_use_count(pool_),
                    held_ + fill_ + far_side_.waiting_in() + far_side_.waiting_out());
  }
}

/// A queue's frames are received in order, so the first so many were.
Inspector::Taken Inspector::taken() const {
  Taken taken;
  for (const PlannedLeg& leg : legs_) {
    if (leg.plan->rx() == nullptr) {
      continue;
    }
    const std::vector<std::size_t>& put = far_side_.put_into(leg.plan->rx()->port, leg.plan->rx()->queue);
    const std::uint64_t received = std::min<std::uint64_t>(leg.unit->counters().received.get(), put.size());
    for (std::size_t i = 0; i < received; ++i) {
      const Frame& frame = far_side_.frames()[put[i]];
      ++taken.frames;
      taken.too_short += frame.fate == Fate::kTooShort ? 1 : 0;
      taken.too_long += frame.fate == Fate::kTooLong ? 1 : 0;
      taken.runts += frame.fate == Fate::kRunt ? 1 : 0;
      taken.out += frame.out ? 1 : 0;
    }
  }
  return taken;
}

void Inspector::before_stop(bool emptied, bool in_time) {
  look();
  findings_.equal("stop", "packets left though nothing is in their way", emptied ? held_ + fill_ : 0, 0);
  const Taken all = taken();
  findings_.equal("balance", "received", totals_.received, all.frames);
  findings_.equal("balance", "received and left in RX queues", totals_.received + far_side_.waiting_in(),
                  far_side_.frames().size());
  check_drops(all);
  check_waits(in_time);
  check_ports();
}

/// Every frame that was taken in came out once, is left, or is covered by the count of a drop reason.
void Inspector::check_drops(const Taken& taken) {
  const std::uint64_t out = far_side_.taken() + far_side_.waiting_out();
  findings_.equal("balance", "transmitted", totals_.transmitted, out);
  findings_.equal("drops", "too short", dropped(DropReason::kFrameTooShort), taken.too_short);
  findings_.equal("drops", "too long", dropped(DropReason::kFrameTooLong), taken.too_long);
  findings_.equal("drops", "at shutdown, before it", dropped(DropReason::kShutdown), 0);
  const std::uint64_t full = dropped(DropReason::kRingFull) + dropped(DropReason::kTxFull);
  if (dropped(DropReason::kRunt) > taken.runts || (full + left() == 0 && dropped(DropReason::kRunt) != taken.runts)) {
    findings_.add("drops",
                  "runts: " + std::to_string(dropped(DropReason::kRunt)) + " of " + std::to_string(taken.runts));
  }
  const std::uint64_t gone = taken.too_short + taken.too_long + dropped(DropReason::kRunt) + full + left();
  findings_.equal("drops", "came out or went into TX queues", out, taken.frames - gone);
  findings_.equal("drops", "frames that came out", far_side_.taken(), taken.out);
}

/// Nothing is dropped for want of room where everybody waits.
void Inspector::check_waits(bool in_time) {
  const auto waits = [](const auto& buffer) { return buffer.wait_ms > 0; };
  if (in_time && std::all_of(plan_.rings.begin(), plan_.rings.end(), waits)) {
    findings_.equal("wait", "dropped under ring_full", dropped(DropReason::kRingFull), 0);
  }
  const auto output_waits = [&](const Way& way) { return waits(plan_.ports[way.to]); };
  if (in_time && std::all_of(plan_.ways.begin(), plan_.ways.end(), output_waits)) {
    findings_.equal("wait", "dropped under tx_full", dropped(DropReason::kTxFull), 0);
  }
}

void Inspector::check_ports() {
  std::uint64_t received = 0;
  std::uint64_t transmitted = 0;
  std::uint64_t refused = 0;
  for (const PortTotals& port : totals_.ports) {
    received += port.rx_packets;
    transmitted += port.tx_packets;
    refused += port.tx_refused;
  }
  findings_.equal("port", "packets received by ports", received, totals_.received);
  findings_.equal("port", "packets sent by ports", transmitted, totals_.transmitted);
  findings_.equal("port", "packets refused by ports", refused, dropped(DropReason::kTxFull));
}

void Inspector::after_stop(const Report& report) {
  const Totals& totals = report.totals;
  const std::uint64_t abandoned = totals.dropped[static_cast<std::size_t>(DropReason::kShutdown)];
  findings_.equal("balance", "received in all", totals.received, far_side_.frames().size());
  findings_.equal("balance", "transmitted in all", totals.transmitted, far_side_.taken());
  findings_.equal("balance", "unaccounted for", report.unaccounted(), 0);
  findings_.equal("drops", "at shutdown", abandoned, left() + totals.received - totals_.received);
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    if (static_cast<DropReason>(i) != DropReason::kShutdown) {
      findings_.equal("drops", kDropReasonNames[i], totals.dropped[i], totals_.dropped[i]);
    }
  }
  std::uint64_t refused = 0;
  for (const RingTotals& ring : totals.rings) {
    refused += ring.refused;
    findings_.equal("ring", "packets left in a ring", ring.fill, 0);
  }
  findings_.equal("ring", "refused", refused, dropped(DropReason::kRingFull));
  findings_.equal("copies", "packets", totals.copied_packets[0], 0);
  for (const PoolTotals& pool : report.pools) {
    findings_.equal("pool", "missing", pool.missing, 0);
    findings_.equal("pool", "freed twice", pool.freed_twice, 0);
  }
}

}  // namespace ringway
