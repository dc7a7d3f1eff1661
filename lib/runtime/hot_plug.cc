// rte_dev_event_callback_register is experimental up to DPDK 24.11, unchanged since 18.05.
#define ALLOW_EXPERIMENTAL_API
#include "runtime/hot_plug.h"

#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "config/config.h"
#include "core/errors.h"
#include "core/text.h"
#include "datapath/source.h"
#include "dpdk/eal.h"
#include "plan/eal_args.h"

namespace ringway {
namespace {

constexpr std::chrono::seconds kBetweenTries{1};

/// The name of the kernel's driver that has a PCI device; empty: none has, or there is no such device.
std::string kernel_driver(const std::string& address) {
  char target[256];
  const ssize_t length = readlink(("/sys/bus/pci/devices/" + address + "/driver").c_str(), target, sizeof target);
  const std::string path(target, length > 0 ? static_cast<std::size_t>(length) : 0);
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

HotPlug::HotPlug(std::deque<PortUnit>& ports, MoveLegs move_legs) : move_legs_(std::move(move_legs)) {
  for (PortUnit& port : ports) {
    if (is_pci(port.plan().device)) {
      devices_.emplace_back(device_name(port.plan().device), port);
    }
  }
  if (!devices_.empty() && rte_dev_event_callback_register(nullptr, on_event, this) != 0) {
    throw Error(ExitStatus::kFailed, "rte_dev_event_callback_register");
  }
}

HotPlug::~HotPlug() {
  if (devices_.empty()) {
    return;
  }
  while (rte_dev_event_callback_unregister(nullptr, on_event, this) == -EAGAIN) {
    std::this_thread::yield();  // it is being called
  }
}

// vfio asks for the device: the kernel waits with its removal until it has been let go of.
void HotPlug::on_event(const char* name, rte_dev_event_type event, void* self) {
  for (Device& device : static_cast<HotPlug*>(self)->devices_) {
    if (event == RTE_DEV_EVENT_REMOVE && device.address == name) {
      device.unplugged.store(true, std::memory_order_release);
    }
  }
}

std::vector<std::string> HotPlug::tend(HeldOutput& output) {
  std::vector<std::string> news;
  for (Device& device : devices_) {
    const bool there = device.port.id() != kNoPort;
    std::string line;
    if (device.unplugged.exchange(false, std::memory_order_acquire) && there) {
      line = lose(device);
    } else if (!there) {
      line = look_for(device, output);
    }
    if (!line.empty()) {
      news.push_back("port '" + device.port.plan().name + "': " + line);
    }
  }
  return news;
}

std::string HotPlug::lose(Device& device) {
  move_legs_(device.port, kNoPort);
  const std::string failed = device.port.lose();
  device.told.clear();
  device.next_try = {};
  return device.address + " is being unplugged; what was to leave by it is dropped as port_lost until it is back" +
         (failed.empty() ? "" : "; the kernel waits for it in vain: " + failed);
}

/// A device that is back may not be ready at once: its files in /dev come later, and so do their rights.
std::string HotPlug::look_for(Device& device, HeldOutput& output) {
  const auto now = std::chrono::steady_clock::now();
  if (now < device.next_try) {
    return {};
  }
  device.next_try = now + kBetweenTries;
  const std::string news = come_back(device, output);
  if (device.port.id() != kNoPort) {
    move_legs_(device.port, device.port.id());
    return news;
  }
  return std::exchange(device.told, news) == news ? std::string() : news;
}

// The kernel asks for no device that is not on vfio-pci, so that is where it was.
std::string HotPlug::come_back(Device& device, HeldOutput& output) {
  const std::string driver = kernel_driver(device.address);
  if (driver.empty()) {
    return {};
  }
  if (driver != "vfio-pci") {
    return device.address + " is back, on the kernel's driver " + driver +
           "; to have it forward again: dpdk-devbind.py --bind=vfio-pci " + device.address;
  }
  try {
    device.port.come_back(attach_port(device.port.plan().device, output));
  } catch (const Error& error) {
    return device.address + " is back, and cannot be taken yet: " + error.what();
  }
  return device.address + " is back";
}

}  // namespace ringway
