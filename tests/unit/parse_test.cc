#include "config/parse.h"

#include <gtest/gtest.h>

namespace ringway {
namespace {

/// Valid, with everything set.
constexpr std::string_view kFull = R"(# two ports
ports:
  east: {device: "3B:00.1,representor=[0,1]", rx_queues: 2, tx_queues: 3, socket: 0}
  west:
    device: net_af_packet0,iface=veth0
    rx_descriptors: 512
    tx_descriptors: 1024
    mtu: 9000
    promiscuous: true
forwarding:
  mode: cross_connect
  pairs:
    - [east, west]
    - {from: west, to: west}
lcores:
  1: {rx: [east.0, west.*]}
  12:
    rx:
      - east.1
burst: 32
pool: {size: 8191, cache: 0, data_room: 2048}
idle: {spin_polls: 0, pause_polls: 1000000000, sleep_us: 50}
eal:
  lcores: 0,1-3@(4,5)
  main_lcore: 0
  memory: 512
  no_huge: true
  in_memory: false
  no_pci: true
  no_telemetry: true
  huge_unlink: true
  single_file_segments: true
  socket_mem: [512, 0]
  socket_limit: [1024]
  file_prefix: rw-1.test
  huge_dir: /dev/huge pages
  iova_mode: va
  log_level: "lib.eal:debug"
)";

/// Valid, with nothing set that may be left out.
constexpr std::string_view kReflect = "ports: {a: {device: net_null0}}\nforwarding: {mode: reflect, ports: [a]}\n";

/// What is told about a text, each line without the file's name.
std::string told(std::string_view text) {
  Diagnostics problems;
  parse_config(text, problems);
  return problems.text("");
}

TEST(Parse, ReadsPorts) {
  Diagnostics problems;
  const Config config = parse_config(kFull, problems);
  EXPECT_EQ(problems.text(""), "");
  ASSERT_EQ(config.ports.size(), 2U);
  const PortConfig& east = config.ports[0];
  EXPECT_EQ(east.name, "east");
  EXPECT_EQ(east.at, (Location{3, 3}));
  EXPECT_EQ(east.device.value, "0000:3b:00.1,representor=[0,1]");
  EXPECT_EQ(east.device.at, (Location{3, 18}));
  EXPECT_EQ(east.rx_queues->value, 2U);
  EXPECT_EQ(east.rx_queues->at, (Location{3, 58}));
  EXPECT_EQ(east.tx_queues->value, 3U);
  EXPECT_EQ(east.socket->value, 0U);
  EXPECT_FALSE(east.mtu || east.promiscuous || east.rx_descriptors || east.tx_descriptors);
  const PortConfig& west = config.ports[1];
  EXPECT_EQ(west.device.value, "net_af_packet0,iface=veth0");
  EXPECT_EQ(west.rx_descriptors->value, 512U);
  EXPECT_EQ(west.tx_descriptors->value, 1024U);
  EXPECT_EQ(west.mtu->value, 9000U);
  EXPECT_TRUE(west.promiscuous->value);
  EXPECT_EQ(west.promiscuous->at, (Location{9, 18}));
  EXPECT_FALSE(west.rx_queues || west.tx_queues || west.socket);
}

TEST(Parse, ReadsForwarding) {
  Diagnostics problems;
  const Config config = parse_config(kFull, problems);
  EXPECT_EQ(config.forwarding.at, (Location{10, 1}));
  EXPECT_EQ(config.forwarding.mode.value, Mode::kCrossConnect);
  EXPECT_EQ(config.forwarding.mode.at, (Location{11, 9}));
  EXPECT_TRUE(config.forwarding.ports.empty());
  ASSERT_EQ(config.forwarding.pairs.size(), 2U);
  const PairConfig& both = config.forwarding.pairs[0];
  EXPECT_TRUE(both.both_ways);
  EXPECT_EQ(both.at, (Location{13, 7}));
  EXPECT_EQ(both.from.value, "east");
  EXPECT_EQ(both.from.at, (Location{13, 8}));
  EXPECT_EQ(both.to.value, "west");
  const PairConfig& one = config.forwarding.pairs[1];
  EXPECT_FALSE(one.both_ways);
  EXPECT_EQ(one.from.value, "west");
  EXPECT_EQ(one.to.at, (Location{14, 24}));
}

TEST(Parse, ReadsReflect) {
  Diagnostics problems;
  const Config config = parse_config(kReflect, problems);
  EXPECT_FALSE(problems.failed());
  EXPECT_EQ(config.forwarding.mode.value, Mode::kReflect);
  ASSERT_EQ(config.forwarding.ports.size(), 1U);
  EXPECT_EQ(config.forwarding.ports[0].value, "a");
  EXPECT_EQ(config.forwarding.ports[0].at, (Location{2, 37}));
}

TEST(Parse, ReadsLcores) {
  Diagnostics problems;
  const Config config = parse_config(kFull, problems);
  EXPECT_EQ(config.lcores_at, (Location{15, 1}));
  ASSERT_EQ(config.lcores.size(), 2U);
  EXPECT_EQ(config.lcores[0].id, 1U);
  EXPECT_EQ(config.lcores[0].at, (Location{16, 3}));
  ASSERT_EQ(config.lcores[0].rx.size(), 2U);
  EXPECT_EQ(config.lcores[0].rx[0].port, "east");
  EXPECT_EQ(config.lcores[0].rx[0].queue, 0U);
  EXPECT_EQ(config.lcores[0].rx[0].at, (Location{16, 12}));
  EXPECT_EQ(config.lcores[0].rx[1].port, "west");
  EXPECT_EQ(config.lcores[0].rx[1].queue, std::nullopt);
  EXPECT_EQ(config.lcores[1].id, 12U);
  EXPECT_EQ(config.lcores[1].rx.at(0).queue, 1U);
}

TEST(Parse, ReadsTheRest) {
  Diagnostics problems;
  const Config config = parse_config(kFull, problems);
  EXPECT_EQ(config.burst->value, 32U);
  EXPECT_EQ(config.pool.size->value, 8191U);
  EXPECT_EQ(config.pool.cache->value, 0U);
  EXPECT_EQ(config.pool.data_room->value, 2048U);
  EXPECT_EQ(config.idle.spin_polls->value, 0U);
  EXPECT_EQ(config.idle.pause_polls->value, 1000000000U);
  EXPECT_EQ(config.idle.sleep_us->value, 50U);
  const EalConfig& eal = config.eal;
  EXPECT_EQ(eal.at, (Location{23, 1}));
  EXPECT_EQ(eal.lcores->value, "0,1-3@(4,5)");
  EXPECT_EQ(eal.main_lcore->value, 0U);
  EXPECT_EQ(eal.memory->value, 512U);
  EXPECT_TRUE(eal.no_huge->value && eal.no_pci->value && eal.no_telemetry->value);
  EXPECT_TRUE(eal.huge_unlink->value && eal.single_file_segments->value);
  EXPECT_FALSE(eal.in_memory->value);
  EXPECT_EQ(eal.socket_mem->value, (std::vector<unsigned>{512, 0}));
  EXPECT_EQ(eal.socket_limit->value, (std::vector<unsigned>{1024}));
  EXPECT_EQ(eal.socket_limit->at, (Location{34, 17}));
  EXPECT_EQ(eal.file_prefix->value, "rw-1.test");
  EXPECT_EQ(eal.huge_dir->value, "/dev/huge pages");
  EXPECT_EQ(eal.iova_mode->value, "va");
  EXPECT_EQ(eal.log_level->value, "lib.eal:debug");
}

TEST(Parse, TakesJson) {
  EXPECT_EQ(told(R"({"ports": {"a": {"device": "net_null0"}}, "forwarding": {"mode": "reflect", "ports": ["a"]},
 "lcores": {"1": {"rx": ["a.0"]}}, "burst": 8})"),
            "");
}

