#include "plan/eal_args.h"

#include <gtest/gtest.h>

#include "inventory_fixtures.h"

namespace ringway {
namespace {

/// The arguments behind the program's name, joined by spaces; problems instead when there are any.
std::string arguments(const std::string& text, const std::vector<std::string>& command_line = {},
                      const HostFacts& host = {.cpus = {0, 1}, .memory_mib = 4096}) {
  Diagnostics problems;
  const Config config = parse_config(text, problems);
  const std::vector<std::string> argv = eal_args(config, command_line, host, problems);
  if (problems.failed()) {
    return problems.text("f");
  }
  std::string joined;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    joined += (i > 1 ? " " : "") + argv[i];
  }
  return joined;
}

const std::string kVdevs =
    "ports: {a: {device: net_null0}, b: {device: net_null1}}\nforwarding: {mode: cross_connect, pairs: [[a, b]]}\n";

TEST(EalArgs, Defaults) {
  EXPECT_EQ(arguments(kVdevs),
            "--lcores=0@0,1@1 --main-lcore=0 --in-memory --no-pci --no-telemetry --file-prefix=ringway");
  EXPECT_EQ(arguments(kVdevs + "eal: {no_huge: true}\n"),
            "--lcores=0@0,1@1 --main-lcore=0 --no-huge --no-shconf -m512 --no-pci --no-telemetry "
            "--file-prefix=ringway");
}

TEST(EalArgs, AllowsThePciDevicesOfTheFile) {
  EXPECT_NE(arguments(two_nics()).find("--allow=0000:03:00.0 --allow=0000:03:00.1 --no-telemetry"), std::string::npos);
  EXPECT_EQ(arguments(two_nics(), {"-a", "0000:05:00.0"}).find("--allow"), std::string::npos);
}

TEST(EalArgs, MainLcoreMakesRoomForTheFilesLcores) {
  EXPECT_NE(arguments(kVdevs + "lcores: {0: {rx: [a.0, b.0]}}\n").find("--lcores=0@0,1@1 --main-lcore=1"),
            std::string::npos);
  EXPECT_NE(
      arguments(kVdevs + "lcores: {0: {rx: [a.0]}, 1: {rx: [b.0]}}\n").find("--lcores=0@0,1@1,2@0 --main-lcore=2"),
      std::string::npos);
  EXPECT_NE(arguments(kVdevs, {}, {.cpus = {3}, .memory_mib = 4096}).find("--lcores=3@3,0@3 --main-lcore=0"),
            std::string::npos);
}

TEST(EalArgs, RefusesLcoresOutsideTheAffinity) {
  EXPECT_EQ(
      arguments(kVdevs + "lcores: {5: {rx: [a.0, b.0]}}\n"),
      "f:3:10: lcores.5: is no CPU of this process's affinity; expected one of 0 or 1, or eal.lcores that maps it, "
      "such as \"0@0,5@0\"\n");
  EXPECT_NE(arguments(kVdevs + "lcores: {5: {rx: [a.0, b.0]}}\neal: {lcores: \"0@0,5@1\"}\n").find("--lcores=0@0,5@1"),
            std::string::npos);
}

TEST(EalArgs, CommandLineWins) {
  const std::string file = kVdevs +
                           "eal: {lcores: \"0@0,1@0\", main_lcore: 1, memory: 100, no_huge: true, file_prefix: x, "
                           "iova_mode: va, log_level: \"lib.eal:debug\"}\n";
  EXPECT_EQ(
      arguments(file, {"-l0,1", "--main-lcore=0", "-m", "64", "--file-prefix", "y", "--iova-mode=pa", "--log-level=3"}),
      "--no-huge --no-shconf --no-pci --no-telemetry -l0,1 --main-lcore=0 -m 64 --file-prefix y --iova-mode=pa "
      "--log-level=3");
  EXPECT_EQ(arguments(kVdevs, {"--no-huge"}).find("--in-memory"), std::string::npos);
}

TEST(EalArgs, CommandLineLeavesAloneWhatItDoesNotSpeakOf) {
  EXPECT_NE(arguments(kVdevs + "eal: {main_lcore: 1}\n", {"-l", "0-1"}).find("--main-lcore=1"), std::string::npos);
  EXPECT_EQ(arguments(kVdevs + "eal: {no_huge: true}\n", {"--in-memory"}).find("--no-huge"), std::string::npos);
}

TEST(EalArgs, CommandLinesVdevIsThePorts) {
  Diagnostics problems;
  Config config = parse_config(kVdevs, problems);
  take_devices_of({"--vdev", "net_null0,size=128", "--vdev=net_null1,size=256", "--vdev=net_null2"}, config);
  EXPECT_EQ(config.ports[0].device.value, "net_null0,size=128");
  EXPECT_EQ(config.ports[1].device.value, "net_null1,size=256");
}

TEST(EalArgs, UsesNoMoreLcoresThanDpdkHas) {
  HostFacts host{.cpus = {}, .memory_mib = 4096};
  for (unsigned cpu = 0; cpu < 200; ++cpu) {
    host.cpus.push_back(cpu);
  }
  const std::string line = arguments(kVdevs, {}, host);
  EXPECT_NE(line.find(",127@127 --main-lcore=0"), std::string::npos) << line;
}

TEST(EalArgs, RefusesMoreMemoryThanThereIs) {
  EXPECT_NE(arguments(kVdevs, {"--no-huge", "-m", "999999"}).find("is 999999 MiB, and this machine has 4096"),
            std::string::npos);
  EXPECT_NE(
      arguments(kVdevs + "eal: {no_huge: true, memory: 999999}\n").find("is 999999 MiB, and this machine has 4096"),
      std::string::npos);
}

TEST(EalArgs, KeepsTypedKeysTyped) {
  EXPECT_NE(arguments(kVdevs + "eal: {socket_mem: [64, 32], socket_limit: [128], huge_unlink: true, in_memory: false, "
                               "single_file_segments: true, huge_dir: /mnt/huge, no_telemetry: false}\n")
                .find("--socket-mem=64,32 --socket-limit=128 --huge-unlink --single-file-segments "
                      "--huge-dir=/mnt/huge --no-pci --file-prefix=ringway"),
            std::string::npos);
}

TEST(EalArgs, KnowsPciAddresses) {
  EXPECT_TRUE(is_pci("0000:03:00.0"));
  EXPECT_TRUE(is_pci("0000:03:00.0,arg=1"));
  EXPECT_FALSE(is_pci("net_null0"));
  EXPECT_FALSE(is_pci("net_pcap0,rx_pcap=a:b"));
}

}  // namespace
}  // namespace ringway
