// Forwards as ringway does, with ringway's own libraries, in windows that a benchmark opens and closes: the lines
// `start`, `stop` and `quit` on standard input. testpmd takes the same words, so both are driven alike.

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <array>
#include <charconv>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "config/parse.h"
#include "core/errors.h"
#include "doctor/host.h"
#include "dpdk/eal.h"
#include "plan/eal_args.h"
#include "plan/make_plan.h"
#include "runtime/probe.h"
#include "runtime/runtime.h"

namespace ringway {
namespace {

constexpr std::uint16_t kPrimeBytes = 64;

void accept(const Diagnostics& problems, const std::string& file) {
  std::cerr << problems.text(file);
  if (problems.failed()) {
    throw Error(problems.exit_status(), "cannot measure with " + file);
  }
}

/// All legs of a plan, polled in turn by the first of its lcores, with a loop of its own in every window.
class Windows {
 public:
  Windows(const Plan& plan, Runtime& runtime)
      : idle_{plan.idle.spin_polls, plan.idle.pause_polls, plan.idle.sleep_us}, runtime_(runtime) {
    lcore_ = plan.lcores.front().id;
    socket_ = plan.lcores.front().socket;
    for (LegUnit* unit : runtime.legs()) {
      refs_.push_back(unit->ref());
    }
  }
  ~Windows() { stop(); }
  Windows(const Windows&) = delete;
  Windows& operator=(const Windows&) = delete;

  void start() {
    stop();
    before_ = runtime_.packets().received;
    const std::array<std::size_t, kRanks> of_rank = {0, refs_.size(), 0, 0};
    loop_ = make_on_socket<LcoreLoop>(socket_, refs_.data(), of_rank, idle_);
    if (rte_eal_remote_launch(run, loop_.get(), lcore_) != 0) {
      loop_.reset();
      throw Error(ExitStatus::kFailed, "rte_eal_remote_launch: lcore " + std::to_string(lcore_) + " is busy");
    }
  }

  /// Returns the packets taken since start().
  std::uint64_t stop() {
    if (!loop_) {
      return 0;
    }
    loop_->enter_phase(kStopped);
    rte_eal_wait_lcore(lcore_);
    loop_.reset();
    return runtime_.packets().received - before_;
  }

 private:
  static int run(void* loop) {
    static_cast<LcoreLoop*>(loop)->run();
    return 0;
  }

  IdlePolicy idle_;
  Runtime& runtime_;
  unsigned lcore_ = 0;
  unsigned socket_ = 0;
  std::vector<LegRef> refs_;
  NumaPtr<LcoreLoop> loop_;
  std::uint64_t before_ = 0;
};

/// Puts frames into a port's TX queue 0: ports that loop back, such as net_ring's, have something to forward then.
void prime(std::uint16_t port, const std::string& pool, std::uint16_t frames) {
  std::vector<rte_mbuf*> mbufs(frames);
  if (frames == 0) {
    return;
  }
  if (rte_pktmbuf_alloc_bulk(rte_mempool_lookup(pool.c_str()), mbufs.data(), frames) != 0) {
    throw Error(ExitStatus::kResourceMissing, "the pool is too small to prime the ports");
  }
  for (rte_mbuf* mbuf : mbufs) {
    std::memset(rte_pktmbuf_append(mbuf, kPrimeBytes), 0, kPrimeBytes);
  }
  if (rte_eth_tx_burst(port, 0, mbufs.data(), frames) != frames) {
    throw Error(ExitStatus::kFailed, "a port takes fewer frames than it was to be primed with");
  }
}

ExitStatus serve(const Plan& plan, const PortIds& ids, std::uint16_t primed) {
  Runtime runtime(plan, ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    prime(static_cast<std::uint16_t>(ids[i]), plan.pools[plan.ports[i].pool].name, primed);
  }
  {
    Windows windows(plan, runtime);
    std::cout << "ready" << std::endl;
    for (std::string word; std::getline(std::cin, word) && word != "quit";) {
      if (word == "start") {
        windows.start();
      } else if (word == "stop") {
        std::cout << "packets: " << windows.stop() << std::endl;
      }
    }
  }
  const Report report = runtime.stop();
  if (!report.balanced()) {
    std::cerr << to_text(report);
  }
  return report.exit_status();
}

ExitStatus run(const std::string& file, std::uint16_t primed, HeldOutput& output) {
  Diagnostics problems;
  const std::string text = read_config(file, problems);
  accept(problems, file);
  const Config config = parse_config(text, problems);
  accept(problems, file);
  const std::vector<std::string> argv = eal_args(config, {}, probe_host(), problems);
  accept(problems, file);
  const Eal eal(argv, output);
  PortIds ids;
  const Inventory inventory = probe(config, probe_hugepages(), argv, output, ids, problems);
  accept(problems, file);
  const Planning planning = make_plan(config, inventory);
  accept(planning.problems, file);
  return serve(planning.plan, ids, primed);
}

}  // namespace
}  // namespace ringway

int main(int argc, char** argv) {
  using namespace ringway;
  const std::string frames = argc == 3 ? argv[2] : "0";
  std::uint16_t primed = 0;
  const auto [end, error] = std::from_chars(frames.data(), frames.data() + frames.size(), primed);
  if (argc < 2 || argc > 3 || error != std::errc{} || *end != '\0') {
    std::cerr
        << "usage: forward CONFIG [FRAMES]\n\nForwards between `start` and `stop` on standard input, until `quit`; "
           "FRAMES are put into each port first.\n";
    return static_cast<int>(ExitStatus::kUsage);
  }
  HeldOutput output;
  try {
    return static_cast<int>(run(argv[1], primed, output));
  } catch (const Error& problem) {
    output.release_streams();
    std::cerr << "forward: " << problem.what() << '\n' << output.held();
    return static_cast<int>(problem.status());
  } catch (const std::exception& problem) {
    std::cerr << "forward: " << problem.what() << '\n';
    return static_cast<int>(ExitStatus::kFailed);
  }
}