TEST(Parse, NeedsPortsAndForwarding) {
  EXPECT_EQ(told(""), ":1:1: is empty; expected a mapping with ports and forwarding\n");
  EXPECT_EQ(told("~"), ":1:1: is empty; expected a mapping with ports and forwarding\n");
  EXPECT_EQ(told("[a]"), ":1:1: is a list; expected a mapping with ports and forwarding\n");
  EXPECT_EQ(told("# c\nports"), ":2:1: is 'ports'; expected a mapping with ports and forwarding\n");
  EXPECT_EQ(told("\nburst: 1"),
            ":2:1: ports: is missing; expected a mapping of 1 to 31 ports\n"
            ":2:1: forwarding: is missing; expected a mapping with mode\n");
  EXPECT_EQ(told("ports:\nforwarding:\n"),
            ":1:1: ports: is empty; expected a mapping of 1 to 31 ports\n"
            ":2:1: forwarding: is empty; expected a mapping with mode\n");
  EXPECT_EQ(told("ports: {}\nforwarding: []\n"),
            ":1:8: ports: is an empty mapping; expected a mapping of 1 to 31 ports\n"
            ":2:13: forwarding: is an empty list; expected a mapping with mode\n");
}

TEST(Parse, EndsWhereTheDocumentIsNone) {
  EXPECT_EQ(told(","), ":1:1: starts a second document, or is stray text; expected one document\n");
  EXPECT_EQ(told("ports: ]"), ":1:8: is not YAML: illegal flow end\n");
  EXPECT_EQ(told(std::string(64UL * 1024 + 1, ' ')), ":1:1: is larger than 64 KiB; expected a configuration\n");
}

