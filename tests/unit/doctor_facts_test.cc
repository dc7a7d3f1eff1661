#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "doctor/facts.h"
#include "doctor/host.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

/// A made-up tree in place of /, with a runtime folder of its own; removed at the end.
class DoctorFacts : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ringway-doctor-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    setenv("RUNTIME_DIRECTORY", "/run/ringway", 1);
  }
  void TearDown() override {
    unsetenv("RUNTIME_DIRECTORY");
    fs::remove_all(root_);
  }

  void put(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void link(const std::string& path, const std::string& target) {
    fs::create_directories((root_ / path).parent_path());
    fs::create_symlink(target, root_ / path);
  }

  fs::path root_;
};

/// A child that holds a lock until it goes out of scope.
class LockHolder {
 public:
  template <class Lock>
  LockHolder(const fs::path& file, Lock lock) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    child_ = fork();
    if (child_ == 0) {
      lock(open(file.c_str(), O_RDWR));
      [[maybe_unused]] const ssize_t told = write(ready[1], "", 1);
      pause();
    }
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~LockHolder() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  LockHolder(const LockHolder&) = delete;
  LockHolder& operator=(const LockHolder&) = delete;

  unsigned pid() const { return static_cast<unsigned>(child_); }

 private:
  pid_t child_ = 0;
};

TEST_F(DoctorFacts, AnEmptyTreeHasNothing) {
  const MachineFacts facts = probe_machine(root_);
  EXPECT_TRUE(facts.hugepages.empty() && facts.hugetlbfs.empty() && facts.pci.empty() && facts.interfaces.empty());
  EXPECT_EQ(facts.tun, Access::kMissing);
  EXPECT_TRUE(facts.primaries.empty() && facts.cpus.empty() && facts.open_plugin_folder.empty());
  EXPECT_FALSE(facts.iommu || facts.vfio_pci || facts.process.container);
}

TEST_F(DoctorFacts, TheRealMachineIsRead) {
  const MachineFacts facts = probe_machine();
  EXPECT_FALSE(facts.host.cpus.empty());
  EXPECT_GT(facts.host.memory_mib, 0U);
  EXPECT_FALSE(facts.cpus.empty());
  EXPECT_EQ(facts.process.uid, geteuid());
  EXPECT_EQ(facts.process.program, fs::read_symlink("/proc/self/exe"));
  EXPECT_FALSE(facts.interfaces.empty());
}

TEST_F(DoctorFacts, Process) {
  put("proc/self/status",
      "Name:\tx\nUid:\t1000\t1001\t1000\t1000\nCapEff:\t0000000000003000\nCpus_allowed_list:\t1-2,5\n"
      "Mems_allowed_list:\t0-1\n");
  put("proc/self/limits",
      "Max file locks            unlimited            unlimited            locks\n"
      "Max locked memory         8388608              8388608              bytes\n");
  put("proc/meminfo", "MemTotal:        2097152 kB\nHugepagesize:       2048 kB\n");
  put(".dockerenv", "");
  const MachineFacts facts = probe_machine(root_);
  EXPECT_EQ(facts.process.uid, 1001U);
  EXPECT_EQ(facts.process.capabilities, 0x3000U);
  EXPECT_EQ(facts.process.memlock_bytes, 8388608U);
  EXPECT_EQ(facts.process.nodes, (std::vector<unsigned>{0, 1}));
  EXPECT_EQ(facts.host.cpus, (std::vector<unsigned>{1, 2, 5}));
  EXPECT_EQ(facts.host.memory_mib, 2048U);
  EXPECT_TRUE(facts.process.container);
  put("proc/self/limits", "Max locked memory         unlimited            unlimited            bytes\n");
  EXPECT_EQ(probe_machine(root_).process.memlock_bytes, kNoLimit);
}

