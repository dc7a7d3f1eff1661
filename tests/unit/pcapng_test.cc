#include "capture/pcapng.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "pcapng_reader.h"

namespace ringway {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

TEST(Pcapng, SectionHeaderSaysWhoWroteIt) {
  const std::string block = section_block("capture web");
  const PcapngBlock section = PcapngReader(block).all().at(0);
  EXPECT_EQ(section.type, 0x0A0D0D0AU);
  EXPECT_EQ(bytes_of(section.body.substr(0, 16)),
            (Bytes{0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}));
  const auto options = options_of(section, 16);
  EXPECT_EQ(options.at(1), "capture web");
  EXPECT_EQ(options.at(4), "ringway");
  EXPECT_TRUE(options.contains(2) && options.contains(3)) << "hardware and operating system";
}

TEST(Pcapng, InterfaceByteByByte) {
  const PcapngInterface interface {
    .name = "east", .description = "ab", .hardware = "hw", .filter = "tcp", .mac = {{2, 0, 0, 0, 0, 7}},
    .bits_per_s = 10'000'000'000, .snap = 128
  };
  EXPECT_EQ(bytes_of(interface_block(interface)),
            (Bytes{1,  0, 0, 0, 88,  0,    0,    0,                 // type, length
                   1,  0, 0, 0, 128, 0,    0,    0,                 // Ethernet, snap
                   9,  0, 1, 0, 9,   0,    0,    0,                 // nanoseconds
                   2,  0, 4, 0, 'e', 'a',  's',  't',               // name
                   3,  0, 2, 0, 'a', 'b',  0,    0,                 // description
                   6,  0, 6, 0, 2,   0,    0,    0,    0, 7, 0, 0,  // MAC address
                   8,  0, 8, 0, 0,   0xE4, 0x0B, 0x54, 2, 0, 0, 0,  // bits a second
                   11, 0, 4, 0, 0,   't',  'c',  'p',               // filter
                   15, 0, 2, 0, 'h', 'w',  0,    0,                 // hardware
                   0,  0, 0, 0, 88,  0,    0,    0}));
}

TEST(Pcapng, WhatAnInterfaceLacksIsLeftOut) {
  const auto block = PcapngReader(interface_block({.name = "x", .snap = 1})).all().at(0);
  const auto options = options_of(block, 8);
  EXPECT_EQ(options.size(), 2U);
  EXPECT_EQ(options.at(2), "x");
  EXPECT_EQ(options.at(9), std::string(1, 9));
}

TEST(Pcapng, StatisticsByteByByte) {
  const std::string block = statistics_block(
      {.interface = 3, .begin_ns = 0x100000002, .end_ns = 0x300000004, .received = 0x0506, .missed = 0x07});
  EXPECT_EQ(block.size(), kStatisticsBytes);
  EXPECT_EQ(bytes_of(block), (Bytes{5, 0, 0, 0, 76, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0,  //
                                    2, 0, 8, 0, 1,  0, 0, 0, 2, 0, 0, 0,                          // begin
                                    3, 0, 8, 0, 3,  0, 0, 0, 4, 0, 0, 0,                          // end
                                    4, 0, 8, 0, 6,  5, 0, 0, 0, 0, 0, 0,                          // received
                                    5, 0, 8, 0, 7,  0, 0, 0, 0, 0, 0, 0,                          // missed
                                    0, 0, 0, 0, 76, 0, 0, 0}));
}

TEST(Pcapng, PacketByteByByte) {
  const std::string options = packet_options(true, 5, "no");
  std::vector<std::uint32_t> room(32, 0xAAAAAAAA);
  auto* const at = reinterpret_cast<std::uint8_t*>(room.data());
  PacketHead head;
  head.interface = 1;
  head.time_high = 2;
  head.time_low = 3;
  head.captured_bytes = 5;
  head.packet_bytes = 60;
  std::uint8_t* const place = write_packet_block(at, head, options);
  ASSERT_EQ(place, at + 28);
  for (std::uint8_t i = 0; i < 5; ++i) {
    place[i] = static_cast<std::uint8_t>(0xF0 + i);
  }
  const Bytes expected = {6,    0,    0,    0,    68,   0,   0, 0, 1, 0, 0,  0, 2, 0,
                          0,    0,    3,    0,    0,    0,   5, 0, 0, 0, 60, 0, 0, 0,  //
                          0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0,   0, 0,                     // data and padding
                          1,    0,    2,    0,    'n',  'o', 0, 0,                     // comment
                          2,    0,    4,    0,    2,    0,   0, 0,                     // outbound
                          6,    0,    4,    0,    5,    0,   0, 0,                     // queue
                          0,    0,    0,    0,    68,   0,   0, 0};
  EXPECT_EQ(packet_block_bytes(5, options), expected.size());
  EXPECT_EQ(Bytes(at, at + expected.size()), expected);
  EXPECT_EQ(at[expected.size()], 0xAA);
}

TEST(Pcapng, PaddingByteByByte) {
  for (const std::size_t bytes : {16, 20, 4096}) {
    std::vector<std::uint32_t> room(1025, 0xAAAAAAAA);
    auto* const at = reinterpret_cast<std::uint8_t*>(room.data());
    write_padding_block(at, bytes);
    const std::string text(reinterpret_cast<const char*>(at), bytes);
    const PcapngReader reader(text);
    ASSERT_EQ(reader.all().size(), 1U);
    EXPECT_EQ(reader.all()[0].type, 0x40000BADU);
    EXPECT_EQ(word_at(reader.all()[0].body, 0), 32473U);
    EXPECT_EQ(reader.all()[0].body.substr(4), std::string(bytes - 16, 0));
    EXPECT_EQ(at[bytes], 0xAA);
  }
}

TEST(Pcapng, EveryLengthIsPadded) {
  const std::string options = packet_options(false, {}, "");
  for (std::uint32_t length = 0; length < 9; ++length) {
    std::vector<std::uint32_t> room(32, 0xAAAAAAAA);
    PacketHead head;
    head.captured_bytes = length;
    head.packet_bytes = length;
    auto* const at = reinterpret_cast<std::uint8_t*>(room.data());
    std::uint8_t* const place = write_packet_block(at, head, options);
    for (std::uint32_t i = 0; i < length; ++i) {
      place[i] = 1;
    }
    const std::string text(reinterpret_cast<const char*>(at), packet_block_bytes(length, options));
    const auto block = PcapngReader(text).all().at(0);
    EXPECT_EQ(block.body.substr(20, (length + 3) / 4 * 4),
              std::string(length, 1) + std::string((4 - length % 4) % 4, 0))
        << length;
    EXPECT_EQ(options_of(block, 20 + (length + 3) / 4 * 4).at(2), std::string("\1\0\0\0", 4));
  }
}

}  // namespace
}  // namespace ringway
