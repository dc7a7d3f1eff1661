#pragma once

#include <rte_dev.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "dpdk/held_output.h"
#include "runtime/port_unit.h"

namespace ringway {

/// Takes ports out of service when their PCI device is unplugged, and puts them back when it returns. Main thread only.
class HotPlug {
 public:
  /// Has every leg of a port use ethdev port `to` instead; kNoPort: none.
  using MoveLegs = std::function<void(const PortUnit& port, std::uint16_t to)>;

  /// `ports` outlive it.
  HotPlug(std::deque<PortUnit>& ports, MoveLegs move_legs);
  ~HotPlug();
  HotPlug(const HotPlug&) = delete;
  HotPlug& operator=(const HotPlug&) = delete;

  /// Does what is due, and tells what it did, a line each.
  std::vector<std::string> tend(HeldOutput& output);

 private:
  struct Device {
    std::string address;  // as in /sys/bus/pci/devices
    PortUnit& port;
    std::atomic<bool> unplugged{false};  // EAL's interrupt thread: set; main: cleared
    std::string told = {};               // why it could not be taken back, when last tried
    std::chrono::steady_clock::time_point next_try = {};
  };

  static void on_event(const char* name, rte_dev_event_type event, void* self);
  std::string lose(Device& device);
  std::string look_for(Device& device, HeldOutput& output);
  static std::string come_back(Device& device, HeldOutput& output);

  std::deque<Device> devices_;
  MoveLegs move_legs_;
};

}  // namespace ringway
