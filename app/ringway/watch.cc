#include "watch.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "core/errors.h"

namespace ringway {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr Seconds kLook{0.05};     // how often --stop-when-idle looks, and so its error
constexpr Seconds kLinkLook{0.5};  // how late a link change may be told

volatile std::sig_atomic_t stop_wanted = 0;
volatile std::sig_atomic_t state_wanted = 0;

extern "C" void on_stop(int) {
  if (stop_wanted != 0) {
    _exit(static_cast<int>(ExitStatus::kInterrupted));
  }
  stop_wanted = 1;
}

extern "C" void on_state(int) {
  state_wanted = 1;
}

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR1);
  return set;
}

/// Prints rates; on a terminal each table takes the place of the one before.
class RatePrinter {
 public:
  RatePrinter(const Options& options, const Totals& first)
      : format_(options.format), redraw_(options.redraw), before_(first) {}

  void print(const Totals& now) {
    const std::string text = format_ == Format::kJson ? rates_to_json(before_, now) : rates_to_text(before_, now);
    if (redraw_ && lines_ > 0) {
      std::cout << "\033[" << lines_ << "A\033[J";  // up to the first line of the last table, and clear from there
    }
    std::cout << text << std::flush;
    lines_ = std::count(text.begin(), text.end(), '\n');
    before_ = now;
  }

 private:
  Format format_;
  bool redraw_;
  Totals before_;
  std::ptrdiff_t lines_ = 0;
};

/// Tells when a port's link goes up or down.
class LinkWatcher {
 public:
  explicit LinkWatcher(const Totals& first) {
    for (const PortTotals& port : first.ports) {
      names_.push_back(port.name);
      links_.push_back(port.link);
      tell(names_.size() - 1);
    }
  }

  void look(const std::vector<std::string>& now) {
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (now[i] != links_[i]) {
        links_[i] = now[i];
        tell(i);
      }
    }
  }

 private:
  void tell(std::size_t port) const {
    std::cerr << "ringway: port '" << names_[port] << "': link " << links_[port] << '\n';
  }

  std::vector<std::string> names_;
  std::vector<std::string> links_;
};

/// When --stop-when-idle is over: moves on with every packet received.
class IdleWatch {
 public:
  explicit IdleWatch(double limit_s) : limit_(limit_s) {}

  bool over(std::uint64_t received) {
    const auto now = Clock::now();
    if (received != received_) {
      received_ = received;
      since_ = now;
    }
    return now - since_ >= limit_;
  }

 private:
  Seconds limit_;
  std::uint64_t received_ = 0;
  Clock::time_point since_ = Clock::now();
};

timespec to_timespec(Seconds seconds) {
  const auto ns = std::max<long>(0, std::chrono::duration_cast<std::chrono::nanoseconds>(seconds).count());
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

/// What the main lcore does between start and stop.
class Watcher {
 public:
  Watcher(const Runtime& runtime, const Options& options)
      : runtime_(runtime),
        options_(options),
        first_(runtime.totals()),
        rates_(options, first_),
        links_(first_),
        idle_(options.stop_when_idle_s.value_or(0)),
        next_rates_(options.stats_s.value_or(0)) {}

  /// True when --duration or --stop-when-idle says so, or the generators have made all they were asked for.
  bool over() {
    return runtime_.traffic_done() || (options_.duration_s && elapsed() >= Seconds(*options_.duration_s)) ||
           (options_.stop_when_idle_s && idle_.over(runtime_.packets().received));
  }

  /// Prints what is due.
  void tell() {
    const Seconds now = elapsed();
    if (options_.stats_s && now >= next_rates_) {
      rates_.print(runtime_.totals());
      next_rates_ += Seconds(*options_.stats_s);
    }
    if (now >= next_links_) {
      links_.look(runtime_.links());
      next_links_ = now + kLinkLook;
    }
    if (state_wanted != 0) {
      state_wanted = 0;
      std::cerr << to_text(runtime_.totals()) << std::flush;
    }
  }

  /// Waits until something may be due, or a signal comes: only here do they.
  void wait(const sigset_t& mask) const {
    const Seconds now = elapsed();
    Seconds nap = kLook;
    if (options_.duration_s) {
      nap = std::min(nap, Seconds(*options_.duration_s) - now);
    }
    if (options_.stats_s) {
      nap = std::min(nap, next_rates_ - now);
    }
    const timespec timeout = to_timespec(nap);
    ppoll(nullptr, 0, &timeout, &mask);
  }

 private:
  Seconds elapsed() const { return Clock::now() - start_; }

  const Runtime& runtime_;
  const Options& options_;
  const Clock::time_point start_ = Clock::now();
  const Totals first_;
  RatePrinter rates_;
  LinkWatcher links_;
  IdleWatch idle_;
  Seconds next_rates_;
  Seconds next_links_{0};
};

}  // namespace

void block_signals() {
  const sigset_t watched = watched_signals();
  sigprocmask(SIG_BLOCK, &watched, nullptr);
}

void unblock_signals() {
  const sigset_t watched = watched_signals();
  sigprocmask(SIG_UNBLOCK, &watched, nullptr);
}

void take_signals() {
  block_signals();
  struct sigaction action {};
  action.sa_handler = on_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = on_state;
  sigaction(SIGUSR1, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a reader of our output that goes away must not cost packets
  std::signal(SIGXFSZ, SIG_IGN);  // nor a file that may not grow: its writer is told so
}

void tell_capture_news(Runtime& runtime) {
  for (const std::string& line : runtime.capture_news()) {
    std::cerr << "ringway: " << line << '\n';
  }
}

void watch(Runtime& runtime, const Options& options, const Notify& notify, HeldOutput& output) {
  sigset_t waiting;
  sigprocmask(SIG_SETMASK, nullptr, &waiting);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    sigdelset(&waiting, signal);
  }
  Watcher watcher(runtime, options);
  while (stop_wanted == 0 && !watcher.over()) {
    for (const std::string& line : runtime.tend_ports(output)) {
      std::cerr << "ringway: " << line << '\n';
    }
    tell_capture_news(runtime);
    if (const auto stuck = runtime.stuck()) {
      leave_stuck(*stuck);
    }
    notify.tell("WATCHDOG=1");
    watcher.tell();
    watcher.wait(waiting);
  }
  unblock_signals();
}

}  // namespace ringway
