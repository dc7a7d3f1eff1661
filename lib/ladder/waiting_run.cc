#include "ladder/waiting_run.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <exception>
#include <thread>
#include <vector>

#include "ladder/latency.h"
#include "ladder/network.h"
#include "ladder/packet_flow.h"
#include "ladder/pattern.h"
#include "ladder/placement.h"

namespace ringway {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kPerSecond = 1000;    // at the low load
constexpr std::uint64_t kLeastSamples = 200;  // for a percentile
constexpr unsigned kOnTheirWay = 16;          // at the high load
constexpr std::uint64_t kPart = 4;            // of the load's packets, at the high load
constexpr std::uint64_t kWarmUpMessages = 64;

struct Phases {
  std::uint64_t low;
  std::uint64_t high;
};

/// Asks, and compares every byte of the answers, which come in the order of the questions.
class Asker {
 public:
  Asker(const Wires& wires, unsigned message_bytes)
      : socket_(wires.in_source([] { return connected(); })), question_(message_bytes), answer_(message_bytes + 1) {}

  void ask() {
    fill_pattern(question_, offset(asked_));
    sent_at_[asked_ % kOnTheirWay] = Clock::now();
    check_call(::send(socket_.get(), question_.data(), question_.size(), 0), "send");
    ++asked_;
  }

  /// Waits for an answer; microseconds since its question. Less than 0: none came.
  double take() {
    const Clock::time_point start = Clock::now();
    ssize_t got = -1;
    while ((got = recv(socket_.get(), answer_.data(), answer_.size(), MSG_DONTWAIT)) < 0) {
      check_call(errno == EAGAIN ? 0 : -1, "recv");
      if (Clock::now() - start > kPatience) {
        return -1;
      }
      patient_.look_again();
    }
    patient_.found();
    const auto bytes = std::span<const std::byte>(answer_).first(static_cast<std::size_t>(got));
    wrong_ += bytes.size() != question_.size() || first_difference(bytes, offset(answered_)) ? 1U : 0U;
    return std::chrono::duration<double, std::micro>(Clock::now() - sent_at_[answered_++ % kOnTheirWay]).count();
  }

  std::uint64_t asked() const { return asked_; }
  std::uint64_t answered() const { return answered_; }
  bool all_right() const { return wrong_ == 0 && asked_ == answered_; }

 private:
  static std::uint64_t offset(std::uint64_t number) { return number * 2048; }

