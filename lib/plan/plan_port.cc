#include <algorithm>
#include <bit>

#include "plan/context.h"
#include "plan/drivers.h"

namespace ringway {
namespace {

constexpr unsigned kMostDescriptors = 32768;   // what the configuration takes
constexpr unsigned kDefaultDescriptors = 512;  // deeper rings fall out of the cache and measured slower on most NICs

/// One port at a time; each member function decides one key.
class PortPlanner {
 public:
  PortPlanner(PlanContext& context, std::size_t port)
      : context_(context), i_(port), asked_(context.config.ports[port]), facts_(*context.facts[port]) {}

  PortPlan run() {
    if (facts_.driver == "net_pcap" && loops_capture(asked_.device.value) && facts_.held_mbufs == 0) {
      context_.problems().missing(asked_.device.at, path("device"),
                                  "loops a capture without frames, which makes the driver lose mbufs (DPDK 22.11); "
                                  "expected a capture that holds some");
    }
    planned_.name = asked_.name;
    planned_.device = asked_.device.value;
    members();
    planned_.driver = facts_.driver;
    planned_.interface = facts_.interface;
    planned_.promiscuous = asked_.promiscuous ? asked_.promiscuous->value : true;
    planned_.mtu_owner = traits_of(facts_).mtu_owner;
    planned_.lab = facts_.driver == kLabDriver || facts_.driver == kReplayDriver;
    if (facts_.driver == kReplayDriver) {
      planned_.replay = replay_of(asked_.device.value);
      planned_.shares_data = true;
    }
    planned_.drain_at_stop = traits_of(facts_).drain_at_stop;
    rx_queues();
    planned_.rx_descriptors = descriptors("rx_descriptors", asked_.rx_descriptors, facts_.min_rx_descriptors,
                                          facts_.max_rx_descriptors, facts_.rx_descriptor_align);
    planned_.tx_descriptors = descriptors("tx_descriptors", asked_.tx_descriptors, facts_.min_tx_descriptors,
                                          facts_.max_tx_descriptors, facts_.tx_descriptor_align);
    mtu();
    socket();
    burst();
    return planned_;
  }

 private:
  std::string path(const char* key) const { return context_.path(i_, key); }

  void rx_queues() {
    planned_.rx_queues = rx_queues_of(asked_);
    const Location at = place_of(asked_.rx_queues, asked_.at);
    if (planned_.rx_queues > facts_.max_rx_queues) {
      const std::string devarg(queues_devarg(facts_.driver));
      const std::string more =
          devarg.empty() ? "" : ", or the device with " + devarg + "=" + number(planned_.rx_queues);
      context_.problems().missing(at, path("rx_queues"),
                                  "is " + number(planned_.rx_queues) + ", and " + facts_.driver + " has " +
                                      number(facts_.max_rx_queues) + " here; expected no more than that" + more);
    }
    if (facts_.driver == "net_af_packet" && context_.resolved.way_from(i_) != nullptr &&
        planned_.rx_queues < facts_.max_rx_queues) {
      context_.problems().invalid(at, path("rx_queues"),
                                  "is " + number(planned_.rx_queues) + ", and the kernel spreads what comes in over " +
                                      number(facts_.max_rx_queues) + " (qpairs), polled or not; expected as many");
    }
    if (planned_.rx_queues < 2) {
      return;
    }
    planned_.rss_types = facts_.rss_types;
    if (planned_.rss_types != 0) {
      context_.notice(path("rx_queues"), "RSS on addresses and ports spreads flows over the queues");
    } else {
      context_.problems().warn(at, path("rx_queues"),
                               facts_.driver + " has no RSS: which queue a packet arrives on is up to the device");
    }
  }

  unsigned descriptors(const char* key, const Maybe<unsigned>& wanted, unsigned min, unsigned max, unsigned align) {
    if (const unsigned fixed = fixed_descriptors(asked_.device.value); fixed != 0) {
      const std::string sentence = "the device's rings have " + number(fixed) + " (rsize)";
      wanted && wanted->value != fixed ? context_.notice(path(key), sentence) : context_.why(path(key), sentence);
      return fixed;
    }
    const unsigned asked_for = value_or(wanted, kDefaultDescriptors);
    align = std::max(align, 1U);
    max = std::min(max == 0 ? kMostDescriptors : max, kMostDescriptors);  // 0: the device does not say
    unsigned count = std::clamp(asked_for, std::min(std::max(min, 1U), max), max);
    count = std::min((count + align - 1) / align * align, max / align * align);
    std::string steps = "multiples of " + number(align);
    if (traits_of(facts_).powers_of_two) {
      count = std::bit_ceil(count);
      steps = "powers of two";
    }
    if (count != asked_for) {
      context_.notice(path(key), facts_.driver + " takes " + number(min) + " to " + number(max) + " in " + steps +
                                     ": " + number(count) + " instead of " + number(asked_for));
    }
    return count;
  }

