#include "plan/explain.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/device.h"
#include "inventory_fixtures.h"

namespace ringway {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A machine with every device that the examples name.
Inventory example_machine() {
  DeviceFacts left = vdev("net_af_packet0", "net_af_packet");
  left.interface = "veth-left";
  DeviceFacts right = vdev("net_af_packet1", "net_af_packet");
  right.interface = "veth-right";
  DeviceFacts xdp_left = vdev("net_af_xdp0", "net_af_xdp");
  DeviceFacts xdp_right = vdev("net_af_xdp1", "net_af_xdp");
  Inventory inventory = machine({nic("0000:03:00.0"), nic("0000:03:00.1"), left, right, xdp_left, xdp_right,
                                 vdev("net_pcap0", "net_pcap"), vdev("net_pcap1", "net_pcap")});
  for (const unsigned id : {4U, 5U}) {
    inventory.lcores.push_back({.id = id, .cpus = {id}, .socket = 0, .core = id, .main = false});
  }
  for (const char* name : {"net_null0", "net_ring0", "net_tap0", "net_tap1", "net_memif0", "net_vhost0",
                           "net_virtio_user0", "net_bonding0"}) {
    inventory.devices.push_back(vdev(name, std::string(vdev_driver(name))));
  }
  inventory.devices[6].held_mbufs = inventory.devices[7].held_mbufs = 500;  // what a looped capture holds
  return inventory;
}

std::vector<std::filesystem::path> examples() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(RINGWAY_CONFIG_DIR)) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path());
    }
  }
  return files;
}

class Examples : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Examples, PlanAndExplainToTheSamePlan) {
  Diagnostics problems;
  const Config config = parse_config(read(GetParam()), problems);
  ASSERT_EQ(problems.text(GetParam().string()), "");
  Inventory inventory = example_machine();
  inventory.no_huge = config.eal.no_huge.has_value();
  inventory.memory_mib = 512;
  const Planning planning = make_plan(config, inventory);
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text(GetParam().string());

  const std::string explained = explain(config, planning);
  Diagnostics again;
  const Config second = parse_config(explained, again);
  ASSERT_EQ(again.text("explained"), "") << explained;
  const Planning replanned = make_plan(second, inventory);
  EXPECT_EQ(replanned.plan, planning.plan) << explained;
  EXPECT_EQ(second.eal.no_huge.has_value(), config.eal.no_huge.has_value());
}

INSTANTIATE_TEST_SUITE_P(Config, Examples, testing::ValuesIn(examples()),
                         [](const auto& param) { return param.param.stem().string(); });

TEST(Examples, AreThere) {
  EXPECT_GE(examples().size(), 19U);
}

TEST(Explain, CarriesEveryKeyThroughARoundTrip) {
  const std::string text = two_nics(
      ", rx_queues: 2, tx_queues: 3, rx_descriptors: 256, tx_descriptors: 128, mtu: 9000, promiscuous: false, socket: "
      "0",
      "lcores: {2: {rx: [west.1, east.0]}, 3: {rx: [east.1, west.0]}}\nburst: 8\n"
      "pool: {size: 9000, cache: 64, data_room: 4096}\nidle: {spin_polls: 1, pause_polls: 2, sleep_us: 3}\n"
      "eal: {lcores: \"0@0,1@1,2@0,3@1\", main_lcore: 1, memory: 512, no_huge: true, in_memory: false, no_pci: false, "
      "no_telemetry: false, huge_unlink: true, single_file_segments: true, socket_mem: [64, 0], socket_limit: [128], "
      "file_prefix: x, huge_dir: /dev/hugepages, iova_mode: va, log_level: \"lib.eal:debug\"}\n");
  Inventory inventory = two_nic_machine();
  inventory.no_huge = true;
  inventory.memory_mib = 512;
  Diagnostics problems;
  const Config config = parse_config(text, problems);
  const Planning planning = make_plan(config, inventory);
  ASSERT_FALSE(planning.problems.failed()) << planning.problems.text("f") << problems.text("f");
  const std::string explained = explain(config, planning);
  const Config second = parse_config(explained, problems);
  ASSERT_EQ(problems.text("f"), "") << explained;
  const Planning replanned = make_plan(second, inventory);
  EXPECT_EQ(replanned.plan, planning.plan);
  EXPECT_EQ(explain(second, replanned), explained);  // nothing left to decide, so no reason changes
}

TEST(Explain, GivesReasons) {
  const std::string text = explain({}, plan_text(two_nics(", rx_descriptors: 1001"), two_nic_machine()));
  for (const char* reason : {"# net_e1000_igb takes 32 to 4096", "# east.0: lcore 1 is on the port's NUMA socket 0",
                             "= 4256, up to", "MiB of hugepages on NUMA socket 0: echo "}) {
    EXPECT_NE(text.find(reason), std::string::npos) << reason << '\n' << text;
  }
}

}  // namespace
}  // namespace ringway
