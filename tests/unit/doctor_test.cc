#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "doctor/demand.h"
#include "doctor/diagnose.h"
#include "doctor_fixtures.h"
#include "plan/pool_size.h"

namespace ringway {
namespace {

TEST(Doctor, FindsNothingOnAGoodMachine) {
  for (const std::string& text :
       {two_nics(), kNulls, on_device("net_tap0,iface=t"), on_device("net_af_xdp0,iface=veth0"),
        on_device("net_null0", "eal: {in_memory: false}\n")}) {
    const std::vector<Finding> findings = examined(good_machine(), text);
    EXPECT_EQ(to_text(findings), "0 obstacles, 0 pieces of advice\n") << text;
    EXPECT_EQ(exit_status_of(findings), ExitStatus::kClean);
  }
}

TEST(Doctor, NoHugepages) {
  MachineFacts machine = good_machine();
  machine.hugepages[0].total = machine.hugepages[0].free = 0;
  expect_only(examined(machine, kNulls), "hugepages", kMissing, {"are needed", "0 MiB are free"},
              " > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
  EXPECT_EQ(ids(examined(machine, kNulls + "eal: {no_huge: true}\n")), "");
  EXPECT_EQ(ids(examined(machine, kNulls, {"--no-huge"})), "");
  const std::vector<Finding> general = diagnose(machine, nullptr);
  EXPECT_EQ(exit_status_of(general), kMissing);
  expect_words(to_text(general), {"echo 256 > /sys"});
}

TEST(Doctor, TooFewHugepagesForThePools) {
  MachineFacts machine = good_machine();
  machine.hugepages[0] = {.socket = 0, .page_kib = 2048, .total = 30, .free = 10};  // others use 20
  Inventory inventory = ringway::machine({vdev("net_null0", "net_null"), vdev("net_null1", "net_null")});
  inventory.lcores.resize(4);
  const std::uint64_t mib = memory_mib(plan_text(kNulls, inventory).plan, 0, false);
  expect_only(examined(machine, kNulls), "hugepages", kMissing,
              {std::to_string(mib) + " MiB", "estimated", "20 MiB are free"},
              "echo " + std::to_string((mib + 1) / 2 + 20) + " > ");
  machine.hugepages[0].free = static_cast<unsigned>((mib + 1) / 2);
  EXPECT_EQ(ids(examined(machine, kNulls)), "");
}

TEST(Doctor, HugepagesOnTheWrongNode) {
  MachineFacts machine = good_machine();
  machine.hugepages.push_back({.socket = 1, .page_kib = 2048, .total = 0, .free = 0});
  machine.pci[1].socket = 1;
  machine.cpus[2].socket = 1;
  const std::vector<Finding> findings =
      examined(machine, two_nics("", "lcores: {1: {rx: [east.0]}, 2: {rx: [west.0]}}\n"));
  expect_only(findings, "hugepages", kMissing, {"NUMA socket 1", "0 MiB are free", "2048 MiB are free on socket 0"},
              "node1/hugepages");
}

TEST(Doctor, MemoryThatEalTakesAtStart) {
  const std::string fix = "/nr_hugepages";
  expect_only(examined(good_machine(), kNulls + "eal: {memory: 3000}\n"), "eal_memory", kMissing,
              {"3000 MiB", "2048 MiB are free"}, "echo 1500 > ");
  expect_only(examined(good_machine(), kNulls + "eal: {memory: 4096}\n"), "eal_memory", kMissing, {"4096 MiB"},
              "below this machine's 4096");
  expect_only(examined(good_machine(), kNulls + "eal: {socket_mem: [4000]}\n"), "hugepages", kMissing,
              {"4000 MiB", "2048 MiB are free"}, fix);
  expect_only(examined(good_machine(), kNulls + "eal: {memory: 99999, no_huge: true}\n"), "configuration", kMissing,
              {"eal.memory", "99999 MiB", "has 4096"}, "eal.memory: less than 4096");
}

TEST(Doctor, LeftoverFiles) {
  MachineFacts machine = good_machine();
  machine.hugetlbfs[0].leftovers = {{.pattern = "/dev/hugepages/rtemap_*", .files = 4, .bytes = 8 << 20}};
  EXPECT_EQ(ids(examined(machine, kNulls)), "leftover_files?");  // there is enough for everybody
  EXPECT_EQ(ids(examined(machine, kNulls + "eal: {no_huge: true}\n")), "");
  machine.hugepages[0].free = 0;
  const std::vector<Finding> findings = examined(machine, kNulls);
  ASSERT_EQ(ids(findings), "leftover_files hugepages");
  expect_words(findings[0].cause, {"4 files", "8 MiB"});
  EXPECT_EQ(findings[0].fix, "rm /dev/hugepages/rtemap_*");
}

TEST(Doctor, HugetlbfsOnlyMattersWithoutInMemory) {
  MachineFacts machine = good_machine();
  machine.hugetlbfs[0].page_kib = 1048576;  // none of these are reserved
  EXPECT_EQ(ids(examined(machine, kNulls)), "");
  const std::string files = kNulls + "eal: {in_memory: false}\n";
  expect_only(examined(machine, files), "hugetlbfs", kMissing, {"/dev/hugepages", "no hugetlbfs"},
              "mount -t hugetlbfs hugetlbfs /dev/hugepages");
  machine.process.container = true;
  expect_only(examined(machine, files), "hugetlbfs", kMissing, {"in this container"},
              "-v /dev/hugepages:/dev/hugepages");
  machine.hugetlbfs[0] = {.path = "/mnt/huge", .page_kib = 2048, .writable = false, .leftovers = {}};
  machine.process.uid = 1000;
  expect_only(examined(machine, files), "hugetlbfs", kDenied, {"/mnt/huge", "this user"}, "chown 1000 /mnt/huge");
  machine.hugetlbfs[0].writable = true;
  EXPECT_EQ(ids(examined(machine, files)), "");
  EXPECT_EQ(ids(examined(machine, kNulls + "eal: {in_memory: false, huge_dir: /else}\n")), "hugetlbfs");
}

TEST(Doctor, PrefixInUse) {
  MachineFacts machine = good_machine();
  machine.primaries = {{.prefix = "other", .pid = 7, .command = "vpp"},
                       {.prefix = "ringway", .pid = 99, .command = "ringway --config f"}};
  EXPECT_EQ(ids(examined(machine, kNulls)), "") << "in memory nothing is locked";
  expect_only(examined(machine, kNulls + "eal: {in_memory: false}\n"), "prefix", kMissing,
              {"'ringway'", "process 99", "ringway --config f"}, "eal: {file_prefix: ringway-2}");
  EXPECT_EQ(ids(examined(machine, kNulls + "eal: {in_memory: false}\n", {"--file-prefix=mine"})), "");
}

TEST(Doctor, PluginsBelowAFolderForEverybody) {
  MachineFacts machine = good_machine();
  machine.open_plugin_folder = "/usr/local";
  expect_only(examined(machine, kNulls), "plugins", kDenied, {"/usr/local"}, "chmod o-w /usr/local");
}

TEST(Doctor, LcoresOutsideTheAffinityAndTheCpuset) {
  MachineFacts machine = good_machine();
  machine.host.cpus = {0};
  const std::string by_cpu = kNulls + "lcores: {1: {rx: [a.0, b.0]}}\n";
  expect_only(examined(machine, by_cpu), "configuration", kMissing, {"lcores.1", "affinity"}, "eal.lcores");
  const std::string mapped = by_cpu + "eal: {lcores: \"0@0,1@1\"}\n";
  EXPECT_EQ(ids(examined(machine, mapped)), "") << "an affinity can be widened";
  machine.process.cpus = {0, 2, 3};
  expect_only(examined(machine, mapped), "lcores", kMissing, {"lcore 1", "CPU 1", "cpuset", "0,2-3"}, "eal: {lcores: ");
  expect_only(examined(good_machine(), kNulls + "eal: {lcores: \"0@0,1@7\"}\n"), "lcores", kMissing,
              {"CPU 7", "not there", "0-3"}, "eal: {lcores: ");
  expect_only(examined(good_machine(), kNulls, {"-l", "nonsense"}), "lcores", ExitStatus::kConfigInvalid, {"LCORE@CPU"},
              "eal: {lcores: ");
}

TEST(Doctor, MemoryNodesOutsideTheCpuset) {
  MachineFacts machine = good_machine();
  machine.process.nodes = {1};
  expect_only(examined(machine, two_nics()), "memory_nodes", kMissing, {"NUMA socket 0", "cpuset.mems is 1"},
              "AllowedMemoryNodes=1,0");
}

TEST(Doctor, WhatThePlannerRefuses) {
  expect_only(examined(good_machine(), kNulls + "pool: {size: 3000}\n"), "configuration", ExitStatus::kConfigInvalid,
              {"pool.size", "is 3000"}, "pool.size: at least ");
}

TEST(Doctor, AdviceOnCpus) {
  MachineFacts machine = good_machine();
  machine.cpus[2].governor = machine.cpus[3].governor = "powersave";
  machine.cpus[3].tickless = false;
  machine.cpus[0].isolated = false;  // the main lcore's
  const std::vector<Finding> findings = examined(machine, kNulls + "lcores: {2: {rx: [a.0]}, 3: {rx: [b.0]}}\n");
  ASSERT_EQ(ids(findings), "governor? isolation?");
  EXPECT_EQ(exit_status_of(findings), ExitStatus::kClean);
  EXPECT_EQ(findings[0].fix, "cpupower -c 2-3 frequency-set -g performance");
  expect_words(findings[1].fix, {"isolcpus=3 nohz_full=3"});
  EXPECT_EQ(ids(examined(machine, kNulls + "lcores: {1: {rx: [a.0, b.0]}}\n")), "");
  EXPECT_EQ(ids(examined(machine, kNulls + "lcores: {3: {rx: [a.0, b.0]}}\neal: {no_huge: true}\n")), "");
}

TEST(Doctor, AdviceOnFarLcores) {
  MachineFacts machine = good_machine();
  machine.pci[0].socket = machine.pci[1].socket = 1;
  machine.hugepages.push_back({.socket = 1, .page_kib = 2048, .total = 1024, .free = 1024});
  const std::vector<Finding> findings = examined(machine, two_nics("", "lcores: {2: {rx: [east.0, west.0]}}\n"));
  ASSERT_EQ(ids(findings), "far_lcore?");
  expect_words(findings[0].cause, {"socket 0", "'east' on socket 1"});
}

TEST(Doctor, InGeneral) {
  MachineFacts machine = good_machine();
  machine.pci[1] = nic_on("0000:03:00.1", "ixgbe", "13");
  machine.hugetlbfs.clear();
  const std::vector<Finding> findings = diagnose(machine, nullptr);
  ASSERT_EQ(ids(findings), "nic? nic?");
  expect_words(findings[0].cause, {"ready for DPDK"});
  EXPECT_EQ(findings[1].fix, "dpdk-devbind.py --bind=vfio-pci 0000:03:00.1");
  machine.iommu = false;
  EXPECT_EQ(ids(diagnose(machine, nullptr)), "iommu? nic? nic?");
}

TEST(Doctor, ObstaclesComeFirstAndGiveTheStatus) {
  MachineFacts machine = good_machine();
  machine.cpus[1].governor = "powersave";
  machine.process.capabilities = 0;
  machine.open_plugin_folder = "/opt";
  const std::vector<Finding> findings = examined(machine, on_device("net_af_packet0,iface=none"));
  ASSERT_EQ(ids(findings), "plugins interface capabilities governor?");
  EXPECT_EQ(exit_status_of(findings), kDenied);
}

TEST(Doctor, TellsInText) {
  const std::vector<Finding> findings = {
      {.id = "one", .subject = "s", .cause = "c", .fix = "f", .status = kMissing},
      {.id = "two", .subject = "t", .cause = "d", .fix = "g", .status = ExitStatus::kClean}};
  EXPECT_EQ(to_text(findings),
            "obstacle one: s\n  cause: c\n  fix:   f\n\nadvice two: t\n  cause: d\n  fix:   g\n\n"
            "1 obstacle, 1 piece of advice\n");
  EXPECT_EQ(to_text({}), "0 obstacles, 0 pieces of advice\n");
}

TEST(Doctor, TellsInJson) {
  const std::vector<Finding> findings = {
      {.id = "one", .subject = "s", .cause = "c\xff", .fix = "f", .status = kMissing}};
  const nlohmann::json document = nlohmann::json::parse(to_json(findings));
  EXPECT_EQ(document["obstacles"], 1);
  EXPECT_EQ(document["advice"], 0);
  EXPECT_EQ(document["findings"][0]["severity"], "obstacle");
  EXPECT_EQ(document["findings"][0]["fix"], "f");
}

TEST(Doctor, ReadsEalsLcores) {
  const auto told = [](std::string_view map) {
    std::string all;
    for (const LcoreFacts& lcore : lcores_of(map)) {
      all += std::to_string(lcore.id) + "@";
      for (const unsigned cpu : lcore.cpus) {
        all += std::to_string(cpu) + ".";
      }
      all += " ";
    }
    return all;
  };
  EXPECT_EQ(told("0@0,1@1"), "0@0. 1@1. ");
  EXPECT_EQ(told("4,1-2"), "1@1. 2@2. 4@4. ");
  EXPECT_EQ(told("0@(0,3),(1-2)@1-2"), "0@0.3. 1@1.2. 2@1.2. ");
  EXPECT_EQ(told("(0,5)"), "0@0.5. 5@0.5. ");
  for (const char* wrong : {"", "x", "0@", "@0", "1-", "2-1", "0@x", "0@0,", "(0", "0)"}) {
    EXPECT_EQ(told(wrong), "") << wrong;
  }
}

}  // namespace
}  // namespace ringway
