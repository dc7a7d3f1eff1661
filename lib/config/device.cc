#include "config/device.h"

#include <algorithm>
#include <vector>

#include "config/characters.h"
#include "config/config.h"
#include "core/text.h"

namespace ringway {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kVdevStart = "net_";

/// net_tun is here because it is near to net_tap; other drivers of vdevs are not near to any.
const std::vector<std::string>& known_drivers() {
  static const std::vector<std::string> kDrivers = {"net_null",   "net_ring",        "net_pcap",   "net_af_packet",
                                                    "net_af_xdp", "net_tap",         "net_tun",    "net_memif",
                                                    "net_vhost",  "net_virtio_user", "net_bonding"};
  return kDrivers;
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

/// The vdev bus takes the driver whose name the device's name starts with.
bool is_known(std::string_view vdev) {
  const auto& drivers = known_drivers();
  return std::any_of(drivers.begin(), drivers.end(), [&](const auto& driver) { return vdev.starts_with(driver); });
}

bool is_vdev(std::string_view name) {
  return name.starts_with(kVdevStart) && consists_of(name.substr(kVdevStart.size()), {kLowerLetters, kDigits, "_"}) &&
         (is_known(name) || did_you_mean(driver_of(name), known_drivers()).empty());
}

}  // namespace

std::optional<std::string> normal_device(std::string_view text) {
  const std::string name = device_name(text);
  const std::string_view arguments = text.substr(name.size());
  if (!are_arguments(arguments)) {
    return {};
  }
  if (text == kLabDevice) {
    return std::string(text);
  }
  if (const std::string address = pci_address(name); !address.empty()) {
    return address + std::string(arguments);
  }
  return is_vdev(name) ? std::optional<std::string>(text) : std::nullopt;
}

std::string device_advice(std::string_view text) {
  const std::string name = device_name(text);
  if (is_known(name)) {
    return {};  // the fault is elsewhere
  }
  const std::string driver = lower(driver_of(name));
  const std::string advice = did_you_mean(driver, known_drivers());
  return advice.empty() ? did_you_mean(std::string(kVdevStart) + driver, known_drivers()) : advice;
}

}  // namespace ringway
