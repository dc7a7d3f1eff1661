#include "ladder/packet_ringway.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "ladder/forwarder.h"
#include "ladder/packet_flow.h"
#include "ladder/packet_xdp.h"
#include "ladder/placement.h"
#include "ladder/threads_meter.h"

namespace ringway {
namespace {

using nlohmann::json;

/// Lcore 0 waits, lcore 1 polls, lcore 2 plays the hosts of lab ports. The one that polls does not sleep.
json base_config() {
  const std::string far = std::to_string(far_end_cpu());
  return {{"eal", {{"no_huge", true}, {"lcores", "0@" + far + ",1@" + std::to_string(mover_cpu()) + ",2@" + far}}},
          {"idle", {{"sleep_us", 0}}}};
}

json wire_config(const std::string& driver, const std::string& devargs) {
  json config = base_config();
  config["ports"] = {{"left", {{"device", driver + "0,iface=left" + devargs}}},
                     {"right", {{"device", driver + "1,iface=right" + devargs}}}};
  config["forwarding"] = {{"mode", "cross_connect"}, {"pairs", json::array({json::array({"left", "right"})})}};
  config["lcores"] = {{"1", {{"rx", {"left.0", "right.0"}}}}};
  return config;
}

/// Frames that ports and rings have no room for wait: none is lost.
json lab_config(const Load& load, std::uint64_t packets, const json& rate) {
  const json port = {{"device", "lab"}, {"when_full", "wait"}};
  json config = base_config();
  config["ports"] = {{"left", port}, {"right", port}};
  config["forwarding"] = {{"mode", "cross_connect"}, {"pairs", json::array({{{"from", "left"}, {"to", "right"}}})}};
  config["lcores"] = {{"1", {{"rx", {"left.0"}}}}, {"2", {{"generate", {"left"}}, {"check", {"right"}}}}};
  config["traffic"] = {{"size", load.packet_bytes + ETHER_CRC_LEN}, {"packets", packets}, {"rate", rate}};
  return config;
}

/// Whether all it received went out, in a report's words.
bool balanced(const json& report) {
  const json& balance = report.at("balance");
  return balance.at("received") == balance.at("transmitted") && balance.at("dropped") == 0 &&
         balance.at("unaccounted") == 0;
}

/// What ringway itself copied, by its ledger.
double ledger(const json& report, double bytes) {
  return report.at("copies").at("bytes").get<double>() / std::max(bytes, 1.0);
}

/// What a report adds: by its ledger and its driver, and whether it accounts for every packet.
void add_report(Outcome& outcome, const json& report, double copies_by_driver, std::uint64_t bytes) {
  const json& lcore = report.at("lcores").at("1");
  outcome.batches = lcore.at("bursts");
  outcome.copies_per_byte = copies_by_driver + ledger(report, static_cast<double>(bytes));
  outcome.copies_shown_by = "ringway's copy ledger: " + report.at("copies").at("bytes").dump() + " bytes";
  if (!balanced(report)) {
    outcome.verified = false;
    outcome.notes.push_back("ringway's balance: " + report.at("balance").dump());
  }
}

Outcome run_on_wires(const Load& load, const std::string& driver, const std::string& devargs) {
  usable_cpus();
  const Wires wires;
  const std::string refusal = driver == "net_af_xdp" ? zero_copy_refusal("left") : "";
  Forwarder forwarder(load.ringway, wire_config(driver, devargs).dump());
  forwarder.wait_until_forwarding(2);
  FrameFlow flow(wires, load, unchanged_headers(load));
  run_on(far_end_cpu());
  flow.warm_up();
  ThreadsMeter meter(forwarder.threads());
  flow.move(load.packets);
  const Usage usage = meter.now();
  Outcome outcome = flow.finish(load.samples);
  outcome.usage = usage;
  add_report(outcome, forwarder.stop(), 2, flow.sent() * load.packet_bytes);
  outcome.batches -= load.samples;  // each came alone
  outcome.copies_shown_by += "; the driver or the kernel under it copies each frame in and out";
  outcome.fell_back = refusal.empty() ? "" : "zero copy: " + refusal + "; the driver has the kernel copy";
  outcome.notes.push_back("its lcore polls and never sleeps: the CPU time is that of the transfer, idle polls with it");
  return outcome;
}

/// Threads' usage so far, until the process has ended.
Usage usage_to_end(Forwarder& forwarder, ThreadsMeter& meter) {
  Usage usage = meter.now();
  while (!forwarder.has_ended(1)) {
    usage = meter.now();
  }
  return meter.now();
}

double median_us(const json& report, const char* percentile) {
  return report.at("traffic").at("latency_ns").at(percentile).get<double>() / 1e3;
}

bool all_came(const json& report) {
  const json& traffic = report.at("traffic");
  const auto none = [&traffic](const char* what) { return traffic.at(what) == 0; };
  return traffic.at("received") == traffic.at("sent") && none("lost") && none("duplicated") && none("reordered") &&
         none("altered") && none("stale") && none("unknown");
}

/// Lab traffic to its end.
json run_lab(const Load& load, std::uint64_t packets, const json& rate, Usage* usage) {
  Forwarder forwarder(load.ringway, lab_config(load, packets, rate).dump());
  forwarder.wait_until_forwarding(2);
  ThreadsMeter meter(forwarder.threads(kFirstWorker));
  const Usage used = usage_to_end(forwarder, meter);
  if (usage != nullptr) {
    *usage = used;
  }
  return forwarder.stop();
}

/// The polling lcore's own count: the share of its CPU time in polls that brought packets, and its context switches.
void use_report(Usage& usage, const json& report) {
  const json& lcore = report.at("lcores").at("1");
  const double busy = lcore.at("busy_cycles");
  const double share = busy / (busy + lcore.at("idle_cycles").get<double>());
  usage.user_s *= share;
  usage.system_s *= share;
  usage.voluntary_switches = lcore.at("voluntary_context_switches");
  usage.involuntary_switches = lcore.at("involuntary_context_switches");
}

}  // namespace

Outcome run_ringway_af_packet(const Load& load) {
  return run_on_wires(load, "net_af_packet", "");
}

Outcome run_ringway_af_xdp(const Load& load) {
  Outcome outcome = run_on_wires(load, "net_af_xdp", ",busy_budget=0");
  outcome.notes.push_back("with the driver's default, busy_budget=64, each poll that finds nothing is a system call");
  return outcome;
}

Outcome run_ringway_lab(const Load& load) {
  constexpr std::uint64_t kLeastPackets = 200000;  // fewer are over before they can be measured
  usable_cpus();
  Outcome outcome;
  const json report = run_lab(load, std::max(load.packets, kLeastPackets), "max", &outcome.usage);
  const json alone = run_lab(load, load.samples, "1kpps", nullptr);
  outcome.packets = report.at("traffic").at("received");
  outcome.bytes = outcome.packets * load.packet_bytes;
  outcome.seconds = report.at("duration_s");
  outcome.verified = all_came(report) && all_came(alone);
  outcome.latency_p50_us = median_us(alone, "p50");
  outcome.latency_p99_us = median_us(alone, "p99");
  add_report(outcome, report, 0, outcome.bytes);
  use_report(outcome.usage, report);
  outcome.copies_shown_by += "; its ports are in memory, as a NIC's DMA leaves them";
  outcome.notes.push_back(
      "CPU time is that of polls that brought packets: the generator is slower than the lcore, which polls on");
  return outcome;
}

}  // namespace ringway
