#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "config/device.h"
#include "core/text.h"
#include "doctor/rules.h"
#include "plan/drivers.h"
#include "plan/eal_args.h"
#include "plan/pool_size.h"

namespace ringway {
namespace {

constexpr unsigned kNetwork = 0x02;  // base class
constexpr unsigned kBridge = 0x06;   // base class; stays on its own driver
constexpr std::size_t kNearest = 3;  // NICs named in place of one that is not there

// linux/capability.h
constexpr unsigned kNetAdmin = 12;
constexpr unsigned kNetRaw = 13;
constexpr unsigned kIpcLock = 14;
constexpr unsigned kSysAdmin = 21;

std::string user(const Case& c) {
  return "user " + std::to_string(c.machine.process.uid);
}

bool can(const Case& c, unsigned capability) {
  return (c.machine.process.capabilities >> capability & 1U) != 0;
}

std::string key(const PortConfig& port) {
  return "ports." + port.name + ".device";
}

const PciFacts* nic_at(const Case& c, const std::string& address) {
  for (const PciFacts& device : c.machine.pci) {
    if (device.address == address) {
      return &device;
    }
  }
  return nullptr;
}

bool is_nic(const PciFacts& device) {
  return device.kind >> 8U == kNetwork;
}

/// Whether DPDK drives the device as it is: by vfio or uio, or beside the kernel's driver.
bool for_dpdk(const PciFacts& device) {
  constexpr std::array<std::string_view, 5> kDrivers = {"vfio-pci", "uio_pci_generic", "igb_uio", "mlx4_core",
                                                        "mlx5_core"};
  return std::find(kDrivers.begin(), kDrivers.end(), device.driver) != kDrivers.end();
}

/// A port of the configuration and the PCI device it names; null: it is not there.
struct Nic {
  const PortConfig* port;
  const PciFacts* facts;
};

std::vector<Nic> nics(const Case& c) {
  std::vector<Nic> all;
  if (c.config != nullptr) {
    for (const PortConfig& port : c.config->ports) {
      if (is_pci(port.device.value)) {
        all.push_back({&port, nic_at(c, device_name(port.device.value))});
      }
    }
  }
  return all;
}

/// The address as one number, so that near ones are near.
std::uint64_t place_of(const std::string& address) {
  std::uint64_t place = 0;
  for (const char digit : address) {
    const std::size_t value = std::string_view("0123456789abcdef").find(digit);
    place = value == std::string_view::npos ? place : place * 16 + value;
  }
  return place;
}

/// The NICs nearest to an address, with their drivers; empty: there are none.
std::string nearest_nics(const Case& c, const std::string& address) {
  std::vector<const PciFacts*> there;
  for (const PciFacts& device : c.machine.pci) {
    if (is_nic(device)) {
      there.push_back(&device);
    }
  }
  const auto distance = [wanted = place_of(address)](const PciFacts* nic) {
    const std::uint64_t place = place_of(nic->address);
    return place > wanted ? place - wanted : wanted - place;
  };
  std::stable_sort(there.begin(), there.end(), [&](auto* a, auto* b) { return distance(a) < distance(b); });
  std::vector<std::string> names;
  for (const PciFacts* nic : there) {
    if (names.size() < kNearest) {
      names.push_back(nic->address + " (" + (nic->driver.empty() ? "no driver" : nic->driver) + ")");
    }
  }
  return join(names, "or");
}

/// Any NIC of the configuration that vfio has, or is to get.
bool wants_vfio(const Case& c) {
  const std::vector<Nic> all = nics(c);
  return std::any_of(all.begin(), all.end(), [](const Nic& nic) {
    return nic.facts != nullptr && (!for_dpdk(*nic.facts) || nic.facts->driver == "vfio-pci");
  });
}

/// The interface by which the host itself uses the device; null: none.
const InterfaceFacts* interface_in_use(const Case& c, const PciFacts& device) {
  for (const InterfaceFacts& interface : c.machine.interfaces) {
    const bool own =
        std::find(device.interfaces.begin(), device.interfaces.end(), interface.name) != device.interfaces.end();
    if (own && interface.routed) {
      return &interface;
    }
  }
  return nullptr;
}

std::string in_use(const Case& c, const PciFacts& device) {
  const InterfaceFacts* interface = interface_in_use(c, device);
  return interface == nullptr ? std::string{}
                              : "; WARNING: " + interface->name +
                                    (interface->default_route ? " has the default route" : " has a route") +
                                    ", and binding cuts off whoever comes that way";
}

/// Without --force, which devbind asks for where the host has a route: nobody is to cut himself off by pasting.
std::string bind_command(const Case& c, const PciFacts& device) {
  const InterfaceFacts* interface = interface_in_use(c, device);
  return "dpdk-devbind.py --bind=vfio-pci " + device.address +
         (interface == nullptr ? std::string{}
                               : "   # refuses while " + interface->name + " has a route; --force overrules");
}

std::string kernel_driver_of(const PciFacts& device) {
  return device.driver.empty() ? "no driver has it"
                               : "the kernel's driver " + device.driver + " has it" +
                                     (device.interfaces.empty() ? "" : " (interface " + join(device.interfaces) + ")");
}

struct Needed {
  unsigned number;
  std::string_view name;
};

/// Capabilities that a driver needs to open its port; measured on DPDK 22.11.
std::vector<Needed> needed_by(std::string_view driver, const std::string& device) {
  const Needed admin{kNetAdmin, "net_admin"};
  const Needed raw{kNetRaw, "net_raw"};
  if (driver == "net_af_packet") {
    return {admin, raw};
  }
  if (driver == "net_af_xdp") {
    return {admin, raw, {kIpcLock, "ipc_lock"}, {kSysAdmin, "sys_admin"}};
  }
  if (driver == "net_tap") {
    return {admin};
  }
  return driver == "net_pcap" && !interface_below(device).empty() ? std::vector<Needed>{raw} : std::vector<Needed>{};
}

}  // namespace

namespace rules {

void absent_nic(Case& c) {
  for (const Nic& nic : nics(c)) {
    if (nic.facts == nullptr) {
      const std::string address = device_name(nic.port->device.value);
      const std::string near = nearest_nics(c, address);
      c.missing("nic_absent", "NIC " + address, "no PCI device has this address",
                key(*nic.port) + ": " +
                    (near.empty() ? "this machine has no PCI NIC; net_af_packet0,iface=NAME takes a kernel interface"
                                  : near + "; `lspci -Dnn | grep -i eth` lists them"));
    }
  }
}

void iommu(Case& c) {
  const bool any_nic = std::any_of(c.machine.pci.begin(), c.machine.pci.end(), is_nic);
  if (c.machine.iommu || (c.config == nullptr ? !any_nic : !wants_vfio(c))) {
    return;
  }
  const std::string fix = boot_command(std::string(c.machine.amd ? "amd" : "intel") + "_iommu=on iommu=pt");
  if (c.machine.vfio_without_iommu) {
    c.advise("iommu", "IOMMU", "vfio runs without one (enable_unsafe_noiommu_mode): a NIC may write to all memory",
             fix);
  } else if (c.config == nullptr) {
    c.advise("iommu", "IOMMU", "it is off: vfio-pci takes no NIC without one; vdevs need none", fix);
  } else {
    c.missing("iommu", "IOMMU", "it is off (no IOMMU groups): vfio-pci takes no NIC without one", fix);
  }
}

void vfio_module(Case& c) {
  if (wants_vfio(c) && !c.machine.vfio_pci) {
    c.missing("vfio_module", "vfio-pci", "the driver that hands NICs to DPDK is not loaded", "modprobe vfio-pci");
  }
}

void kernel_driver(Case& c) {
  for (const Nic& nic : nics(c)) {
    if (nic.facts != nullptr && !for_dpdk(*nic.facts)) {
      c.missing("nic_driver", "NIC " + nic.facts->address,
                kernel_driver_of(*nic.facts) + ", and DPDK reaches it through vfio-pci" + in_use(c, *nic.facts),
                bind_command(c, *nic.facts));
    }
  }
  if (c.config == nullptr) {
    for (const PciFacts& device : c.machine.pci) {
      if (is_nic(device)) {
        c.advise("nic", "NIC " + device.address,
                 for_dpdk(device) ? device.driver + " has it: ready for DPDK"
                                  : kernel_driver_of(device) + "; DPDK can take it" + in_use(c, device),
                 for_dpdk(device) ? "device: \"" + device.address + "\" in a configuration" : bind_command(c, device));
      }
    }
  }
}

/// vfio gives a group away only as a whole; bridges, and devices without a driver, are no hindrance.
void shared_group(Case& c) {
  const std::vector<Nic> all = nics(c);
  const auto is_port = [&](const PciFacts& device) {
    return std::any_of(all.begin(), all.end(), [&](const Nic& nic) { return nic.facts == &device; });
  };
  std::set<std::string> told;
  for (const Nic& nic : all) {
    if (nic.facts == nullptr || nic.facts->iommu_group.empty() || !told.insert(nic.facts->iommu_group).second) {
      continue;
    }
    std::vector<std::string> names;
    std::vector<std::string> addresses;
    for (const PciFacts& other : c.machine.pci) {
      if (other.iommu_group == nic.facts->iommu_group && !is_port(other) && !other.driver.empty() &&
          other.driver != "vfio-pci" && other.kind >> 8U != kBridge) {
        names.push_back(other.address + " (" + other.driver + ")" + in_use(c, other));
        addresses.push_back(other.address);
      }
    }
    if (!names.empty()) {
      c.missing("iommu_group", "NIC " + nic.facts->address,
                "it shares IOMMU group " + nic.facts->iommu_group + " with " + join(names) +
                    ", and vfio takes a group as a whole",
                "dpdk-devbind.py --bind=vfio-pci " + joined(addresses, " "));
    }
  }
}

void vfio_nodes(Case& c) {
  std::set<std::string> told;
  for (const Nic& nic : nics(c)) {
    if (nic.facts == nullptr || nic.facts->driver != "vfio-pci" || nic.facts->iommu_group.empty() ||
        !told.insert(nic.facts->iommu_group).second) {
      continue;
    }
    const std::string node = "/dev/vfio/" + nic.facts->iommu_group;
    const Access least = std::min(nic.facts->vfio, c.machine.vfio_container);
    if (least == Access::kMissing) {
      c.missing("vfio_access", "NIC " + nic.facts->address, node + " or /dev/vfio/vfio is not visible here",
                c.machine.process.container ? "start the container with --device /dev/vfio/vfio --device " + node
                                            : "modprobe vfio-pci && udevadm settle");
    } else if (least == Access::kDenied) {
      c.denied(
          "vfio_access", "NIC " + nic.facts->address, user(c) + " may not open " + node + " or /dev/vfio/vfio",
          "chown " + std::to_string(c.machine.process.uid) + " " + node + " && chmod 666 /dev/vfio/vfio   # as root");
    }
  }
}

void interfaces(Case& c) {
  for (const PortConfig& port : c.config == nullptr ? std::vector<PortConfig>{} : c.config->ports) {
    const std::string name = interface_below(port.device.value);
    if (name.empty()) {
      continue;
    }
    std::vector<std::string> names;
    const InterfaceFacts* found = nullptr;
    for (const InterfaceFacts& interface : c.machine.interfaces) {
      names.push_back(interface.name);
      found = interface.name == name ? &interface : found;
    }
    if (found == nullptr) {
      c.missing("interface", key(port),
                "there is no interface '" + name + "' here" + did_you_mean(name, names) + "; there are " + join(names),
                "ip link add " + name + " type veth peer name " + name + "-peer && ip link set " + name + " up");
    } else if (!found->up) {
      c.advise("interface_down", key(port), "interface " + name + " is down: it neither sends nor receives",
               "ip link set " + name + " up");
    }
  }
}

void capabilities(Case& c) {
  std::vector<std::string> lacking;
  std::vector<std::string> all;
  std::string subject;
  for (const PortConfig& port : c.config == nullptr ? std::vector<PortConfig>{} : c.config->ports) {
    for (const Needed& needed : needed_by(vdev_driver(port.device.value), port.device.value)) {
      const std::string name = "cap_" + std::string(needed.name);
      if (std::find(all.begin(), all.end(), name) == all.end()) {
        all.push_back(name);
        if (!can(c, needed.number)) {
          lacking.push_back(name);
          subject = subject.empty() ? key(port) : subject;
        }
      }
    }
  }
  if (!lacking.empty()) {
    c.denied("capabilities", subject,
             user(c) + " lacks " + join(lacking) + ", which the drivers of this file's ports need",
             "setcap " + joined(all, ",") + "=ep " + c.machine.process.program + "   # as root, or run as root");
  }
}

void tun(Case& c) {
  for (const PortConfig& port : c.config == nullptr ? std::vector<PortConfig>{} : c.config->ports) {
    if (vdev_driver(port.device.value) != "net_tap" || c.machine.tun == Access::kGranted) {
      continue;
    }
    if (c.machine.tun == Access::kDenied) {
      c.denied("tun", key(port), user(c) + " may not open /dev/net/tun", "chmod 666 /dev/net/tun   # as root");
    } else {
      c.missing("tun", key(port), "there is no /dev/net/tun, of which net_tap makes its interface",
                c.machine.process.container ? "start the container with --device /dev/net/tun" : "modprobe tun");
    }
    return;
  }
}

/// What a NIC writes to, and AF_XDP's buffers, must be locked in memory.
void locked_memory(Case& c) {
  if (c.demand == nullptr || can(c, kIpcLock)) {
    return;
  }
  const bool locks = wants_vfio(c) || std::any_of(c.config->ports.begin(), c.config->ports.end(), [](const auto& port) {
                       return vdev_driver(port.device.value) == "net_af_xdp";
                     });
  std::uint64_t needed = 0;
  for (const PoolPlan& pool : c.demand->planning.plan.pools) {
    needed += pool_bytes(pool, c.demand->no_huge);
  }
  constexpr std::uint64_t kMib = 1024 * 1024;
  if (locks && c.machine.process.memlock_bytes < needed) {
    c.denied("memlock", user(c),
             "may lock " + std::to_string(c.machine.process.memlock_bytes / kMib) +
                 " MiB of memory (ulimit -l), and the pools that packets are received into take " +
                 std::to_string(needed / kMib) + " MiB",
             "prlimit --pid $$ --memlock=unlimited   # as root; a unit: LimitMEMLOCK=infinity");
  }
}

}  // namespace rules

}  // namespace ringway