TEST(Parse, KeepsADeviceEmptyAfterItsError) {
  Diagnostics problems;
  const Config config = parse_config("ports: {a: {device: eth0}}", problems);
  ASSERT_EQ(config.ports.size(), 1U);
  EXPECT_EQ(config.ports[0].device.value, "");
  EXPECT_EQ(config.ports[0].device.at, (Location{1, 21}));
}

TEST(Parse, BoundsThePorts) {
  std::string ports = "ports:\n";
  for (int i = 1; i <= 31; ++i) {
    ports += "  p" + std::to_string(i) + ": {device: net_null" + std::to_string(i) + "}\n";
  }
  const std::string rest = "forwarding: {mode: reflect, ports: [p1]}\n";
  EXPECT_EQ(told(ports + rest), "");
  EXPECT_EQ(told(ports + "  p32: {device: net_null32}\n" + rest), ":2:3: ports: has 32 ports; expected at most 31\n");
}

TEST(Parse, TellsEveryProblemAtOnce) {
  EXPECT_EQ(told(R"(ports:
  east: {device: "af_packet0,iface=x", rx_queues: 010}
  west: {device: "03:00.0", rx_queue: 2}
  west: {device: "03:00.1"}
forwarding:
  mode: cross_conect
  pairs: [[east]]
lcores:
  2: {rx: [east]}
burst: "5"
pool: {size: -1}
idle:
eal: {no_huge: yes}
)"),
            ":2:18: ports.east.device: is 'af_packet0,iface=x'; expected a PCI address such as 0000:03:00.0, a vdev "
            "such as net_af_packet0,iface=eth0 without spaces, lab or replay,file=PATH; did you mean 'net_af_packet'?\n"
            ":2:51: ports.east.rx_queues: '010' looks octal; write 10 or 8\n"
            ":3:29: ports.west.rx_queue: is an unknown key; did you mean 'rx_queues'?\n"
            ":4:3: ports.west: is given twice; the first is in line 3\n"
            ":6:9: forwarding.mode: is 'cross_conect'; expected cross_connect or reflect; did you mean "
            "'cross_connect'?\n"
            ":7:11: forwarding.pairs[0]: a pair names two ports; 1 given\n"
            ":9:12: lcores.2.rx[0]: is 'east'; expected PORT.QUEUE or PORT.*, such as east.0 or east.*\n"
            ":10:8: burst: is the text '5'; expected a whole number from 1 to 64, without quotes\n"
            ":11:14: pool.size: is '-1'; expected a whole number from 1 to 16777215\n"
            ":12:1: idle: is empty; expected a mapping\n"
            ":13:16: eal.no_huge: is 'yes'; expected true or false\n");
}

TEST(Parse, StaysSilentAboutWhatTheDocumentTold) {
  EXPECT_EQ(told(std::string(kReflect) + "burst: &x 5\npool: *x\nidle: {sleep_us: *x}\n"),
            ":3:8: burst: has an anchor; expected the value alone\n"
            ":4:7: pool: is an alias; expected the value itself\n"
            ":5:18: idle.sleep_us: is an alias; expected the value itself\n");
}

}  // namespace
}  // namespace ringway
