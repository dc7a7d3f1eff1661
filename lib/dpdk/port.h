#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ringway {

/// RSS hash types that spread flows by addresses and ports.
std::uint64_t wanted_rss_types();

/// What a port is set up with.
struct PortSettings {
  std::string name;  ///< for messages
  std::string device;
  unsigned id = 0;  ///< ethdev port
  std::uint16_t rx_queues = 0;
  std::uint16_t tx_queues = 0;
  std::uint16_t rx_descriptors = 0;
  std::uint16_t tx_descriptors = 0;
  std::optional<std::uint16_t> mtu;  ///< none: the driver has no say in it
  bool promiscuous = true;
  unsigned socket = 0;
  bool scatter = false;
  bool multi_segs = false;
  bool fast_free = false;
  std::uint64_t rss_types = 0;
  bool rss_hash = false;
};

/// A port, configured and its queues set up; the destructor closes it.
class Port {
 public:
  /// `pool` feeds every RX queue and outlives the port. Throws Error: the call, its errno in words, the port.
  Port(const PortSettings& settings, rte_mempool* pool);
  ~Port();
  Port(Port&& other) noexcept;
  Port& operator=(Port&&) = delete;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  std::uint16_t id() const noexcept { return static_cast<std::uint16_t>(settings_.id); }
  const PortSettings& settings() const noexcept { return settings_; }
  /// What the driver could not do and was done without, a line each.
  const std::vector<std::string>& notices() const noexcept { return notices_; }

 private:
  friend class RunningPort;

  void configure();
  void set_up_queues(rte_mempool* pool);
  void check(int result, const char* call) const;
  /// For what a driver may lack: notes it and goes on.
  void try_to(int result, const std::string& without);

  PortSettings settings_;
  std::vector<std::string> notices_;
  bool open_ = true;
};

/// A started port; the destructor stops it. `port` outlives it.
class RunningPort {
 public:
  explicit RunningPort(Port& port);
  ~RunningPort();
  RunningPort(RunningPort&& other) noexcept;
  RunningPort& operator=(RunningPort&&) = delete;
  RunningPort(const RunningPort&) = delete;
  RunningPort& operator=(const RunningPort&) = delete;

 private:
  Port* port_;
};

/// `up, 10000 Mbit/s` or `down`; does not wait for the link.
std::string link_state(std::uint16_t port);

}  // namespace ringway
