#!/usr/bin/env python3
"""What goes wrong in the first hour with DPDK, provoked: each failure has its exit status and, in at most 6 lines, its
cause and what mends it. Where --doctor can see it, it tells the same status."""

import contextlib
import os
import pathlib
import shutil
import subprocess

from harness import (AS_NOBODY, CPUS, NULLS, RINGWAY, Ringway, check_status, hugepages, main, root, run, test,
                     unprivileged, write_config)
from machine import NODES, WITHOUT_HUGETLBFS, hugepages_of, mount_namespaces, reserved_hugepages, with_mounts

PREFIX = f"first-hour-{os.getpid()}"
TWO_LCORES = {"lcores": f"0@{CPUS[0]},1@{CPUS[0]}"}
ON_HUGEPAGES = {**NULLS, "eal": {**TWO_LCORES, "file_prefix": PREFIX}}
IN_FILES = {**NULLS, "eal": {**TWO_LCORES, "file_prefix": PREFIX, "in_memory": False}}


def on(device, **port):
    return {**NULLS, "ports": {"east": {"device": device, **port}, "west": {"device": "net_null1"}}}


NO_CPU = CPUS[-1] + 7
TWICE = """\
ports: {a: {device: net_null0}}
forwarding: {mode: reflect, ports: [a]}
lcores:
  1: {rx: [a.0]}
  1: {rx: [a.0]}
"""

# Name: configuration, EAL's arguments, exit status, words.
ANYWHERE = {
    "lcore that is not there":
        (NULLS, ("-l", f"{CPUS[0]},{NO_CPU}"), 69, ("CPU that is not there", "taskset -p")),
    "lcore mapped to no CPU":
        (NULLS, ("--lcores", f"0@0,1@{NO_CPU}"), 69, ("CPU that is not there", "taskset -p")),
    "address of no NIC":
        (on("0000:ff:1f.7"), (), 69, ("0000:ff:1f.7", "Cannot find device", "ringway --doctor")),
    "vdev's name mistyped":
        (on("net_nul0"), (), 78, ("net_nul0", "did you mean 'net_null'?")),
    "interface that is not there":
        (on("net_af_packet0,iface=nowhere"), (), 69, ("no interface", "'nowhere'; expected lo")),
    "capture that is not there":
        (on("net_pcap0,rx_pcap=/nowhere"), (), 69, ("/nowhere", "No such file or directory")),
    "more queues than the driver has":
        (on("net_ring0", rx_queues=99), (), 69, ("rx_queues", "is 99", "has 16 here; expected no more")),
    "core given twice":
        (NULLS, ("-l", f"{CPUS[0]},{CPUS[0]}"), 69, ("main lcore forwards nothing", "expected two lcores")),
    "lcore twice in the file":
        (TWICE, (), 78, (":5:3: lcores.1: is given twice", "line 4")),
    "too few mbufs":
        ({**NULLS, "pool": {"size": 1000}}, (), 78, ("pool.size: is 1000", "expected at least", "RX descriptors")),
    "more memory than RAM":
        (NULLS, ("-m", "99999999"), 69, ("99999999 MiB", "expected less than")),
    "less memory than the pools need":
        (NULLS, ("-m", "20"), 69, ("eal.memory: is ", "the pools need", "expected eal: {memory: ")),
    "memory of two kinds":
        (NULLS, ("--in-memory", "--no-huge"), 2, ("exclude each other", "leave one out")),
    "argument unknown to EAL":
        (NULLS, ("--nonsense",), 2, ("an EAL argument is not known", "'--nonsense'")),
    "value that EAL does not take":
        (NULLS, ("--iova-mode=zz",), 2, ("an EAL argument has a wrong value", "iova-mode")),
}
UNSEEN = {"argument unknown to EAL", "value that EAL does not take", "memory of two kinds",  # EAL's own arguments
          "more queues than the driver has", "capture that is not there", "core given twice"}  # only drivers know


def check_told(ringway, status, words):
    check_status(ringway, status, *words)
    assert len(ringway.err.splitlines()) <= 6, f"{len(ringway.err.splitlines())} lines:\n{ringway.err}"


