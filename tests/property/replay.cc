// Captures through a configuration of lab ports on virtual lcores: for one configuration, one seed and the same
// captures what comes out is the same, byte for byte.

#include <rte_ring.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "capture.h"
#include "config/parse.h"
#include "core/errors.h"
#include "dpdk/eal.h"
#include "inventory_fixtures.h"
#include "mbufs.h"
#include "plan/pool_size.h"
#include "runtime/runtime.h"
#include "virtual_lcores.h"

namespace ringway {
namespace {

const char* const kUsage =
    "usage: replay CONFIG SEED [PORT=]CAPTURE... PREFIX\n\n"
    "Forwards captures as CONFIG says, whose ports are lab ports, in an order of polls drawn from SEED. Without PORT "
    "a\n"
    "capture enters by the first port. What leaves by a port goes to PREFIX + its name + .pcap, the counters to "
    "standard\n"
    "output.\n";

constexpr unsigned kMemoryMib = 1024;  // unless eal.memory says more
constexpr unsigned kMostAtOnce = 64;

/// A plan of lab ports only, for as many virtual lcores as there are ids. Throws Error.
Plan plan_of(const std::string& path) {
  Diagnostics problems;
  const std::string text = read_config(path, problems);
  const Config config = problems.failed() ? Config{} : parse_config(text, problems);
  for (const PortConfig& port : config.ports) {
    if (port.device.value != kLabDevice) {
      problems.invalid(port.device.at, "ports." + port.name + ".device", "is no lab port; expected lab");
    }
  }
  Inventory inventory = machine({}, kLastLcore + 1);
  inventory.no_huge = true;
  inventory.memory_mib = config.eal.memory ? config.eal.memory->value : kMemoryMib;
  Planning planning = problems.failed() ? Planning{} : make_plan(config, inventory);
  std::cerr << problems.text(path) << planning.problems.text(path);
  const Diagnostics& told = problems.failed() ? problems : planning.problems;
  if (told.failed()) {
    throw Error(told.exit_status(), path + " cannot be replayed");
  }
  planning.plan.traffic.reset();
  std::erase_if(planning.plan.lcores, [](const LcorePlan& lcore) { return lcore.legs.empty(); });
  return std::move(planning.plan);
}

/// Frames that are to enter by a port.
struct Input {
  std::size_t port = 0;
  std::vector<Record> records;
  std::size_t next = 0;

  bool done() const noexcept { return next == records.size(); }
};

/// The lab ports' far side: captures in, captures out.
class Replay {
 public:
  Replay(const Plan& plan, std::vector<Input> inputs, std::uint64_t seed, const std::string& prefix)
      : plan_(plan),
        inputs_(std::move(inputs)),
        dice_(seed),
        runtime_(plan, PortIds(plan.ports.size())),
        lcores_(runtime_.legs(), dice_, clock_),
        hash_(plan.symmetric ? FlowHash::Key::kSymmetric : FlowHash::Key::kStandard),
        pool_(rte_mempool_lookup(plan.pools.front().name.c_str())) {
    for (const PortPlan& port : plan.ports) {
      outputs_.push_back(std::make_unique<CaptureWriter>(prefix + port.name + ".pcap"));
    }
  }

  Report run() {
    const auto done = [](const Input& input) { return input.done(); };
    while (!std::all_of(inputs_.begin(), inputs_.end(), done)) {
      step();
    }
    empty();
    lcores_.end_receiving();
    empty();
    for (const auto& output : outputs_) {
      output->finish();
    }
    Report report = runtime_.stop();
    report.totals.seconds = 0;  // no time passes here that would mean anything
    return report;
  }

 private:
  /// What happens next is as likely to be one thing as another.
  void step() {
    switch (dice_.below(4)) {
      case 0:
        put(inputs_[dice_.below(inputs_.size())]);
        break;
      case 1:
        take(dice_.pick(plan_.ways).to, dice_.between(1, kMostAtOnce));
        break;
      default:
        lcores_.step();
        break;
    }
    clock_.advance(tick_);
  }

  /// Polls and takes until nothing moves any more.
  unsigned empty() {
    unsigned all = 0;
    for (unsigned moved = 1; moved > 0; all += moved) {
      moved = lcores_.round();
      for (std::size_t port = 0; port < plan_.ports.size(); ++port) {
        moved += take(port, UINT_MAX);
      }
      clock_.advance(tick_);
    }
    return all;
  }

  void put(Input& input) {
    for (unsigned count = dice_.between(1, kMostAtOnce); count > 0 && !input.done(); --count) {
      const Record& record = input.records[input.next];
      rte_mbuf* mbuf = make_mbuf(record.bytes);
      if (mbuf == nullptr) {
        // Chains need more mbufs than one a slot; they come back.
        if (empty() == 0) {
          throw Error(ExitStatus::kResourceMissing,
                      "the pool is too small for a frame of " + std::to_string(record.bytes.size()) + " bytes");
        }
        return;
      }
      // As a NIC spreads them: workers are chosen by other bits of the hash.
      const std::size_t queue = hash_(mbuf) % plan_.ports[input.port].rx_queues;
      if (rte_ring_enqueue(runtime_.lab(input.port)->rx(queue), mbuf) != 0) {
        rte_pktmbuf_free(mbuf);
        return;
      }
      put_[mbuf] = record.at;
      ++input.next;
    }
  }

