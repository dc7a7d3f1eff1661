#include <gtest/gtest.h>

#include "config/parse.h"

namespace ringway {
namespace {

struct Case {
  std::string text;
  std::string lines;
};

/// What is told about a text, each line without the file's name.
std::string told(std::string_view text) {
  Diagnostics problems;
  parse_config(text, problems);
  return problems.text("");
}

/// A valid file with `line` as line 3.
std::string with(const std::string& line) {
  return "ports: {a: {device: net_null0}, b: {device: net_null1}}\nforwarding: {mode: reflect, ports: [a]}\n" + line;
}

/// A file with `text` as the device in line 1, column 21.
std::string with_device(const std::string& text) {
  return "ports: {a: {device: " + text + "}}\nforwarding: {mode: reflect, ports: [a]}\n";
}

/// A file with `text` as forwarding in line 2, column 13.
std::string with_forwarding(const std::string& text) {
  return "ports: {a: {device: net_null0}}\nforwarding: " + text + '\n';
}

void expect_told(const std::vector<Case>& cases, std::string (*file)(const std::string&)) {
  for (const Case& each : cases) {
    EXPECT_EQ(told(file(each.text)), each.lines.empty() ? each.lines : each.lines + '\n') << each.text;
  }
}

TEST(ParseRules, TellsUnknownKeys) {
  expect_told({{"brust: 1", ":3:1: brust: is an unknown key; did you mean 'burst'?"},
               {"<<: {}",
                ":3:1: <<: is an unknown key; expected ports, forwarding, lcores, rings, traffic, capture, burst, "
                "pool, idle or eal"},
               {"pool: {chache: 1}", ":3:8: pool.chache: is an unknown key; did you mean 'cache'?"},
               {"pool: {\"a\\e[1m\": 1}", ":3:8: pool.a\\x1B[1m: is an unknown key; expected size, cache or data_room"},
               {"idle: {x: 1}", ":3:8: idle.x: is an unknown key; expected spin_polls, pause_polls or sleep_us"},
               {"eal: {in_memroy: true}", ":3:7: eal.in_memroy: is an unknown key; did you mean 'in_memory'?"}},
              with);
  EXPECT_EQ(told(with_device("net_af_packet0,iface=veth0")),
            ":1:36: ports.a.iface=veth0: is an unknown key; a text with commas in braces or brackets needs quotes\n");
}

TEST(ParseRules, TakesPlainDecimalNumbersOnly) {
  const std::string expected = "; expected a whole number from 1 to 64";
  expect_told({{"burst: 1", ""},
               {"burst: 64", ""},
               {"burst: 0", ":3:8: burst: is '0'" + expected},
               {"burst: 65", ":3:8: burst: is '65'" + expected},
               {"burst: -1", ":3:8: burst: is '-1'" + expected},
               {"burst: +1", ":3:8: burst: is '+1'" + expected},
               {"burst: 0x10", ":3:8: burst: is '0x10'" + expected},
               {"burst: 0o10", ":3:8: burst: is '0o10'" + expected},
               {"burst: 1e1", ":3:8: burst: is '1e1'" + expected},
               {"burst: 1.5", ":3:8: burst: is '1.5'" + expected},
               {"burst: 1_0", ":3:8: burst: is '1_0'" + expected},
               {"burst: 4294967297", ":3:8: burst: is '4294967297'" + expected},
               {"burst: 18446744073709551617", ":3:8: burst: is '18446744073709551617'" + expected},
               {"burst: " + std::string(5000, '9'), ":3:8: burst: is '" + std::string(40, '9') + "...'" + expected},
               {"burst: many", ":3:8: burst: is 'many'" + expected},
               {"burst: true", ":3:8: burst: is 'true'" + expected},
               {"burst: [1]", ":3:8: burst: is a list" + expected},
               {"burst: {a: 1}", ":3:8: burst: is a mapping" + expected},
               {"burst:", ":3:1: burst: is empty" + expected},
               {"burst: null", ":3:1: burst: is empty" + expected},
               {"burst: \"5\"", ":3:8: burst: is the text '5'" + expected + ", without quotes"},
               {"burst: '5'", ":3:8: burst: is the text '5'" + expected + ", without quotes"},
               {"burst: !!int 5",
                ":3:8: burst: has the tag 'tag:yaml.org,2002:int'; expected the value alone\n"
                ":3:8: burst: is the text '5'" +
                    expected + ", without quotes"}},
              with);
}

TEST(ParseRules, TellsOctalLookingNumbers) {
  expect_told({{"burst: 010", ":3:8: burst: '010' looks octal; write 10 or 8"},
               {"burst: 09", ":3:8: burst: '09' looks octal; write 9"},
               {"burst: 007", ":3:8: burst: '007' looks octal; write 7"},
               {"burst: 00", ":3:8: burst: '00' looks octal; write 0"},
               {"burst: 0" + std::string(50, '7'),
                ":3:8: burst: '0" + std::string(39, '7') + "...' looks octal; write " + std::string(40, '7') + "..."}},
              with);
}

TEST(ParseRules, ChecksEachRange) {
  expect_told({{"pool: {size: 0}", ":3:14: pool.size: is '0'; expected a whole number from 1 to 16777215"},
               {"pool: {cache: 513}", ":3:15: pool.cache: is '513'; expected a whole number from 0 to 512"},
               {"pool: {data_room: 127}", ":3:19: pool.data_room: is '127'; expected a whole number from 128 to 65407"},
               {"idle: {spin_polls: 1000000001}",
                ":3:20: idle.spin_polls: is '1000000001'; expected a whole number from 0 to 1000000000"},
               {"idle: {pause_polls: 1000000001}",
                ":3:21: idle.pause_polls: is '1000000001'; expected a whole number from 0 to 1000000000"},
               {"idle: {sleep_us: 1001}", ":3:18: idle.sleep_us: is '1001'; expected a whole number from 0 to 1000"},
               {"eal: {main_lcore: 128}", ":3:19: eal.main_lcore: is '128'; expected a whole number from 0 to 127"},
               {"eal: {memory: 15}", ":3:15: eal.memory: is '15'; expected a whole number from 16 to 1048576"},
               {"pool: 5", ":3:7: pool: is '5'; expected a mapping"},
               {"idle:", ":3:1: idle: is empty; expected a mapping"},
               {"eal: []", ":3:6: eal: is an empty list; expected a mapping"}},
              with);
  expect_told(
      {{"net_ring, rx_queues: 1025", ":1:42: ports.a.rx_queues: is '1025'; expected a whole number from 1 to 1024"},
       {"net_ring, tx_queues: 0", ":1:42: ports.a.tx_queues: is '0'; expected a whole number from 1 to 1024"},
       {"net_ring, rx_descriptors: 32769",
        ":1:47: ports.a.rx_descriptors: is '32769'; expected a whole number from 1 to 32768"},
       {"net_ring, tx_descriptors: 0",
        ":1:47: ports.a.tx_descriptors: is '0'; expected a whole number from 1 to 32768"},
       {"net_ring, mtu: 67", ":1:36: ports.a.mtu: is '67'; expected a whole number from 68 to 65535"},
       {"net_ring, mtu: 65536", ":1:36: ports.a.mtu: is '65536'; expected a whole number from 68 to 65535"},
       {"net_ring, socket: 32", ":1:39: ports.a.socket: is '32'; expected a whole number from 0 to 31"}},
      with_device);
}

TEST(ParseRules, TakesTrueAndFalseOnly) {
  expect_told(
      {{"eal: {no_huge: true}", ""},
       {"eal: {no_huge: false}", ""},
       {"eal: {no_huge: on}", ":3:16: eal.no_huge: is 'on'; expected true or false"},
       {"eal: {no_huge: yes}", ":3:16: eal.no_huge: is 'yes'; expected true or false"},
       {"eal: {no_huge: True}", ":3:16: eal.no_huge: is 'True'; expected true or false"},
       {"eal: {no_huge: 1}", ":3:16: eal.no_huge: is '1'; expected true or false"},
       {"eal: {no_huge: \"true\"}", ":3:16: eal.no_huge: is the text 'true'; expected true or false, without quotes"},
       {"eal: {no_huge}", ":3:7: eal.no_huge: is empty; expected true or false"},
       {"eal: {no_huge: []}", ":3:16: eal.no_huge: is an empty list; expected true or false"}},
      with);
}

TEST(ParseRules, ChecksWhatReachesEal) {
  const std::string lcores = "; expected lcores as --lcores takes them, such as 0-3 or 0,1@(2,4)";
  const std::string prefix = "; expected 1 to 64 letters, digits, '_', '.' or '-', not starting with '.' or '-'";
  const std::string folder = "; expected an absolute path without commas or quotes";
  const std::string level = "; expected a level as --log-level takes it, such as lib.eal:debug";
  expect_told({{"eal: {lcores: 3}", ""},
               {"eal: {lcores: \"\"}", ":3:15: eal.lcores: is ''" + lcores},
               {"eal: {lcores: 1 -l 2}", ":3:15: eal.lcores: is '1 -l 2'" + lcores},
               {"eal: {lcores: [1]}", ":3:15: eal.lcores: is a list" + lcores},
               {"eal: {lcores}", ":3:7: eal.lcores: is empty" + lcores},
               {"eal: {file_prefix: -a}", ":3:20: eal.file_prefix: is '-a'" + prefix},
               {"eal: {file_prefix: ..}", ":3:20: eal.file_prefix: is '..'" + prefix},
               {"eal: {file_prefix: a/b}", ":3:20: eal.file_prefix: is 'a/b'" + prefix},
               {"eal: {file_prefix: " + std::string(65, 'a') + "}",
                ":3:20: eal.file_prefix: is '" + std::string(40, 'a') + "...'" + prefix},
               {"eal: {huge_dir: mnt}", ":3:17: eal.huge_dir: is 'mnt'" + folder},
               {"eal: {huge_dir: \"/a,b\"}", ":3:17: eal.huge_dir: is '/a,b'" + folder},
               {"eal: {huge_dir: \"/a\\nb\"}", ":3:17: eal.huge_dir: is '/a\\x0Ab'" + folder},
               {"eal: {huge_dir: /a'b}", ":3:17: eal.huge_dir: is '/a'b'" + folder},
               {"eal: {iova_mode: pv}", ":3:18: eal.iova_mode: is 'pv'; expected pa or va"},
               {"eal: {log_level: \"*:debug\"}", ""},
               {"eal: {log_level: 8}", ""},
               {"eal: {log_level: --x}", ":3:18: eal.log_level: is '--x'" + level},
               {"eal: {log_level: a b}", ":3:18: eal.log_level: is 'a b'" + level}},
              with);
}

TEST(ParseRules, ReadsListsOfMemory) {
  std::string many = "[0";
  for (int i = 0; i < 32; ++i) {
    many += ",0";
  }
  many += ']';
  expect_told({{"eal: {socket_mem: []}", ":3:19: eal.socket_mem: is an empty list; expected a list of numbers"},
               {"eal: {socket_mem: 512}", ":3:19: eal.socket_mem: is '512'; expected a list of numbers"},
               {"eal: {socket_mem: " + many + "}", ":3:19: eal.socket_mem: has 33 items; expected at most 32"},
               {"eal: {socket_limit: [1, 1048577, x]}",
                ":3:25: eal.socket_limit[1]: is '1048577'; expected a whole number from 0 to 1048576\n"
                ":3:34: eal.socket_limit[2]: is 'x'; expected a whole number from 0 to 1048576"},
               {"eal: {socket_mem: [1, ]}", ""},
               {"eal: {socket_mem: [1, , 2]}",
                ":3:19: eal.socket_mem[1]: is empty; expected a whole number from 0 to 1048576"}},
              with);
}

TEST(ParseRules, AcceptsDevices) {
  for (const std::string device :
       {"0000:03:00.0", "03:00.0", "abcd:FF:1f.7", "\"03:00.0,a=b,c=d\"", "net_null", "net_ring7", "net_bonding0",
        "\"net_pcap0,rx_pcap=/a/b.pcap,tx_pcap=/c.pcap\"", "net_tap_east", "net_tun0", "net_failsafe0", "net_foo"}) {
    EXPECT_EQ(told(with_device(device)), "") << device;
  }
}

TEST(ParseRules, RefusesDevices) {
  const std::string forms =
      "; expected a PCI address such as 0000:03:00.0, a vdev such as net_af_packet0,iface=eth0 without spaces, lab or "
      "replay,file=PATH";
  const std::vector<Case> cases = {
      {"03:00.8", "is '03:00.8'" + forms},
      {"03:20.0", "is '03:20.0'" + forms},
      {"3:0.0", "is '3:0.0'" + forms},
      {"00003:00:00.0", "is '00003:00:00.0'" + forms},
      {"eth0", "is 'eth0'" + forms},
      {"\"\"", "is ''" + forms},
      {"net_", "is 'net_'" + forms},
      {"\"net_null0,\"", "is 'net_null0,'" + forms},
      {"\"net_null0,copy\"", "is 'net_null0,copy'" + forms},
      {"\"net_null0,copy=1 2\"", "is 'net_null0,copy=1 2'" + forms},
      {"\"net_null0,copy=\\t\"", "is 'net_null0,copy=\\x09'" + forms},
      {"\"03:00.0 \"", "is '03:00.0 '" + forms},
      {"\"net_null0\\0--x\"", "is 'net_null0\\x00--x'" + forms},
      {"[a]", "is a list" + forms},
      {"\"af_packet0,iface=x\"", "is 'af_packet0,iface=x'" + forms + "; did you mean 'net_af_packet'?"},
      {"net_afpacket0", "is 'net_afpacket0'" + forms + "; did you mean 'net_af_packet'?"},
      {"net_nul1", "is 'net_nul1'" + forms + "; did you mean 'net_null'?"},
      {"net_rign", "is 'net_rign'" + forms + "; did you mean 'net_ring'?"},
      {"eth_pcap0", "is 'eth_pcap0'" + forms + "; did you mean 'net_pcap'?"},
      {"af_xdp", "is 'af_xdp'" + forms + "; did you mean 'net_af_xdp'?"},
      {"tap0", "is 'tap0'" + forms + "; did you mean 'net_tap'?"},
      {"memif", "is 'memif'" + forms + "; did you mean 'net_memif'?"},
      {"vhost0", "is 'vhost0'" + forms + "; did you mean 'net_vhost'?"},
      {"net_virtiouser0", "is 'net_virtiouser0'" + forms + "; did you mean 'net_virtio_user'?"},
      {"Net_Bonding0", "is 'Net_Bonding0'" + forms + "; did you mean 'net_bonding'?"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(told(with_device(each.text)), ":1:21: ports.a.device: " + each.lines + '\n') << each.text;
  }
  EXPECT_EQ(told("ports: {a: {}}\nforwarding: {mode: reflect, ports: [a]}"),
            ":1:9: ports.a.device: is missing" + forms + '\n');
}

TEST(ParseRules, ChecksPortNames) {
  const auto ports = [](const std::string& name) {
    return told("ports: {" + name + ": {device: net_null0}}\nforwarding: {mode: reflect, ports: [a]}\n");
  };
  const std::string expected = ": is not a port's name; expected a letter, then up to 31 letters, digits, '-' or '_'\n";
  EXPECT_EQ(ports("a"), "");
  EXPECT_EQ(ports("A-1_b"), "");
  EXPECT_EQ(ports(std::string(32, 'a')), "");
  EXPECT_EQ(ports(std::string(33, 'a')), ":1:9: ports." + std::string(33, 'a') + expected);
  EXPECT_EQ(ports("1a"), ":1:9: ports.1a" + expected);
  EXPECT_EQ(ports("a.b"), ":1:9: ports.a.b" + expected);
  EXPECT_EQ(ports("\"\""), ":1:9: ports." + expected);
  EXPECT_EQ(ports("\"\\n\""), ":1:9: ports.\\x0A" + expected);
}

TEST(ParseRules, ChecksForwarding) {
  const std::string name = "; expected a letter, then up to 31 letters, digits, '-' or '_'";
  const std::string pair = "[PORT, PORT] or {from: PORT, to: PORT}";
  expect_told(
      {{"{}", ":2:1: forwarding.mode: is missing; expected cross_connect or reflect"},
       {"{mode: crossconnect}",
        ":2:20: forwarding.mode: is 'crossconnect'; expected cross_connect or reflect; did you mean 'cross_connect'?"},
       {"{mode: bridge}", ":2:20: forwarding.mode: is 'bridge'; expected cross_connect or reflect"},
       {"{mode: [reflect]}", ":2:20: forwarding.mode: is a list; expected cross_connect or reflect"},
       {"{mode: cross_connect}", ":2:1: forwarding.pairs: is missing; expected a list of " + pair},
       {"{mode: reflect}", ":2:1: forwarding.ports: is missing; expected a list of ports"},
       {"{mode: reflect, ports: [a], pairs: [[a, b]]}",
        ":2:41: forwarding.pairs: belongs to mode cross_connect; expected ports with mode reflect"},
       {"{mode: cross_connect, pairs: [[a, b]], ports: [a]}",
        ":2:52: forwarding.ports: belongs to mode reflect; expected pairs with mode cross_connect"},
       {"{mode: reflect, ports: []}", ":2:36: forwarding.ports: is an empty list; expected a list of ports"},
       {"{mode: reflect, ports: a}", ":2:36: forwarding.ports: is 'a'; expected a list of ports"},
       {"{mode: reflect, ports: [a b, [c]]}",
        ":2:37: forwarding.ports[0]: is 'a b'" + name + "\n" + ":2:42: forwarding.ports[1]: is a list" + name},
       {"{mode: cross_connect, pairs: []}", ":2:42: forwarding.pairs: is an empty list; expected a list of " + pair}},
      with_forwarding);
}

TEST(ParseRules, ChecksPairs) {
  const auto pairs = [](const std::string& list) {
    return told(with_forwarding("{mode: cross_connect, pairs: " + list + "}"));
  };
  EXPECT_EQ(pairs("[[a, b], {from: b, to: a}]"), "");
  EXPECT_EQ(pairs("[[a]]"), ":2:43: forwarding.pairs[0]: a pair names two ports; 1 given\n");
  EXPECT_EQ(pairs("[[a, b], [a, b, c]]"), ":2:51: forwarding.pairs[1]: a pair names two ports; 3 given\n");
  EXPECT_EQ(pairs("[a, b]"),
            ":2:43: forwarding.pairs[0]: is 'a'; expected [PORT, PORT] or {from: PORT, to: PORT}\n"
            ":2:46: forwarding.pairs[1]: is 'b'; expected [PORT, PORT] or {from: PORT, to: PORT}\n");
  EXPECT_EQ(pairs("[[a, 1]]"),
            ":2:47: forwarding.pairs[0][1]: is '1'; expected a letter, then up to 31 letters, digits, '-' or '_'\n");
  EXPECT_EQ(pairs("[{from: a}]"), ":2:43: forwarding.pairs[0].to: is missing; expected a port\n");
  EXPECT_EQ(pairs("[{from: a, via: b}]"),
            ":2:43: forwarding.pairs[0].to: is missing; expected a port\n"
            ":2:53: forwarding.pairs[0].via: is an unknown key; expected from or to\n");
}

TEST(ParseRules, ChecksLcores) {
  const std::string id = ": is not an lcore; expected a whole number from 0 to 127";
  const std::string queue = "; expected PORT.QUEUE or PORT.*, such as east.0 or east.*";
  expect_told(
      {{"lcores: {0: {rx: [a.0]}, 127: {rx: [a.1023, a-b.*]}}", ""},
       {"lcores: {}", ":3:9: lcores: is an empty mapping; expected a mapping of lcores, or no lcores key at all"},
       {"lcores:", ":3:1: lcores: is empty; expected a mapping of lcores, or no lcores key at all"},
       {"lcores: [1]", ":3:9: lcores: is a list; expected a mapping of lcores, or no lcores key at all"},
       {"lcores: {128: {rx: [a.0]}}", ":3:10: lcores.128" + id},
       {"lcores: {-1: {rx: [a.0]}}", ":3:10: lcores.-1" + id},
       {"lcores: {east: {rx: [a.0]}}", ":3:10: lcores.east" + id},
       {"lcores: {01: {rx: [a.0]}}", ":3:10: lcores.01: '01' looks octal; write 1"},
       {"lcores: {1: {rx: [a.0]}, 1: {rx: [a.1]}}", ":3:26: lcores.1: is given twice; the first is in line 3"},
       {"lcores: {2: {}}",
        ":3:13: lcores.2: is an empty mapping; expected at least one of rx, work, tx, generate and check"},
       {"lcores: {2: }", ":3:10: lcores.2: is empty; expected a mapping"},
       {"lcores: {2: {rx: []}}", ":3:18: lcores.2.rx: is an empty list; expected a list of queues"},
       {"lcores: {2: {rx: a.0}}", ":3:18: lcores.2.rx: is 'a.0'; expected a list of queues"},
       {"lcores: {2: {rx: [a]}}", ":3:19: lcores.2.rx[0]: is 'a'" + queue},
       {"lcores: {2: {rx: [a.]}}", ":3:19: lcores.2.rx[0]: is 'a.'" + queue},
       {"lcores: {2: {rx: [.1]}}", ":3:19: lcores.2.rx[0]: is '.1'" + queue},
       {"lcores: {2: {rx: [a.0, a.01]}}", ":3:24: lcores.2.rx[1]: is 'a.01'" + queue},
       {"lcores: {2: {rx: [a.1024]}}", ":3:19: lcores.2.rx[0]: is 'a.1024'" + queue},
       {"lcores: {2: {rx: [a.0.1]}}", ":3:19: lcores.2.rx[0]: is 'a.0.1'" + queue},
       {"lcores: {2: {rx: [a.**]}}", ":3:19: lcores.2.rx[0]: is 'a.**'" + queue},
       {"lcores: {2: {rx: [\"a\\u00e4.0\"]}}", ":3:19: lcores.2.rx[0]: is 'a\\xC3\\xA4.0'" + queue},
       {"lcores: {2: {work: true, tx: [a], generate: [a], check: [b]}}", ""},
       {"lcores: {2: {work: yes}}", ":3:20: lcores.2.work: is 'yes'; expected true or false"},
       {"lcores: {2: {tx: [a.0]}}",
        ":3:19: lcores.2.tx[0]: is 'a.0'; expected a letter, then up to 31 letters, digits, '-' or '_'"},
       {"lcores: {2: {works: true}}", ":3:14: lcores.2.works: is an unknown key; did you mean 'work'?"}},
      with);
}

TEST(ParseRules, ChecksRings) {
  expect_told({{"rings: {size: 1024, when_full: drop, wait_ms: 1000}", ""},
               {"rings: {override: {rx.a.1-2: {size: 64, when_full: wait}}}", ""},
               {"rings: {size: 1}", ":3:15: rings.size: is '1'; expected a whole number from 2 to 1048576"},
               {"rings: {when_full: block}", ":3:20: rings.when_full: is 'block'; expected drop or wait"},
               {"rings: {wait_ms: 0}", ":3:18: rings.wait_ms: is '0'; expected a whole number from 1 to 60000"},
               {"rings: {override: {rx.a.1-2: {sise: 64}}}",
                ":3:31: rings.override.rx.a.1-2.sise: is an unknown key; did you mean 'size'?"},
               {"rings: {override: 1}",
                ":3:19: rings.override: is '1'; expected a mapping of rings by the names that --plan prints"}},
              with);
}

TEST(ParseRules, ChecksTraffic) {
  const std::string rate =
      "; expected max, packets a second such as 500kpps or 1.5Mpps, or a share of the link such as 40%";
  const std::string share = "; expected a share of the frames such as 1%";
  expect_told(
      {{"traffic: {size: 64, flows: 1000000, ipv6: 25%, vlans: 4094, rate: 1.5Mpps, faults: 0.5%}", ""},
       {"traffic: {size: imix, rate: max, duration: 0.5, packets: 1000000000000}", ""},
       {"traffic: {rate: 40%}", ""},
       {"traffic: {size: 63}", ":3:17: traffic.size: is '63'; expected bytes with CRC from 64 to 9000, or imix"},
       {"traffic: {size: 9001}", ":3:17: traffic.size: is '9001'; expected bytes with CRC from 64 to 9000, or imix"},
       {"traffic: {rate: fast}", ":3:17: traffic.rate: is 'fast'" + rate},
       {"traffic: {rate: 0pps}", ":3:17: traffic.rate: is '0pps'" + rate},
       {"traffic: {rate: 1e6pps}", ":3:17: traffic.rate: is '1e6pps'" + rate},
       {"traffic: {rate: 101%}", ":3:17: traffic.rate: is '101%'" + rate},
       {"traffic: {rate: 1001Mpps}", ":3:17: traffic.rate: is '1001Mpps'" + rate},
       {"traffic: {faults: 1}", ":3:19: traffic.faults: is '1'" + share},
       {"traffic: {faults: 1.2.3%}", ":3:19: traffic.faults: is '1.2.3%'" + share},
       {"traffic: {duration: 0}", ":3:21: traffic.duration: is '0'; expected seconds above 0, such as 10 or 0.5"},
       {"traffic: {packets: 0}", ":3:20: traffic.packets: is '0'; expected a whole number from 1 to 1000000000000"},
       {"traffic: {flow: 1}", ":3:11: traffic.flow: is an unknown key; did you mean 'flows'?"}},
      with);
}

}  // namespace
}  // namespace ringway