def fails(work, config, status, words, seen=True, **how):
    """The start fails so; --doctor with the same arguments says so before."""
    path = write_config(work, config)
    check_told(run(work, "--config", path, "--duration", "0.1", **how), status, words)
    if seen:
        check_status(run(work, "--doctor", "--config", path, **how), status)


def reachable_binary(work):
    return shutil.copy(RINGWAY, work / "ringway")


@test(each=[(name,) for name in ANYWHERE])
def it_goes_wrong(work, name):
    config, eal, status, words = ANYWHERE[name]
    fails(work, config, status, words, name not in UNSEEN, eal=eal)


@test(mount_namespaces)
def no_hugepages(work):
    none = with_mounts({NODES: hugepages_of(work / "nodes", 0)})
    fails(work, ON_HUGEPAGES, 69, ("no hugepages are free", "echo 256 > /proc/sys/vm/nr_hugepages", "no_huge"),
          prefix=none)


@test(hugepages)
def too_few_hugepages(work):
    with reserved_hugepages(16):
        fails(work, {**ON_HUGEPAGES, "pool": {"size": 16777215}}, 69,
              ("pool: needs ", "MiB of hugepages on NUMA socket 0", "expected: echo "))


@test(hugepages)
def more_hugepages_at_start_than_are_free(work):
    with reserved_hugepages(16):
        config = {**ON_HUGEPAGES, "eal": {**ON_HUGEPAGES["eal"], "memory": 1048576}}
        fails(work, config, 69, ("eal.memory", "more than the hugepages that are free", "nr_hugepages"))


@test(hugepages, mount_namespaces)
def hugetlbfs_not_mounted(work):
    with reserved_hugepages(64):
        words = ("no hugetlbfs is mounted", "mount -t hugetlbfs hugetlbfs /dev/hugepages", "in_memory")
        fails(work, IN_FILES, 69, words, prefix=WITHOUT_HUGETLBFS)


@test(hugepages)
def prefix_in_use(work):
    mount = work / "huge"
    mount.mkdir()
    config = {**IN_FILES, "eal": {**IN_FILES["eal"], "huge_dir": str(mount)}}
    (work / "first").mkdir()
    with contextlib.ExitStack() as stack:
        stack.enter_context(reserved_hugepages(64))
        subprocess.run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "hugetlbfs", mount], check=True)
        stack.callback(subprocess.run, ["umount", "--lazy", mount], check=True)
        first = stack.enter_context(
            Ringway(work / "first", "--config", write_config(work, config, "first.yaml"), "--format", "json"))
        first.wait_until_forwarding()
        fails(work, config, 69, ("another DPDK process runs with the same --file-prefix", "give this one another"),
              prefix=("env", f"RUNTIME_DIRECTORY={work}/first/runtime"))
        check_status(first.stop(), 0)


@test(root, unprivileged, each=(("net_af_packet0,iface=lo",), ("net_tap0,iface=firsthour",)))
def without_capabilities(work, device):
    fails(work, on(device), 77, ("this user may not", "run as root", "ringway --doctor"), prefix=AS_NOBODY,
          binary=reachable_binary(work))


@test(hugepages, unprivileged)
def folder_of_eal_that_cannot_be_made(work):
    (work / "closed").mkdir(mode=0o700)
    with reserved_hugepages(64):
        ringway = run(work, "--config", write_config(work, IN_FILES), binary=reachable_binary(work),
                      prefix=("env", f"RUNTIME_DIRECTORY={work}/closed", *AS_NOBODY))
    check_told(ringway, 77, ("EAL's folder cannot be made", "RUNTIME_DIRECTORY"))


@test(mount_namespaces)
def plugins_below_a_folder_for_everybody(work):
    asked = subprocess.run(["pkg-config", "--variable=libdir", "libdpdk"], capture_output=True, text=True, check=True)
    folder = pathlib.Path(asked.stdout.strip()) / "dpdk"
    copy = work / "dpdk"
    copy.mkdir()
    for plugins in folder.iterdir():
        (copy / plugins.name).mkdir()
    copy.chmod(0o777)
    mounts = {str(copy / plugins.name): plugins for plugins in folder.iterdir()}
    fails(work, NULLS, 77, ("everybody may write", "chmod o-w"), prefix=with_mounts({**mounts, str(folder): copy}))


if __name__ == "__main__":
    main()