  /// A frame in as many mbufs as it needs; null: the pool has not got them.
  rte_mbuf* make_mbuf(const std::vector<std::uint8_t>& bytes) {
    rte_mbuf* head = rte_pktmbuf_alloc(pool_);
    rte_mbuf* last = head;
    for (std::size_t at = 0; last != nullptr && at < bytes.size();) {
      const std::size_t count = std::min<std::size_t>(rte_pktmbuf_tailroom(last), bytes.size() - at);
      std::memcpy(rte_pktmbuf_mtod_offset(last, void*, last->data_len), bytes.data() + at, count);
      last->data_len = static_cast<std::uint16_t>(last->data_len + count);
      head->pkt_len += static_cast<std::uint32_t>(count);
      at += count;
      if (at < bytes.size()) {
        last->next = rte_pktmbuf_alloc(pool_);
        head->nb_segs = static_cast<std::uint16_t>(head->nb_segs + (last->next == nullptr ? 0 : 1));
        last = last->next;
      }
    }
    if (last == nullptr) {
      rte_pktmbuf_free(head);
    }
    return last == nullptr ? nullptr : head;
  }

  /// Takes that many frames out of a port at most; returns how many.
  unsigned take(std::size_t port, unsigned most) {
    unsigned count = 0;
    for (unsigned queue = 0; queue < plan_.ports[port].tx_queues; ++queue) {
      void* object = nullptr;
      for (; count < most && rte_ring_dequeue(runtime_.lab(port)->tx(queue), &object) == 0; ++count) {
        auto* mbuf = static_cast<rte_mbuf*>(object);
        outputs_[port]->write({put_.at(mbuf), bytes_of(mbuf)});
        rte_pktmbuf_free(mbuf);
      }
    }
    return count;
  }

  const Plan& plan_;
  std::vector<Input> inputs_;
  Dice dice_;
  VirtualClock clock_;
  std::uint64_t tick_ = ms_to_cycles(1) / 1000;  // a step takes a microsecond
  Runtime runtime_;
  VirtualLcores lcores_;
  FlowHash hash_;
  rte_mempool* pool_;
  std::vector<std::unique_ptr<CaptureWriter>> outputs_;  // one a port
  std::unordered_map<const rte_mbuf*, timeval> put_;
};

/// `[PORT=]CAPTURE`; an equals sign behind anything but a port's name belongs to the path.
Input input_of(const Plan& plan, const std::string& argument) {
  Input input;
  std::string path = argument;
  for (std::size_t port = 0; port < plan.ports.size(); ++port) {
    const std::string prefix = plan.ports[port].name + "=";
    if (argument.starts_with(prefix)) {
      input.port = port;
      path = argument.substr(prefix.size());
    }
  }
  const bool receives =
      std::any_of(plan.ways.begin(), plan.ways.end(), [&](const Way& way) { return way.from == input.port; });
  if (!receives) {
    throw Error(ExitStatus::kUsage, "nothing is received from port '" + plan.ports[input.port].name +
                                        "'; expected [PORT=]CAPTURE with a port that forwarding reads");
  }
  input.records = read_capture(path);
  return input;
}

ExitStatus replay(const std::vector<std::string>& arguments, std::uint64_t seed, HeldOutput& output) {
  const Plan plan = plan_of(arguments.front());
  std::vector<Input> inputs;
  for (std::size_t i = 2; i + 1 < arguments.size(); ++i) {
    inputs.push_back(input_of(plan, arguments[i]));
  }
  const Eal eal({"replay", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
                 "-m" + std::to_string(memory_mib(plan, 0, true)), "--lcores=0@0", "--file-prefix=ringway-replay"},
                output);
  const Report report = Replay(plan, std::move(inputs), seed, arguments.back()).run();
  std::cout << to_json(report) << std::flush;
  return report.exit_status();
}

}  // namespace
}  // namespace ringway

int main(int argc, char** argv) {
  using namespace ringway;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::uint64_t seed = 0;
  bool good = arguments.size() >= 4;
  if (good) {
    const std::string& text = arguments[1];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    good = error == std::errc{} && *end == '\0';
  }
  if (!good) {
    std::cerr << kUsage;
    return static_cast<int>(ExitStatus::kUsage);
  }
  HeldOutput output;
  try {
    return static_cast<int>(replay(arguments, seed, output));
  } catch (const Error& error) {
    output.release_streams();
    std::cerr << "replay: " << error.what() << '\n' << output.held();
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    output.release_streams();
    std::cerr << "replay: " << error.what() << '\n';
    return static_cast<int>(ExitStatus::kFailed);
  }
}