TEST_F(DoctorFacts, Cpus) {
  const std::string cpu = "sys/devices/system/cpu/";
  put(cpu + "online", "0-1\n");
  put(cpu + "isolated", "1\n");
  put(cpu + "nohz_full", "(null)\n");
  put(cpu + "cpu0/topology/thread_siblings_list", "0-1\n");
  put(cpu + "cpu1/topology/thread_siblings_list", "0-1\n");
  put(cpu + "cpu1/cpufreq/scaling_governor", "powersave\n");
  put(cpu + "cpu1/node1/x", "");
  const std::vector<CpuFacts> cpus = probe_machine(root_).cpus;
  ASSERT_EQ(cpus.size(), 2U);
  EXPECT_FALSE(cpus[0].isolated || cpus[0].tickless || cpus[1].tickless);
  EXPECT_TRUE(cpus[1].isolated);
  EXPECT_EQ(cpus[0].governor + cpus[1].governor, "powersave");
  EXPECT_EQ(cpus[1].socket, 1U);
  EXPECT_EQ(cpus[1].core, 0U);
}

TEST_F(DoctorFacts, Hugepages) {
  for (const char* node : {"node1", "node0"}) {
    const std::string folder = "sys/devices/system/node/" + std::string(node) + "/hugepages/hugepages-2048kB/";
    put(folder + "nr_hugepages", "8\n");
    put(folder + "free_hugepages", node[4] == '1' ? "3\n" : "0\n");
  }
  put("sys/devices/system/node/online", "0-1\n");
  const std::vector<HugepageFacts> pages = probe_hugepages(root_);
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[0], (HugepageFacts{.socket = 0, .page_kib = 2048, .total = 8, .free = 0}));
  EXPECT_EQ(pages[1], (HugepageFacts{.socket = 1, .page_kib = 2048, .total = 8, .free = 3}));
}

TEST_F(DoctorFacts, HugetlbfsAndItsLeftovers) {
  put("proc/meminfo", "Hugepagesize:       2048 kB\n");
  put("proc/mounts",
      "proc /proc proc rw 0 0\nhugetlbfs /dev/hugepages hugetlbfs rw,pagesize=2M 0 0\n"
      "none /mnt/a\\040b hugetlbfs rw,pagesize=1024M 0 0\nnone /mnt/plain hugetlbfs rw 0 0\n");
  for (const char* name : {"deadmap_0", "deadmap_1", "livemap_0", "livemap_1", "other"}) {
    put(std::string("dev/hugepages/") + name, std::string(4096, 'x'));
  }
  put("mnt/a b/rtemap_7", "");
  const LockHolder alive(root_ / "dev/hugepages/livemap_1", [](int file) { flock(file, LOCK_SH); });
  const std::vector<HugetlbfsFacts> mounts = probe_machine(root_).hugetlbfs;
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mounts[0].path, "/dev/hugepages");
  EXPECT_TRUE(mounts[0].writable);
  EXPECT_FALSE(mounts[2].writable) << "is not there";
  EXPECT_EQ(mounts[0].page_kib, 2048U);
  EXPECT_EQ(mounts[1].page_kib, 1048576U);
  EXPECT_EQ(mounts[2].page_kib, 2048U);
  ASSERT_EQ(mounts[0].leftovers.size(), 1U) << "a prefix with one live file is alive";
  EXPECT_EQ(mounts[0].leftovers[0].pattern, "/dev/hugepages/deadmap_*");
  EXPECT_EQ(mounts[0].leftovers[0].files, 2U);
  EXPECT_EQ(mounts[0].leftovers[0].bytes, 8192U);
  ASSERT_EQ(mounts[1].leftovers.size(), 1U);
  EXPECT_EQ(mounts[1].leftovers[0].pattern, "/mnt/a b/rtemap_*");
}

