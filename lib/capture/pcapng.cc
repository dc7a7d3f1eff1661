#include "capture/pcapng.h"

#include <sys/utsname.h>

namespace ringway {
namespace {

enum Option : std::uint16_t {
  kEndOfOptions = 0,
  kComment = 1,
  kSectionHardware = 2,
  kSectionOs = 3,
  kSectionProgram = 4,
  kInterfaceName = 2,
  kInterfaceDescription = 3,
  kInterfaceMac = 6,
  kInterfaceSpeed = 8,
  kInterfaceTimeUnit = 9,
  kInterfaceFilter = 11,
  kInterfaceHardware = 15,
  kPacketFlags = 2,
  kPacketQueue = 6,
  kStatisticsBegin = 2,
  kStatisticsEnd = 3,
  kStatisticsReceived = 4,
  kStatisticsMissed = 5,
};

constexpr std::uint32_t kSectionBlock = 0x0A0D0D0A;
constexpr std::uint32_t kInterfaceBlock = 1;
constexpr std::uint32_t kStatisticsBlock = 5;
constexpr std::uint32_t kCustomBlock = 0x40000BAD;   // that who changes the file is to leave out
constexpr std::uint32_t kExampleEnterprise = 32473;  // RFC 5612
constexpr std::uint32_t kByteOrder = 0x1A2B3C4D;
constexpr std::uint64_t kLengthNotKnown = ~std::uint64_t{0};
constexpr std::uint16_t kEthernet = 1;
constexpr char kNanoseconds = 9;  // 10 to the power of minus 9
constexpr std::uint32_t kInbound = 1;
constexpr std::uint32_t kOutbound = 2;

/// Text to which numbers and options are appended.
class Block {
 public:
  template <class T>
  Block& number(T value) {
    const char* const bytes = reinterpret_cast<const char*>(&value);
    text_.append(bytes, sizeof value);
    return *this;
  }

  Block& option(Option code, const std::string& value) {
    number(static_cast<std::uint16_t>(code)).number(static_cast<std::uint16_t>(value.size()));
    text_ += value;
    text_.resize((text_.size() + 3) / 4 * 4);
    return *this;
  }
  Block& option_unless_empty(Option code, const std::string& value) {
    return value.empty() ? *this : option(code, value);
  }
  template <class T>
  Block& number_option(Option code, T value) {
    return option(code, {reinterpret_cast<const char*>(&value), sizeof value});
  }
  Block& end_of_options() { return option(kEndOfOptions, {}); }

  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// A block of what is between its lengths.
std::string framed(std::uint32_t type, const Block& body) {
  const auto bytes = static_cast<std::uint32_t>(body.text().size() + 12);
  return Block().number(type).number(bytes).text() + body.text() + Block().number(bytes).text();
}

/// The halves of a time, the upper one first.
Block& add_time(Block& block, std::uint64_t ns) {
  return block.number(static_cast<std::uint32_t>(ns >> 32U)).number(static_cast<std::uint32_t>(ns));
}

/// The same as an option's value.
std::string time_text(std::uint64_t ns) {
  Block block;
  return add_time(block, ns).text();
}

}  // namespace

std::string section_block(const std::string& comment) {
  utsname host{};
  uname(&host);
  Block body;
  body.number(kByteOrder).number(std::uint16_t{1}).number(std::uint16_t{0}).number(kLengthNotKnown);
  body.option_unless_empty(kComment, comment)
      .option_unless_empty(kSectionHardware, host.machine)
      .option_unless_empty(kSectionOs, std::string(host.sysname) + ' ' + host.release)
      .option(kSectionProgram, "ringway")
      .end_of_options();
  return framed(kSectionBlock, body);
}

std::string interface_block(const PcapngInterface& interface) {
  Block body;
  body.number(kEthernet).number(std::uint16_t{0}).number(interface.snap);
  body.option(kInterfaceTimeUnit, {kNanoseconds}).option(kInterfaceName, interface.name);
  body.option_unless_empty(kInterfaceDescription, interface.description);
  if (interface.mac) {
    body.option(kInterfaceMac, {reinterpret_cast<const char*>(interface.mac->data()), interface.mac->size()});
  }
  if (interface.bits_per_s > 0) {
    body.number_option(kInterfaceSpeed, interface.bits_per_s);
  }
  if (!interface.filter.empty()) {
    constexpr char kAsTcpdumpTakesIt = 0;  // the first byte says which kind of filter follows
    body.option(kInterfaceFilter, kAsTcpdumpTakesIt + interface.filter);
  }
  body.option_unless_empty(kInterfaceHardware, interface.hardware).end_of_options();
  return framed(kInterfaceBlock, body);
}

std::string statistics_block(const PcapngStatistics& statistics) {
  Block body;
  add_time(body.number(statistics.interface), statistics.end_ns);
  body.option(kStatisticsBegin, time_text(statistics.begin_ns))
      .option(kStatisticsEnd, time_text(statistics.end_ns))
      .number_option(kStatisticsReceived, statistics.received)
      .number_option(kStatisticsMissed, statistics.missed)
      .end_of_options();
  return framed(kStatisticsBlock, body);
}

void write_padding_block(std::uint8_t* at, std::size_t bytes) noexcept {
  auto* const words = reinterpret_cast<std::uint32_t*>(at);
  const std::size_t last = bytes / sizeof *words - 1;
  words[0] = kCustomBlock;
  words[1] = words[last] = static_cast<std::uint32_t>(bytes);
  words[2] = kExampleEnterprise;
  for (std::size_t i = 3; i < last; ++i) {
    words[i] = 0;
  }
}

std::string packet_options(bool outbound, std::optional<std::uint32_t> queue, const std::string& comment) {
  Block options;
  options.option_unless_empty(kComment, comment).number_option(kPacketFlags, outbound ? kOutbound : kInbound);
  if (queue) {
    options.number_option(kPacketQueue, *queue);
  }
  return options.end_of_options().text();
}

std::uint8_t* write_packet_block(std::uint8_t* at, PacketHead head, const std::string& options) noexcept {
  const std::size_t padded = (head.captured_bytes + 3U) / 4 * 4;
  head.block_bytes = static_cast<std::uint32_t>(packet_block_bytes(head.captured_bytes, options));
  *reinterpret_cast<PacketHead*>(at) = head;
  std::uint8_t* const bytes = at + sizeof head;
  auto* word = reinterpret_cast<std::uint32_t*>(bytes + padded);
  if (padded > 0) {
    word[-1] = 0;  // the packet's last bytes go over it, padding stays
  }
  const auto* from = reinterpret_cast<const std::uint32_t*>(options.data());
  for (std::size_t i = 0; i < options.size() / sizeof *from; ++i) {
    *word++ = from[i];
  }
  *word = head.block_bytes;
  return bytes;
}

}  // namespace ringway