  void mtu() {
    const Location at = place_of(asked_.mtu, asked_.at);
    planned_.mtu = value_or(asked_.mtu, facts_.mtu);
    if (!asked_.mtu) {
      context_.why(path("mtu"),
                   facts_.interface.empty() ? "the device's own" : "the MTU of interface " + facts_.interface);
    }
    if (planned_.mtu < facts_.min_mtu || planned_.mtu > facts_.max_mtu) {
      context_.problems().missing(at, path("mtu"),
                                  "is " + number(planned_.mtu) + "; " + facts_.driver + " takes " +
                                      number(facts_.min_mtu) + " to " + number(facts_.max_mtu));
    }
    for (const Part& part : parts_of(planned_.device, facts_)) {
      check_mtu(part, at);
    }
  }

  /// Bonds go by what their members' drivers tell of the link.
  void members() {
    for (std::size_t i = 0; i < facts_.members.size(); ++i) {
      const std::string& driver = facts_.members[i].driver;
      planned_.members.push_back(asked_.members[i].value);
      if (!takes_bonds_mac(driver)) {
        context_.problems().missing(asked_.members[i].at, path("members") + "[" + number(i) + "]",
                                    driver +
                                        " cannot take the bond's MAC address (22.11); expected a NIC, "
                                        "net_af_packet or net_tap");
      } else if (!tells_link_loss(driver)) {
        context_.problems().warn(asked_.members[i].at, path("members") + "[" + number(i) + "]",
                                 driver + " tells no bond of a lost link: only 802.3ad (mode=4) leaves this member, " +
                                     "when its partner has been silent for 90 s");
      }
    }
  }

  /// What the device would cut, or change behind the user's back.
  void check_mtu(const Part& part, Location at) {
    const std::string& driver = part.facts.driver;
    if (traits_of(part.facts).mtu_owner == MtuOwner::kKernel && planned_.mtu != part.facts.mtu) {
      context_.problems().missing(at, path("mtu"),
                                  "is " + number(planned_.mtu) + ", but interface " + part.facts.interface + " has " +
                                      number(part.facts.mtu) + "; expected the same: ip link set " +
                                      part.facts.interface + " mtu " + number(planned_.mtu));
    }
    const unsigned from_kernel = kernel_longest_frame(planned_.mtu);
    if (driver == "net_af_packet" && from_kernel > af_packet_frame_bytes(part.device)) {
      context_.problems().invalid(at, path("mtu"),
                                  "of " + number(planned_.mtu) + " makes frames of " + number(from_kernel) +
                                      " bytes, and af_packet would cut each after " +
                                      number(af_packet_frame_bytes(part.device)) + "; expected the device with " +
                                      af_packet_devargs(from_kernel));
    }
    const unsigned longest = longest_frame(planned_.mtu);
    const unsigned buffer = driver == "net_memif" ? memif_buffer_bytes(part.device) : 0;
    if (buffer != 0 && longest > buffer) {
      context_.problems().invalid(
          at, path("mtu"),
          "of " + number(planned_.mtu) + " makes frames of " + number(longest) +
              " bytes, and net_memif mixes up those of " + "more than " + number(buffer) +
              " (22.11); expected the device with bsize=" + number(longest) +
              (devarg(part.device, "role") == "server" ? ", and its client, whose buffers they are, likewise" : ""));
    }
  }

  void socket() {
    const auto& lcores = context_.inventory.lcores;
    const unsigned of_lcores = lcores.empty() ? 0 : lcores.back().socket;
    const bool known = facts_.socket >= 0;
    const unsigned own = known ? static_cast<unsigned>(facts_.socket) : of_lcores;
    planned_.socket = value_or(asked_.socket, own);
    if (!known && !asked_.socket) {
      context_.why(path("socket"), "the device belongs to no NUMA socket; this is the lcores' own");
    }
    const bool there = std::any_of(lcores.begin(), lcores.end(),
                                   [&](const LcoreFacts& lcore) { return lcore.socket == planned_.socket; }) ||
                       std::any_of(context_.inventory.hugepages.begin(), context_.inventory.hugepages.end(),
                                   [&](const HugepageFacts& pages) { return pages.socket == planned_.socket; });
    if (!there) {
      context_.problems().missing(place_of(asked_.socket, asked_.at), path("socket"),
                                  "is " + number(planned_.socket) + ", and this machine has no such NUMA socket" +
                                      "; expected " + number(of_lcores));
    }
    if (known && planned_.socket != own) {
      context_.problems().warn(place_of(asked_.socket, asked_.at), path("socket"),
                               "is " + number(planned_.socket) + ", but the device sits on NUMA socket " + number(own) +
                                   ": every packet crosses sockets");
    }
  }

  /// Vector receive of many NICs' drivers takes packets four at a time, and none at all when fewer are asked for.
  void burst() {
    if (context_.plan().burst < 4 && facts_.device.find(':') != std::string::npos) {
      context_.problems().warn(
          place_of(context_.config.burst, asked_.at), "burst",
          "is " + number(context_.plan().burst) + ", and some NICs' drivers receive nothing below 4");
    }
  }

  PlanContext& context_;
  std::size_t i_;
  const PortConfig& asked_;
  const DeviceFacts& facts_;
  PortPlan planned_;
};

}  // namespace

void plan_port(PlanContext& context, std::size_t port) {
  context.plan().ports.push_back(PortPlanner(context, port).run());
}

}  // namespace ringway
