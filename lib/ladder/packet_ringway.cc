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

/// What copies each frame besides ringway: the driver, and the kernel under it.
struct Below {
  unsigned copies;
  const char* shown_by;
};

constexpr Below kRingsBelow = {3,
                               "definition, for the driver: the kernel copies into the ring that is read, the driver "
                               "from there into an mbuf and from an mbuf into the ring that is sent"};
constexpr Below kSharedMemoryBelow = {2,
                                      "definition, for the driver: its mbufs are the memory that it shares with the "
                                      "kernel, which copies into it and out of it"};
constexpr Below kNothingBelow = {0, "its ports are in memory, as a NIC's DMA leaves them"};

/// What a report adds: by its ledger, and whether it accounts for every packet.
void add_report(Outcome& outcome, const json& report, const Below& below, std::uint64_t bytes) {
  outcome.batches = report.at("lcores").at("1").at("bursts");
  outcome.copies_per_byte = below.copies + ledger(report, static_cast<double>(bytes));
  outcome.copies_shown_by =
      "ringway's copy ledger: " + report.at("copies").at("bytes").dump() + " bytes; " + below.shown_by;
  if (!balanced(report)) {
    outcome.verified = false;
    outcome.notes.push_back("ringway's balance: " + report.at("balance").dump());
  }
}

/// Of all bursts those of the transfer: samples came alone, and the warm-up in bursts like those that followed.
std::uint64_t in_transfer(std::uint64_t bursts, const Load& load) {
  const std::uint64_t several = bursts - std::min<std::uint64_t>(bursts, load.samples);
  return several * load.packets / (load.packets + kWarmUp);
}

Outcome run_on_wires(const Load& load, const std::string& driver, const std::string& devargs, const Below& below) {
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
  add_report(outcome, forwarder.stop(), below, flow.sent() * load.packet_bytes);
  outcome.batches = in_transfer(outcome.batches, load);
  outcome.fell_back = refusal.empty() ? "" : "zero copy: " + refusal + "; the driver has the kernel copy";
  outcome.notes.push_back("its lcore polls and never sleeps: the CPU time is that of the transfer, idle polls with it");
  outcome.notes.push_back(kReceivePath);
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

bool all_came(const json& report, std::uint64_t packets) {
  const json& traffic = report.at("traffic");
  const auto none = [&traffic](const char* what) { return traffic.at(what) == 0; };
  return traffic.at("sent") == packets && traffic.at("received") == packets && none("lost") && none("duplicated") &&
         none("reordered") && none("altered") && none("stale") && none("unknown");
}

/// Lab traffic to its end. Where `usage` is given, that of the lcore that forwards, from its start on.
json run_lab(const Load& load, std::uint64_t packets, const json& rate, Usage* usage) {
  Forwarder forwarder(load.ringway, lab_config(load, packets, rate).dump());
  forwarder.wait_until_forwarding(2);
  if (usage != nullptr) {
    ThreadsMeter meter(forwarder.threads(kFirstWorker), ThreadsMeter::Since::kTheirStart);
    *usage = usage_to_end(forwarder, meter);
  }
  while (!forwarder.has_ended(1)) {
  }
  return forwarder.stop();
}

/// How much of its time a polling lcore spent in rounds that brought packets; 0 to 1.
double busy_share(const json& lcore) {
  const double busy = lcore.at("busy_cycles");
  return busy / (busy + lcore.at("idle_cycles").get<double>());
}

/// Of the run, which begins before the first packet and ends some time after the last, the part that moved packets.
void use_report(Outcome& outcome, const json& report) {
  const json& forwarding = report.at("lcores").at("1");
  const json& far_ends = report.at("lcores").at("2");
  outcome.seconds = report.at("duration_s").get<double>() * std::max(busy_share(forwarding), busy_share(far_ends));
  outcome.usage.user_s *= busy_share(forwarding);
  outcome.usage.system_s *= busy_share(forwarding);
  outcome.usage.voluntary_switches = forwarding.at("voluntary_context_switches");
  outcome.usage.involuntary_switches = forwarding.at("involuntary_context_switches");
  outcome.notes.push_back(
      "only rounds that brought packets count: the seconds are those of the busier lcore, the one that generates and "
      "checks or the one that forwards; the CPU time is that of the latter, which polls on between");
}

}  // namespace

Outcome run_ringway_af_packet(const Load& load) {
  return run_on_wires(load, "net_af_packet", "", kRingsBelow);
}

Outcome run_ringway_af_xdp(const Load& load) {
  Outcome outcome = run_on_wires(load, "net_af_xdp", ",busy_budget=0", kSharedMemoryBelow);
  outcome.notes.push_back(kVethCopies);
  outcome.notes.push_back(
      "while no frame comes its lcore calls the kernel now and then, to have back what was sent; with the driver's "
      "default, busy_budget=64, each poll that finds nothing is a call");
  return outcome;
}

Outcome run_ringway_lab(const Load& load) {
  constexpr std::uint64_t kLeastPackets = 200000;  // fewer are over before they can be measured
  usable_cpus();
  Outcome outcome;
  const std::uint64_t packets = std::max(load.packets, kLeastPackets);
  const json report = run_lab(load, packets, "max", &outcome.usage);
  const json alone = run_lab(load, load.samples, "1kpps", nullptr);
  outcome.packets = report.at("traffic").at("received");
  outcome.bytes = outcome.packets * load.packet_bytes;
  outcome.verified = all_came(report, packets) && all_came(alone, load.samples);
  outcome.latency_p50_us = median_us(alone, "p50");
  outcome.latency_p99_us = median_us(alone, "p99");
  add_report(outcome, report, kNothingBelow, outcome.bytes);
  use_report(outcome, report);
  return outcome;
}

}  // namespace ringway
