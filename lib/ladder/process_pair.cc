#include "ladder/process_pair.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "core/errors.h"
#include "ladder/descriptor.h"
#include "ladder/latency.h"
#include "ladder/mapping.h"
#include "ladder/pattern.h"
#include "ladder/placement.h"

namespace ringway {
namespace {

using Clock = std::chrono::steady_clock;

/// What both processes see.
struct Shared {
  std::atomic<std::uint64_t> checked{0};  // messages; receiver: w, sender: r
  std::atomic<std::int64_t> started{0};   // clock's count when the first, or the one alone, was sent; sender: w
  Usage sender;                           // valid when the sender has ended
  char error[200] = {};                   // why the sender ended early; the same
};

std::int64_t now() {
  return Clock::now().time_since_epoch().count();
}

/// From when the sender started.
double seconds_since(const std::atomic<std::int64_t>& started) {
  return std::chrono::duration<double>(Clock::duration(now() - started.load())).count();
}

/// The messages, one after another, as packets that came would lie there.
class MessageRow {
 public:
  explicit MessageRow(std::size_t block) : block_(block), memory_(block * kDifferentMessages) {
    fill_pattern(memory_.bytes(), 0);
  }

  std::span<const std::byte> operator[](std::uint64_t number) const {
    return memory_.bytes().subspan(number % kDifferentMessages * block_, block_);
  }

 private:
  std::size_t block_;
  Mapping memory_;
};

struct Phases {
  std::uint64_t transfer;  // the number of the first message of each
  std::uint64_t alone;
  std::uint64_t end;
};

Phases phases_of(const Load& load) {
  const std::uint64_t alone = kWarmUpMessages + load.bytes / load.block;
  return {.transfer = kWarmUpMessages, .alone = alone, .end = alone + load.samples};
}

void send_all(MessagePath& path, const MessageRow& row, const Phases& phases, Shared& shared) {
  const auto wait_until_checked = [&shared](std::uint64_t number) {
    for (Patient patient; shared.checked.load(std::memory_order_acquire) < number;) {
      patient.look_again();
    }
  };
  std::uint64_t number = 0;
  for (; number < phases.transfer; ++number) {
    path.send(row[number]);
  }
  path.flush();
  wait_until_checked(number);
  Meter meter;
  shared.started = now();
  meter.start();
  for (; number < phases.alone; ++number) {
    path.send(row[number]);
  }
  path.flush();
  shared.sender = meter.stop();
  for (; number < phases.end; ++number) {
    wait_until_checked(number);
    shared.started = now();
    path.send(row[number]);
    path.flush();
  }
  wait_until_checked(number);
}

[[noreturn]] void be_the_sender(MessagePath& path, const MessageRow& row, const Phases& phases, Shared& shared) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  run_on(far_end_cpu());
  try {
    path.become_sender();
    send_all(path, row, phases, shared);
  } catch (const std::exception& error) {
    std::snprintf(shared.error, sizeof shared.error, "%s", error.what());
  }
  _exit(0);
}

/// It stays to be waited for.
bool has_ended(pid_t child) {
  siginfo_t info{};
  check_call(counted(::waitid, P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT), "waitid");
  return info.si_pid != 0;
}

/// The receiver's side of it.
class Receiver {
 public:
  Receiver(MessagePath& path, std::size_t block, Shared& shared, pid_t sender)
      : path_(path), block_(block), shared_(shared), sender_(sender) {}

  void receive_all(const Phases& phases, Outcome& outcome) {
    take_until(phases.transfer);
    const std::uint64_t batches = path_.batches();
    Meter meter;
    meter.start();
    tell();
    take_until(phases.alone);
    outcome.seconds = seconds_since(shared_.started);
    outcome.usage = meter.stop();
    outcome.batches = path_.batches() - batches;
    tell();
    std::vector<double> samples;
    while (number_ < phases.end && take()) {
      samples.push_back(seconds_since(shared_.started) * 1e6);
      tell();
    }
    set_latency(outcome, samples);
    outcome.verified = right_ && number_ == phases.end;
    if (!outcome.verified) {
      outcome.notes.push_back("of " + std::to_string(phases.end) + " messages the first " + std::to_string(number_) +
                              " came as they were sent, the next did not");
    }
  }

 private:
  void take_until(std::uint64_t end) {
    while (number_ < end && take()) {
    }
  }

  /// Lets the sender go on.
  void tell() { shared_.checked.store(number_, std::memory_order_release); }

  /// False: it came otherwise than it was sent, or not at all. No more is taken then.
  bool take() {
    if (right_) {
      const std::span<const std::byte> message = next();
      const std::uint64_t offset = number_ % kDifferentMessages * block_;
      right_ = message.size() == block_ && !first_difference(message, offset);
      number_ += right_ ? 1U : 0U;
    }
    return right_;
  }

  /// Empty: the sender has ended, and nothing of it is left.
  std::span<const std::byte> next() {
    for (bool ended = false;; ended = has_ended(sender_)) {
      const std::span<const std::byte> message = path_.receive();
      if (!message.empty() || ended) {
        return message;
      }
    }
  }

  MessagePath& path_;
  std::size_t block_;
  Shared& shared_;
  pid_t sender_;
  std::uint64_t number_ = 0;  // messages that came right
  bool right_ = true;         // so far
};

/// What comparing costs, which is in every rung's figure alike.
std::string cost_of_check(const MessageRow& row, std::size_t block) {
  constexpr std::uint64_t kRounds = 4;
  Meter meter;
  meter.start();
  bool same = true;
  for (std::uint64_t number = 0; number < kRounds * kDifferentMessages; ++number) {
    same = !first_difference(row[number], number % kDifferentMessages * block) && same;
  }
  const Usage usage = meter.stop();
  char text[120];
  std::snprintf(text, sizeof text, "of the CPU time %.3f ns a byte are the receiver's comparing%s",
                (usage.user_s + usage.system_s) * 1e9 / static_cast<double>(kRounds * kDifferentMessages * block),
                same ? "" : ", which fails");
  return text;
}

}  // namespace

Outcome run_pair(const Load& load, const std::function<std::unique_ptr<MessagePath>(std::size_t block)>& make) {
  usable_cpus();
  const Mapping memory(sizeof(Shared), MAP_SHARED | MAP_ANONYMOUS);
  auto& shared = *new (memory.data()) Shared;
  const MessageRow row(load.block);
  const Phases phases = phases_of(load);
  const std::unique_ptr<MessagePath> path = make(load.block);
  const pid_t sender = fork();
  check_call(sender, "fork");
  if (sender == 0) {
    be_the_sender(*path, row, phases, shared);
  }
  run_on(mover_cpu());
  path->become_receiver();
  Outcome outcome;
  outcome.packets = phases.alone - phases.transfer;
  outcome.bytes = outcome.packets * load.block;
  Receiver(*path, load.block, shared, sender).receive_all(phases, outcome);
  if (!outcome.verified) {
    kill(sender, SIGKILL);  // it would wait for ever
  }
  waitpid(sender, nullptr, 0);
  if (shared.error[0] != '\0') {
    throw Error(ExitStatus::kFailed, shared.error);
  }
  outcome.usage += shared.sender;
  outcome.notes.push_back(cost_of_check(row, load.block));
  path->describe(outcome);
  return outcome;
}

}  // namespace ringway