TEST_F(DoctorFacts, PciDevices) {
  const std::string nic = "sys/bus/pci/devices/0000:03:00.0/";
  put(nic + "class", "0x020000\n");
  put(nic + "numa_node", "-1\n");
  put(nic + "virtio2/net/eth7/mtu", "1500\n");
  link(nic + "driver", "../../../bus/pci/drivers/virtio-pci");
  link(nic + "iommu_group", "../../../kernel/iommu_groups/12");
  const std::string disk = "sys/bus/pci/devices/0000:04:00.1/";
  put(disk + "class", "0x010802\n");
  put(disk + "numa_node", "1\n");
  put("sys/kernel/iommu_groups/12/type", "DMA\n");
  put("dev/vfio/12", "");
  put("dev/vfio/vfio", "");
  put("dev/net/tun", "");
  put("sys/bus/pci/drivers/vfio-pci/bind", "");
  put("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  put("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n");
  const MachineFacts facts = probe_machine(root_);
  ASSERT_EQ(facts.pci.size(), 2U);
  EXPECT_EQ(facts.pci[0].address, "0000:03:00.0");
  EXPECT_EQ(facts.pci[0].kind, 0x0200U);
  EXPECT_EQ(facts.pci[0].driver, "virtio-pci");
  EXPECT_EQ(facts.pci[0].iommu_group, "12");
  EXPECT_EQ(facts.pci[0].socket, -1);
  EXPECT_EQ(facts.pci[0].interfaces, std::vector<std::string>{"eth7"});
  EXPECT_EQ(facts.pci[0].vfio, Access::kGranted);
  EXPECT_EQ(facts.pci[1].kind, 0x0108U);
  EXPECT_EQ(facts.pci[1].socket, 1);
  EXPECT_EQ(facts.pci[1].driver + facts.pci[1].iommu_group, "");
  EXPECT_EQ(facts.pci[1].vfio, Access::kMissing);
  EXPECT_TRUE(facts.iommu && facts.vfio_pci && facts.vfio_without_iommu && facts.amd);
  EXPECT_EQ(facts.vfio_container, Access::kGranted);
  EXPECT_EQ(facts.tun, Access::kGranted);
}

TEST_F(DoctorFacts, InterfacesAndTheirRoutes) {
  put("proc/self/net/dev",
      "Inter-|   Receive  |  Transmit\n face |bytes    packets|bytes\n    lo: 1 2 3\n  eth0:9 9\n veth1: 0 0\n");
  put("proc/self/net/route",
      "Iface\tDestination\tGateway\neth0\t00000000\t010200C0\neth0\t000200C0\t00000000\nveth1\t0009000A\t0\n");
  put("sys/class/net/eth0/mtu", "9000\n");
  put("sys/class/net/eth0/flags", "0x1003\n");
  put("sys/class/net/veth1/flags", "0x1002\n");
  const std::vector<InterfaceFacts> all = probe_machine(root_).interfaces;
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].name + all[1].name + all[2].name, "loeth0veth1");
  EXPECT_EQ(all[1].mtu, 9000U);
  EXPECT_TRUE(all[1].up && all[1].routed && all[1].default_route);
  EXPECT_TRUE(all[2].routed && !all[2].default_route && !all[2].up);
  EXPECT_FALSE(all[0].routed);
}

TEST_F(DoctorFacts, PrimariesThatLive) {
  put("run/ringway/dpdk/dead/config", "x");
  put("run/ringway/dpdk/alive/config", "x");
  put("run/ringway/dpdk/empty/other", "x");
  const LockHolder alive(root_ / "run/ringway/dpdk/alive/config", [](int file) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    fcntl(file, F_SETLK, &lock);
  });
  put("proc/" + std::to_string(alive.pid()) + "/cmdline", std::string("testpmd\0-l\0"
                                                                      "0-1\0",
                                                                      15));
  const std::vector<PrimaryFacts> primaries = probe_machine(root_).primaries;
  ASSERT_EQ(primaries.size(), 1U);
  EXPECT_EQ(primaries[0].prefix, "alive");
  EXPECT_EQ(primaries[0].pid, alive.pid());
  EXPECT_EQ(primaries[0].command, "testpmd -l 0-1");
}

TEST_F(DoctorFacts, PluginFolderThatEverybodyMayWriteTo) {
  const fs::path plugins = RINGWAY_PLUGIN_FOLDER;
  fs::create_directories(root_ / plugins.relative_path());
  EXPECT_EQ(probe_machine(root_).open_plugin_folder, "");
  const fs::path above = plugins.parent_path().parent_path();
  chmod((root_ / above.relative_path()).c_str(), 0777);
  EXPECT_EQ(probe_machine(root_).open_plugin_folder, above.string());
}

TEST(DoctorHost, ReadsLists) {
  EXPECT_EQ(numbers_of("0-2,7"), (std::vector<unsigned>{0, 1, 2, 7}));
  EXPECT_EQ(numbers_of("3"), (std::vector<unsigned>{3}));
  for (const char* wrong : {"", "(null)", "1,", "2-1", "1-", "-1", "1 2", "0-4294967295"}) {
    EXPECT_TRUE(numbers_of(wrong).empty()) << wrong;
  }
}

}  // namespace
}  // namespace ringway