  /// Without a checksum: who answers by frames exchanges addresses alone.
  static Descriptor connected() {
    Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    const int on = 1;
    check_call(setsockopt(socket.get(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), "SO_NO_CHECK");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kWaitingPort);
    address.sin_addr.s_addr = inet_addr(kWaitingAddress);
    check_call(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return socket;
  }

  Descriptor socket_;
  std::vector<std::byte> question_;
  std::vector<std::byte> answer_;
  std::array<Clock::time_point, kOnTheirWay> sent_at_{};
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t wrong_ = 0;
  Patient patient_;
};

/// Takes an answer, and notes when it came. False: none did.
bool take(Asker& asker, std::vector<double>& latencies) {
  const double latency = asker.take();
  if (latency >= 0) {
    latencies.push_back(latency);
  }
  return latency >= 0;
}

/// False: an answer did not come.
bool ask_slowly(Asker& asker, std::uint64_t count, std::vector<double>& latencies) {
  Clock::time_point due = Clock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    due += std::chrono::nanoseconds(1'000'000'000 / kPerSecond);
    while (Clock::now() < due) {
    }
    asker.ask();
    if (!take(asker, latencies)) {
      return false;
    }
  }
  return true;
}

bool ask_fast(Asker& asker, std::uint64_t count, std::vector<double>& latencies) {
  const std::uint64_t end = asker.asked() + count;
  while (asker.answered() < end) {
    while (asker.asked() < end && asker.asked() - asker.answered() < kOnTheirWay) {
      asker.ask();
    }
    if (!take(asker, latencies)) {
      return false;
    }
  }
  return true;
}

/// The waiting side's part of a load.
struct Waited {
  Usage usage;
  double seconds = 0;
};

Waited wait_metered(WaitingSide& side, std::uint64_t count) {
  Meter meter;
  const Clock::time_point start = Clock::now();
  meter.start();
  side.answer(count);
  return {.usage = meter.stop(), .seconds = std::chrono::duration<double>(Clock::now() - start).count()};
}

WaitingLoad told(const std::string& load, const Waited& waited, const std::vector<double>& latencies) {
  const auto messages = std::max(static_cast<double>(latencies.size()), 1.0);  // none came: it is not verified
  const double cpu_s = waited.usage.user_s + waited.usage.system_s;
  return {.load = load,
          .per_second = messages / waited.seconds,
          .latency_p50_us = percentile(latencies, 50),
          .latency_p99_us = percentile(latencies, 99),
          .cpu_share = cpu_s / waited.seconds,
          .cpu_us_per_message = cpu_s * 1e6 / messages};
}

/// As a NIC's driver does it: veth hands frames to NAPI, which a socket can poll, where it merges them (GRO) and the
/// other end does not cut them up (TSO).
void use_napi(const Wires& wires) {
  check_call(interface_switch("left", ETHTOOL_SGRO, 1), "ETHTOOL_SGRO");
  wires.in_source([] {
    check_call(interface_switch("far", ETHTOOL_STSO, 0), "ETHTOOL_STSO");
    return Descriptor();
  });
}

void address(const Wires& wires) {
  run_ip(std::string("address add ") + kWaitingAddress + "/24 dev left\nneighbour add " + kSourceAddress + " lladdr " +
         text_of(kSourceMac) + " dev left\n");
  wires.configure_source(std::string("address add ") + kSourceAddress + "/24 dev far\nneighbour add " +
                         kWaitingAddress + " lladdr " + text_of(kLeftMac) + " dev far\n");
  use_napi(wires);
}

/// Both sides through all phases.
Outcome ask_through(WaitingSide& side, Asker& asker, const Phases& phases) {
  Waited low;
  Waited high;
  std::exception_ptr error;
  std::thread waiting([&] {
    try {
      run_on(mover_cpu());
      side.answer(kWarmUpMessages);
      low = wait_metered(side, phases.low);
      high = wait_metered(side, phases.high);
    } catch (...) {
      error = std::current_exception();
    }
  });
  std::vector<double> first;
  std::vector<double> slow;
  std::vector<double> fast;
  run_on(far_end_cpu());
  const bool all = ask_fast(asker, kWarmUpMessages, first) && ask_slowly(asker, phases.low, slow) &&
                   ask_fast(asker, phases.high, fast);
  waiting.join();
  if (error) {
    std::rethrow_exception(error);
  }
  Outcome outcome;
  outcome.verified = all && asker.all_right();
  outcome.packets = fast.size();
  outcome.usage = high.usage;
  outcome.seconds = high.seconds;
  set_latency(outcome, slow);
  outcome.notes.push_back(kReceivePath);
  outcome.waiting = {told("low", low, slow), told("high", high, fast)};
  return outcome;
}

}  // namespace

Outcome run_waiting(const Load& load, const std::function<std::unique_ptr<WaitingSide>()>& make) {
  usable_cpus();
  const Wires wires;
  address(wires);
  const std::unique_ptr<WaitingSide> side = make();
  const unsigned message_bytes = load.packet_bytes - static_cast<unsigned>(sizeof(FrameHeader));
  Asker asker(wires, message_bytes);
  const Phases phases{.low = std::max<std::uint64_t>(load.samples, kLeastSamples),
                      .high = std::max<std::uint64_t>(load.packets / kPart, 1)};
  Outcome outcome = ask_through(*side, asker, phases);
  outcome.bytes = outcome.packets * message_bytes;
  side->describe(outcome);
  return outcome;
}

}  // namespace ringway
