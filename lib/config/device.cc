#include "config/device.h"

#include <algorithm>
#include <vector>

#include "config/characters.h"
#include "config/config.h"
#include "config/replay.h"
#include "core/text.h"

namespace ringway {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kVdevStart = "net_";

/// A driver of vdevs, or of ringway's own ports, and the devargs that it takes in DPDK 22.11. Some drivers forgive an
/// unknown one in silence (net_tap, net_memif), and go on without all others.
struct VdevDriver {
  std::string name;
  std::vector<std::string> arguments;
};

/// net_tun is here because it is near to net_tap; other drivers of vdevs are not near to any. net_bonding's `slave` is
/// not: the key `members` says it.
const std::vector<VdevDriver>& known_drivers() {
  static const std::vector<VdevDriver> kDrivers = {
      {"net_null", {"size", "copy", "no-rx"}},
      {"net_ring", {"nodeaction", "internal"}},
      {"net_pcap", {"rx_pcap", "tx_pcap", "rx_iface", "rx_iface_in", "tx_iface", "iface", "phy_mac", "infinite_rx"}},
      {"net_af_packet", {"iface", "qpairs", "blocksz", "framesz", "framecnt", "qdisc_bypass"}},
      {"net_af_xdp", {"iface", "start_queue", "queue_count", "shared_umem", "xdp_prog", "busy_budget", "force_copy"}},
      {"net_tap", {"iface", "remote", "mac", "persist"}},
      {"net_tun", {"iface"}},
      {"net_memif", {"id", "role", "bsize", "rsize", "socket", "socket-abstract", "mac", "zero-copy", "secret"}},
      {"net_vhost",
       {"iface", "queues", "client", "iommu-support", "postcopy-support", "tso", "linear-buffer", "ext-buffer",
        "legacy-ol-flags"}},
      {"net_virtio_user",
       {"queues", "cq", "mac", "path", "queue_size", "iface", "server", "mrg_rxbuf", "in_order", "packed_vq", "speed",
        "vectorized"}},
      {"net_bonding", {"primary", "mode", "xmit_policy", "socket_id", "mac", "agg_mode"}},
      {std::string(kReplayDevice), {"file", "speed", "rate", "loop"}}};
  return kDrivers;
}

const std::vector<std::string>& known_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const VdevDriver& driver : known_drivers()) {
      names.push_back(driver.name);
    }
    return names;
  }();
  return kNames;
}

/// The vdev bus takes the driver whose name the device's name starts with. Null: none of the known ones.
const VdevDriver* driver_taking(std::string_view vdev) {
  const auto& drivers = known_drivers();
  const auto found =
      std::find_if(drivers.begin(), drivers.end(), [&](const auto& driver) { return vdev.starts_with(driver.name); });
  return found == drivers.end() ? nullptr : &*found;
}

std::string lower(std::string_view text) {
  std::string all(text);
  for (char& character : all) {
    if (character >= 'A' && character <= 'Z') {
      character = static_cast<char>(character - 'A' + 'a');
    }
  }
  return all;
}

/// `dddd:bb:dd.f`, or nothing. A bus has 32 devices of 8 functions.
std::string pci_address(std::string_view text) {
  constexpr std::string_view kPattern = "hhhh:hh:1h.7";
  constexpr std::size_t kDomain = 5;  // characters that may be left out
  const std::string address = (text.size() + kDomain == kPattern.size() ? "0000:" : "") + lower(text);
  const auto fits = [](char character, char wanted) {
    switch (wanted) {
      case 'h':
        return kHexDigits.find(character) != std::string_view::npos;
      case '1':
      case '7':
        return character >= '0' && character <= wanted;
      default:
        return character == wanted;
    }
  };
  return std::equal(address.begin(), address.end(), kPattern.begin(), kPattern.end(), fits) ? address : std::string{};
}

/// `,key=value...` or nothing at all. Values may hold commas, as in `representor=[0,1]`.
bool are_arguments(std::string_view text) {
  if (text.empty()) {
    return true;
  }
  const std::size_t equals = text.find('=');
  return is_printable(text) && text.find(' ') == std::string_view::npos && equals != std::string_view::npos &&
         consists_of(text.substr(1, equals - 1), {kLowerLetters, kUpperLetters, kDigits, "-_"});
}

/// `net_tap` of `net_tap0`.
std::string_view driver_of(std::string_view vdev) {
  return vdev.substr(0, vdev.find_last_not_of(kDigits) + 1);
}

bool is_vdev(std::string_view name) {
  return name.starts_with(kVdevStart) && consists_of(name.substr(kVdevStart.size()), {kLowerLetters, kDigits, "_"}) &&
         (driver_taking(name) != nullptr || did_you_mean(driver_of(name), known_names()).empty());
}

}  // namespace

std::optional<std::string> normal_device(std::string_view text) {
  const std::string name = device_name(text);
  const std::string_view arguments = text.substr(name.size());
  if (!are_arguments(arguments)) {
    return {};
  }
  if (text == kLabDevice || name == kReplayDevice) {
    return std::string(text);
  }
  if (const std::string address = pci_address(name); !address.empty()) {
    return address + std::string(arguments);
  }
  return is_vdev(name) ? std::optional<std::string>(text) : std::nullopt;
}

std::string device_advice(std::string_view text) {
  const std::string name = device_name(text);
  if (driver_taking(name) != nullptr) {
    return {};  // the fault is elsewhere
  }
  const std::string driver = lower(driver_of(name));
  const std::string advice = did_you_mean(driver, known_names());
  return advice.empty() ? did_you_mean(std::string(kVdevStart) + driver, known_names()) : advice;
}

std::string_view vdev_driver(std::string_view device) {
  const VdevDriver* driver = driver_taking(device_name(device));
  return driver == nullptr ? std::string_view{} : driver->name;
}

std::string argument_fault(std::string_view device) {
  const VdevDriver* driver = driver_taking(device_name(device));
  std::size_t at = device.find(',');
  while (driver != nullptr && at != std::string_view::npos) {
    const std::size_t end = std::min(device.find(',', at + 1), device.size());
    const std::string_view pair = device.substr(at + 1, end - at - 1);
    const std::string key(pair.substr(0, pair.find('=')));
    const auto& known = driver->arguments;
    if (key == "slave" && driver->name == kBondDriver) {
      return "names members by slave; expected members: [DEVICE, ...] beside device";
    }
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      const std::string advice = did_you_mean(key, known);
      return driver->name + " takes no '" + key + "'" +
             (advice.empty() ? "; expected one of " + join(known, "or") : advice);
    }
    at = end == device.size() ? std::string_view::npos : end;
  }
  return is_replay_device(device) ? replay_fault(device) : std::string();
}

}  // namespace ringway
