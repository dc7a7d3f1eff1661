#include "ladder/packet_frame.h"

#include <arpa/inet.h>

#include <cstring>

#include "ladder/packet_wires.h"
#include "ladder/pattern.h"

namespace ringway {
namespace {

constexpr std::uint16_t kUdpPort = 9;  // discard
constexpr std::size_t kNumberAt = sizeof(FrameHeader);
constexpr std::size_t kPatternAt = kNumberAt + sizeof(std::uint64_t);
constexpr std::size_t kLongestFrame = 2048;

std::uint16_t checksum(const iphdr& ip) {
  std::uint16_t words[sizeof(iphdr) / 2];
  std::memcpy(words, &ip, sizeof words);
  std::uint32_t sum = 0;
  for (const std::uint16_t word : words) {
    sum += word;
  }
  sum = (sum & 0xffffU) + (sum >> 16U);
  sum += sum >> 16U;
  return static_cast<std::uint16_t>(~sum);
}

/// Frames' pieces do not overlap, and begin at whole words.
std::uint64_t pattern_offset(std::uint64_t number) {
  return number * kLongestFrame;
}

}  // namespace

FrameHeader make_header(const Mac& from, const Mac& to, std::uint8_t ttl, unsigned frame_bytes) {
  FrameHeader header{};
  std::memcpy(header.ethernet.ether_dhost, to.data(), to.size());
  std::memcpy(header.ethernet.ether_shost, from.data(), from.size());
  header.ethernet.ether_type = htons(ETHERTYPE_IP);
  const std::size_t ip_bytes = frame_bytes - sizeof(ether_header);
  header.ip.version = IPVERSION;
  header.ip.ihl = sizeof(iphdr) / 4;
  header.ip.tot_len = htons(static_cast<std::uint16_t>(ip_bytes));
  header.ip.frag_off = htons(IP_DF);
  header.ip.ttl = ttl;
  header.ip.protocol = IPPROTO_UDP;
  header.ip.saddr = inet_addr(kSourceAddress);
  header.ip.daddr = inet_addr(kSinkAddress);
  header.ip.check = checksum(header.ip);
  header.udp.source = header.udp.dest = htons(kUdpPort);
  header.udp.len = htons(static_cast<std::uint16_t>(ip_bytes - sizeof(iphdr)));
  return header;
}

std::span<std::byte> FrameMaker::make(std::span<std::byte> into, std::uint64_t number) const noexcept {
  const auto frame = into.first(frame_bytes_);
  std::memcpy(frame.data(), &header_, sizeof header_);
  std::memcpy(frame.data() + kNumberAt, &number, sizeof number);
  fill_pattern(frame.subspan(kPatternAt), pattern_offset(number));
  return frame;
}

void FrameCheck::look_at(std::span<const std::byte> frame) noexcept {
  if (frame.size() != expected_.frame_bytes()) {
    ++altered_;
    return;
  }
  std::uint64_t number = 0;
  std::memcpy(&number, frame.data() + kNumberAt, sizeof number);
  std::byte expected[kLongestFrame];
  if (std::memcmp(frame.data(), expected_.make(expected, number).data(), frame.size()) != 0) {
    ++altered_;
  } else if (number < next_) {
    ++out_of_order_;
  } else {
    next_ = number + 1;
    ++arrived_;
  }
}

}  // namespace ringway
