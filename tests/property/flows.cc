#include "flows.h"

#include <algorithm>
#include <optional>

namespace ringway {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kSctp = 132;
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kFragment = 44;
constexpr unsigned kIpv4Type = 0x0800;
constexpr unsigned kIpv6Type = 0x86dd;
constexpr unsigned kArpType = 0x0806;

/// What a flow's frames look like.
enum class Shape {
  kIpv4Ports,
  kIpv6Ports,
  kIpv4Options,
  kIpv6Extension,
  kIpv4Other,
  kIpv6Other,
  kIpv4Fragments,
  kIpv6Fragments,
  kArp,
  kLength,  // an 802.3 length instead of an ethertype
  kCut,     // the IP header is not whole
};
constexpr std::size_t kShapes = 11;

/// One end of a flow.
struct End {
  Bytes mac;
  Bytes address;  // 16 bytes, of which IPv4 uses 4
  Bytes port;
};

Bytes random_bytes(std::size_t count, Dice& dice) {
  Bytes bytes(count);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(dice.bits() >> 32U);
  }
  return bytes;
}

End random_end(Dice& dice) {
  End end{random_bytes(6, dice), random_bytes(16, dice), random_bytes(2, dice)};
  end.mac[0] = 2;  // locally administered, one station
  return end;
}

void put(Bytes& to, const Bytes& bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void put16(Bytes& to, unsigned value) {
  put(to, {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
}

void put_ipv4(Bytes& to, const End& from, const End& into, std::uint8_t protocol, std::size_t option_words) {
  put(to, {static_cast<std::uint8_t>(0x45 + option_words), 0, 0, 60, 0x12, 0x34, 0x40, 0, 64, protocol, 0, 0});
  to.insert(to.end(), from.address.begin(), from.address.begin() + 4);
  to.insert(to.end(), into.address.begin(), into.address.begin() + 4);
  to.insert(to.end(), option_words * 4, 1);
}

void put_ipv6(Bytes& to, const End& from, const End& into, std::uint8_t next) {
  put(to, {0x60, 0, 0, 0, 0, 40, next, 64});
  put(to, from.address);
  put(to, into.address);
}

/// A shape with everything that both directions share.
struct Form {
  Shape shape;
  std::uint8_t protocol;
  Bytes tags;
  std::size_t option_words;
};

Form random_form(Dice& dice) {
  Form form{.shape = static_cast<Shape>(dice.below(kShapes)),
            .protocol = static_cast<std::uint8_t>(dice.pick({kTcp, kUdp, kSctp})),
            .tags = {},
            .option_words = dice.between(1, 10)};
  const unsigned tags = dice.pick({0, 0, 0, 1, 2});
  for (unsigned i = 0; i < tags; ++i) {
    put16(form.tags, i + 1 < tags ? dice.pick({0x88a8, 0x9100, 0x8100}) : 0x8100);
    put16(form.tags, dice.between(1, 4094));
  }
  return form;
}

unsigned ethertype(Shape shape) {
  switch (shape) {
    case Shape::kIpv6Ports:
    case Shape::kIpv6Extension:
    case Shape::kIpv6Other:
    case Shape::kIpv6Fragments:
      return kIpv6Type;
    case Shape::kArp:
      return kArpType;
    case Shape::kLength:
      return 46;
    default:
      return kIpv4Type;
  }
}

void put_payload(Flow& flow, const Form& form, const End& from, const End& to) {
  Bytes& head = flow.head;
  const Bytes ports = {from.port[0], from.port[1], to.port[0], to.port[1]};
  switch (form.shape) {
    case Shape::kIpv4Ports:
      put_ipv4(head, from, to, form.protocol, 0);
      return put(head, ports);
    case Shape::kIpv4Options:
      put_ipv4(head, from, to, form.protocol, form.option_words);
      return put(head, ports);
    case Shape::kIpv4Other:
      return put_ipv4(head, from, to, kIcmp, 0);
    case Shape::kIpv4Fragments:
      flow.fragment_at = head.size() + 6;
      return put_ipv4(head, from, to, form.protocol, 0);
    case Shape::kIpv6Ports:
      put_ipv6(head, from, to, form.protocol);
      return put(head, ports);
    case Shape::kIpv6Extension:
      put_ipv6(head, from, to, kHopByHop);
      put(head, {form.protocol, 0, 1, 4, 0, 0, 0, 0});
      return put(head, ports);
    case Shape::kIpv6Other:
      return put_ipv6(head, from, to, 59);
    case Shape::kIpv6Fragments:
      put_ipv6(head, from, to, kFragment);
      flow.fragment_at = head.size() + 2;
      flow.ipv6_fragment = true;
      return put(head, {form.protocol, 0, 0, 1, 0, 0, 0, 7});
    case Shape::kCut:
      flow.most = static_cast<unsigned>(head.size()) + 19;
      return;
    case Shape::kArp:
    case Shape::kLength:
      return;
  }
}

Flow flow_of(const Form& form, const End& from, const End& to) {
  Flow flow;
  put(flow.head, to.mac);
  put(flow.head, from.mac);
  put(flow.head, form.tags);
  put16(flow.head, ethertype(form.shape));
  put_payload(flow, form, from, to);
  return flow;
}

std::optional<std::size_t> way_to(const Plan& plan, std::size_t from) {
  for (const Way& way : plan.ways) {
    if (way.from == from) {
      return way.to;
    }
  }
  return {};
}

}  // namespace

std::vector<Flow> draw_flows(const Plan& plan, unsigned count, Dice& dice) {
  std::vector<Flow> flows;
  const auto add = [&](Flow flow, std::size_t port, std::size_t meets) {
    flow.port = port;
    flow.queue = dice.below(plan.ports[port].rx_queues);
    flow.nic_hash = static_cast<std::uint32_t>(dice.bits());
    flow.meets = meets;
    flows.push_back(std::move(flow));
  };
  while (flows.size() < count) {
    const Form form = random_form(dice);
    const End one = random_end(dice);
    const End other = random_end(dice);
    const Way& way = dice.pick(plan.ways);
    const std::size_t meets = flows.size();
    add(flow_of(form, one, other), way.from, meets);
    if (way_to(plan, way.to) == way.from && dice.percent(40)) {
      add(flow_of(form, other, one), way.to, meets);
    }
  }
  return flows;
}

void write_frame(const Flow& flow, std::uint32_t number, Bytes& frame, std::size_t bytes) {
  frame.assign(bytes, static_cast<std::uint8_t>(number * 7 + flow.sent));
  std::copy_n(flow.head.begin(), std::min(bytes, flow.head.size()), frame.begin());
  if (flow.fragment_at != 0 && bytes >= flow.head.size()) {
    // The first fragment, then others: offsets stand above three flag bits in IPv6, below them in IPv4.
    const unsigned offset = flow.sent % 4 == 0 ? 0 : 1 + flow.sent % 1000;
    const unsigned field = flow.ipv6_fragment ? offset << 3U | 1U : offset | 0x2000U;
    frame[flow.fragment_at] = static_cast<std::uint8_t>(field >> 8U);
    frame[flow.fragment_at + 1] = static_cast<std::uint8_t>(field);
  }
  if (bytes >= flow.head.size() + kTagBytes) {
    for (std::size_t i = 0; i < kTagBytes; ++i) {
      const std::uint64_t tag = std::uint64_t{number} << 32U | flow.sent;
      frame[bytes - 1 - i] = static_cast<std::uint8_t>(tag >> 8 * i);
    }
  }
}

}  // namespace ringway
