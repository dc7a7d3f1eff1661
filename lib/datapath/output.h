#pragma once

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include "datapath/burst.h"
#include "datapath/source.h"

namespace ringway {

/// Attempts to hand the refused rest of a burst to a port again. With a pause between them this gives a NIC about a
/// microsecond to free descriptors; a longer wait would only move the loss to the RX queue.
inline constexpr unsigned kTxRetries = 16;

/// One TX queue of a port. The queue belongs to the lcore that polls the leg.
class PortOutput {
 public:
  PortOutput(std::uint16_t port, std::uint16_t queue) noexcept : port_(port), queue_(queue) {}

  /// Hands over a prefix of the packets and returns its length: that belongs to the driver and is not read again. The
  /// refused rest has been tried kTxRetries times.
  std::uint16_t offer(rte_mbuf** mbufs, std::uint16_t n) noexcept {
    check_marks(mbufs, n);
    const std::uint16_t sent = rte_eth_tx_burst(port_, queue_, mbufs, n);
    return sent == n ? sent : retry(mbufs, n, sent);
  }

  /// Lets the driver free what the device has sent; called when the lcore has nothing else to do. A TX burst of none is
  /// what every driver understands, and many reap only there.
  void reap() noexcept { rte_eth_tx_burst(port_, queue_, nullptr, 0); }

  /// Why there is no room.
  DropReason full() const noexcept { return port_ == kNoPort ? DropReason::kPortLost : DropReason::kTxFull; }

  /// Takes note of packets that are dropped for want of room; the leg's counters have them.
  void refuse(std::uint16_t) noexcept {}

  /// From now on another port's queue of that number. Only while nobody polls the leg.
  void move_to(std::uint16_t other) noexcept { port_ = other; }

 private:
  [[gnu::noinline, gnu::cold]] std::uint16_t retry(rte_mbuf** mbufs, std::uint16_t n, std::uint16_t sent) noexcept {
    for (unsigned attempt = 0; attempt < kTxRetries && sent < n && port_ != kNoPort; ++attempt) {
      rte_pause();
      const auto rest = static_cast<std::uint16_t>(n - sent);
      sent = static_cast<std::uint16_t>(sent + rte_eth_tx_burst(port_, queue_, mbufs + sent, rest));
    }
    mark(mbufs + sent, static_cast<std::uint16_t>(n - sent));
    return sent;
  }

  std::uint16_t port_;
  std::uint16_t queue_;
};

/// An output that drops at once what it has no room for.
template <class Output>
class Dropping {
 public:
  static constexpr bool kMayHold = false;

  explicit Dropping(Output output) noexcept : output_(output) {}

  /// Takes all packets: they are handed over, or dropped.
  void send(rte_mbuf** mbufs, std::uint16_t n, Counters& counters) noexcept {
    const std::uint16_t taken = output_.offer(mbufs, n);
    counters.transmitted.add(taken);
    if (taken < n) [[unlikely]] {
      const auto rest = static_cast<std::uint16_t>(n - taken);
      output_.refuse(rest);
      drop(mbufs + taken, rest, output_.full(), counters);
    }
  }

  void reap() noexcept { output_.reap(); }
  void move_to(std::uint16_t port) noexcept { output_.move_to(port); }

 private:
  Output output_;
};

/// An output that keeps what it has no room for, a burst at most, and hands it over later: the leg takes nothing new
/// until it has. After `patience` TSC cycles the kept packets are dropped; 0, or where the port is lost: at once.
template <class Output>
class Waiting {
 public:
  static constexpr bool kMayHold = true;

  Waiting(Output output, std::uint64_t patience) noexcept : output_(output), patience_(patience) {}

  /// Takes all packets: they are handed over, kept or dropped. Only while nothing is held.
  void send(rte_mbuf** mbufs, std::uint16_t n, Counters& counters) noexcept {
    const std::uint16_t taken = output_.offer(mbufs, n);
    counters.transmitted.add(taken);
    if (taken < n) [[unlikely]] {
      keep(mbufs + taken, static_cast<std::uint16_t>(n - taken), counters);
    }
  }

  /// Packets kept.
  std::uint16_t held() const noexcept { return static_cast<std::uint16_t>(end_ - begin_); }

  /// Tries to hand over what is kept, or drops it when it has waited too long. Returns how many it got rid of.
  std::uint16_t flush(Counters& counters) noexcept {
    const std::uint16_t before = held();
    if (before == 0) {
      return 0;
    }
    const std::uint16_t taken = output_.offer(held_ + begin_, before);
    counters.transmitted.add(taken);
    begin_ = static_cast<std::uint16_t>(begin_ + taken);
    if (held() > 0 && (rte_rdtsc() - since_ >= patience_ || output_.full() == DropReason::kPortLost)) {
      give_up(counters);
    }
    return static_cast<std::uint16_t>(before - held());
  }

  /// Drops what is kept: nobody will ask for it any more.
  void abandon(Counters& counters) noexcept { drop_held(DropReason::kShutdown, counters); }

  void reap() noexcept { output_.reap(); }
  void move_to(std::uint16_t port) noexcept { output_.move_to(port); }

 private:
  [[gnu::noinline, gnu::cold]] void keep(rte_mbuf** mbufs, std::uint16_t n, Counters& counters) noexcept {
    begin_ = 0;
    end_ = n;
    for (std::uint16_t i = 0; i < n; ++i) {
      held_[i] = mbufs[i];
    }
    since_ = rte_rdtsc();
    if (patience_ == 0 || output_.full() == DropReason::kPortLost) {
      give_up(counters);
    }
  }

  void give_up(Counters& counters) noexcept {
    output_.refuse(held());
    drop_held(output_.full(), counters);
  }

  void drop_held(DropReason reason, Counters& counters) noexcept {
    if (held() > 0) {
      drop(held_ + begin_, held(), reason, counters);
      begin_ = end_ = 0;
    }
  }

  Output output_;
  std::uint64_t patience_;
  std::uint64_t since_ = 0;  // TSC at which the kept packets were refused
  std::uint16_t begin_ = 0;
  std::uint16_t end_ = 0;
  rte_mbuf* held_[kMaxBurst];
};

}  // namespace ringway
