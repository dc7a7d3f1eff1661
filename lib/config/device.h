#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringway {

/// What a device may look like, for messages.
inline constexpr std::string_view kDeviceForms =
    "a PCI address such as 0000:03:00.0, a vdev such as net_af_packet0,iface=eth0 without spaces, lab or "
    "replay,file=PATH";

/// The device in EAL's own spelling: `[dddd:]bb:dd.f` with the domain and in lower case, or `net_NAME`; both with
/// `,key=value...` behind as in the file; `lab` as it is; or `replay` with its devargs. None when the text is neither,
/// or a vdev whose driver's name is nearly, but not quite, a well-known one.
std::optional<std::string> normal_device(std::string_view text);

/// The driver whose ports are made of other ports.
inline constexpr std::string_view kBondDriver = "net_bonding";

/// The well-known driver that takes a vdev, such as `net_tap`, or `replay`; empty for PCI devices and for drivers not
/// known here.
std::string_view vdev_driver(std::string_view device);

/// What is wrong with a vdev's devargs: `net_tap takes no 'ifcae'; did you mean 'iface'?`, or nothing. Values are for
/// the driver to judge; those of `replay` are judged here.
std::string argument_fault(std::string_view device);

/// `; did you mean 'net_tap'?` for a text whose driver is nearly a well-known one, or nothing.
std::string device_advice(std::string_view text);

}  // namespace ringway
