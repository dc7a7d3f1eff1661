#!/usr/bin/env python3
"""--doctor, on this machine and on made-up parts of it: each obstacle is found, and its command mends it."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

from harness import (AS_NOBODY, CPUS, HUGEPAGES, NULLS, ORDINARY_MEMORY, RINGWAY, SLOWDOWN, Ringway, Skip,
                     check_status, hugepages, main, root, run, test, unprivileged, write_config)
from machine import NODES, WITHOUT_HUGETLBFS, hugepages_of, mount_namespaces, put, reserved_hugepages, with_mounts

NETNS = f"ringway-doctor-{os.getpid()}"
PAGES = 64  # 128 MiB
FIRST, SECOND = "0000:03:00.0", "0000:03:00.1"
LOCK_64_KIB, LOCK_8_MIB = (("prlimit", f"--memlock={size}:{size}") for size in (64 << 10, 8 << 20))


def on(device):
    """A configuration with one port on the device."""
    ports = {"east": {"device": device}, "west": {"device": "net_null1"}}
    return {**NULLS, "ports": ports, "eal": ORDINARY_MEMORY}


def doctor(work, config=None, *options, **how):
    """The exit status and the findings by their ids."""
    named = () if config is None else ("--config", write_config(work, config))
    ringway = run(work, "--doctor", *named, "--format", "json", *options, **how)
    assert ringway.err == "", ringway.err
    told = json.loads(ringway.out)
    severities = [finding["severity"] for finding in told["findings"]]
    assert severities == ["obstacle"] * told["obstacles"] + ["advice"] * told["advice"], told
    assert (ringway.status == 0) == (told["obstacles"] == 0), ringway.status
    return ringway.status, {finding["id"]: finding for finding in told["findings"]}


def check_finding(told, status, name, *words):
    """The status, and a finding with these words; returns its fix."""
    assert told[0] == status, told
    assert name in told[1], f"no {name} in {told[1]}"
    text = json.dumps(told[1][name], ensure_ascii=False)
    for word in words:
        assert word in text, f"no '{word}' in {text}"
    return told[1][name]["fix"]


def mend(fix, *prefix):
    """Runs the command, as a user would."""
    done = subprocess.run([*prefix, "sh", "-c", fix], capture_output=True, text=True)
    assert done.returncode == 0, f"{fix}: {done.stderr}"


def reachable_binary(work):
    """The binary where any user can run it."""
    return shutil.copy(RINGWAY, work / "ringway")


def machine_with_nics(work, first, second="vfio-pci", group="7", node="7"):
    """Prefix to see two made-up NICs: their drivers, whether their IOMMU groups are there, and their files."""
    nics = {}
    for address, driver in ((FIRST, first), (SECOND, second)):
        nics |= {f"devices/{address}/class": "0x020000\n", f"devices/{address}/numa_node": "0\n",
                 f"devices/{address}/driver": f"->../../../bus/pci/drivers/{driver}",
                 f"drivers/{driver}/bind": ""}
        if group:
            nics[f"devices/{address}/iommu_group"] = f"->../../../kernel/iommu_groups/{group}"
    nics[f"devices/{FIRST}/net/lo/mtu"] = "65536\n"
    groups = put(work / "groups", {f"{group}/type": "DMA\n"} if group else {})
    groups.mkdir(exist_ok=True)
    files = put(work / "dev", {f"vfio/{node}": "", "vfio/vfio": "", "null": ""})
    (files / "vfio" / node).chmod(0o600)
    return with_mounts({"/sys/bus/pci": put(work / "pci", nics), "/sys/kernel/iommu_groups": groups, "/dev": files})


@test()
def nothing_is_in_the_way_of_a_demo(work):
    status, findings = doctor(work, NULLS)
    assert status == 0 and not findings, findings


@test()
def text_and_json_tell_the_same(work):
    """Of the machine in general, in no time: EAL is not started."""
    told = run(work, "--doctor", "--format", "json")
    findings = json.loads(told.out)["findings"]
    runs = [run(work, "--doctor", "--format", "text") for _ in range(3)]
    *blocks, closing = runs[0].out.split("\n\n")
    assert runs[0].status == told.status and len(blocks) == len(findings), runs[0].out
    for block, finding in zip(blocks, findings):
        assert len(block.splitlines()) <= 6, block
        assert block.endswith(f"\n  cause: {finding['cause']}\n  fix:   {finding['fix']}"), block
    obstacles = sum(finding["severity"] == "obstacle" for finding in findings)
    assert closing.startswith(f"{obstacles} obstacle"), closing
    quickest = min(ringway.seconds for ringway in runs)
    assert quickest < 0.1 * SLOWDOWN, f"took {quickest * 1000:.0f} ms"


@test()
def configuration_that_is_wrong_exits_78(work):
    check_status(run(work, "--doctor", "--config", write_config(work, on("net_nul0"))), 78, "did you mean 'net_null'?")


@test(hugepages)
def hugepages_are_reserved_by_the_command(work):
    """More than there are are asked for; the command is run; then nothing is in the way, and the start succeeds."""
    total = HUGEPAGES / "nr_hugepages"
    before = total.read_text()
    free_mib = int((HUGEPAGES / "free_hugepages").read_text()) * 2
    config = {**NULLS, "pool": {"size": (free_mib + 32) * 512}, "eal": {"lcores": "0@0,1@0"}}
    told = doctor(work, config)
    fix = check_finding(told, 69, "hugepages", f"{free_mib} MiB are free")
    check_status(run(work, "--config", work / "config.yaml", "--duration", "0.1"), 69, "hugepages")
    try:
        mend(fix)
        assert int(total.read_text()) > int(before), fix
        status, findings = doctor(work, config)
        assert status == 0 and "hugepages" not in findings, findings
        check_status(run(work, "--config", work / "config.yaml", "--duration", "0.1"), 0)
    finally:
        total.write_text(before)


@test(mount_namespaces)
def hugepages_on_the_wrong_node(work):
    pages = with_mounts({NODES: hugepages_of(work / "nodes", 0, 512)})
    config = {**NULLS, "eal": {"lcores": "0@0,1@0"}}
    fix = check_finding(doctor(work, config, prefix=pages), 69, "hugepages", "NUMA socket 0", "0 MiB are free",
                        "1024 MiB are free on socket 1")
    assert "/node0/" in fix, fix
    assert "hugepages" in doctor(work, prefix=with_mounts({NODES: hugepages_of(work / "none", 0)}))[1]


@contextlib.contextmanager
def primary(work, pages=PAGES):
    """A ringway whose hugepages are files of a hugetlbfs; the configuration that it runs, and how to run another."""
    mount = work / "huge"
    mount.mkdir()
    with contextlib.ExitStack() as stack:
        stack.enter_context(reserved_hugepages(pages))
        subprocess.run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "hugetlbfs", mount], check=True)
        stack.callback(subprocess.run, ["umount", "--lazy", mount], check=True)
        config = {**NULLS, "eal": {"in_memory": False, "huge_dir": str(mount), "file_prefix": NETNS,
                                   "lcores": "0@0,1@0"}}
        (work / "primary").mkdir()
        ringway = stack.enter_context(
            Ringway(work / "primary", "--config", write_config(work, config, "primary.yaml"), "--format", "json"))
        ringway.wait_until_forwarding()
        yield ringway, config, {"prefix": ("env", f"RUNTIME_DIRECTORY={work}/primary/runtime")}


@test(hugepages)
def prefix_in_use_is_told_with_its_process(work):
    with primary(work) as (ringway, config, here):
        pid = ringway.process.pid
        fix = check_finding(doctor(work, config, **here), 69, "prefix", f"process {pid} ", "primary.yaml")
        assert "file_prefix" in fix and f"kill {pid}" in fix, fix
        assert "prefix" not in doctor(work, {**NULLS, "eal": {"file_prefix": NETNS, "lcores": "0@0,1@0"}}, **here)[1]
        mend(fix[fix.index("kill "):])
        ringway.finish()
        assert "prefix" not in doctor(work, config, **here)[1]


@test(hugepages)
def files_of_a_dead_process_are_removed_by_the_command(work):
    with primary(work) as (ringway, config, here):
        in_memory = {**NULLS, "eal": {"lcores": "0@0,1@0"}}
        assert list((work / "huge").glob("*map_*")), "no files"
        assert "leftover_files" not in doctor(work, in_memory, **here)[1], "they are held"
        ringway.process.send_signal(signal.SIGKILL)
        ringway.finish()
        fix = doctor(work, in_memory, **here)[1]["leftover_files"]["fix"]
        mend(fix)
        assert not list((work / "huge").glob("*map_*")), fix
        assert "leftover_files" not in doctor(work, in_memory, **here)[1]


@test(hugepages, mount_namespaces)
def hugetlbfs_that_is_not_mounted(work):
    files, memory = ({**NULLS, "eal": {"in_memory": how, "lcores": "0@0,1@0"}} for how in (False, True))
    with reserved_hugepages(PAGES):
        fix = check_finding(doctor(work, files, prefix=WITHOUT_HUGETLBFS), 69, "hugetlbfs", "/dev/hugepages")
        assert "mount -t hugetlbfs" in fix or "-v /dev/hugepages:" in fix, fix  # the latter in a container
        assert "hugetlbfs" not in doctor(work, memory, prefix=WITHOUT_HUGETLBFS)[1]


@test(root)
def interface_is_made_by_the_command(work):
    subprocess.run(["ip", "netns", "add", NETNS], check=True)
    there = ("ip", "netns", "exec", NETNS)
    try:
        config = on("net_af_packet0,iface=doctor0")
        mend(check_finding(doctor(work, config, prefix=there), 69, "interface", "'doctor0'", "there are lo"), *there)
        assert "interface" not in doctor(work, config, prefix=there)[1]
        subprocess.run([*there, "ip", "link", "set", "doctor0", "down"], check=True)
        fix = check_finding(doctor(work, config, prefix=there), 0, "interface_down")
        mend(fix, *there)
        assert "interface_down" not in doctor(work, config, prefix=there)[1]
    finally:
        subprocess.run(["ip", "netns", "del", NETNS], check=True)


@test(root, unprivileged)
def capabilities_that_are_lacking(work):
    how = {"prefix": AS_NOBODY, "binary": reachable_binary(work)}
    for device, names in (("net_af_packet0,iface=lo", "cap_net_admin,cap_net_raw"), ("net_tap0", "cap_net_admin"),
                          ("net_pcap0,iface=lo", "cap_net_raw")):
        fix = check_finding(doctor(work, on(device), **how), 77, "capabilities", "user 65534 lacks cap_net_")
        assert fix.startswith(f"setcap {names}=ep {how['binary']}"), fix
        check_status(run(work, "--config", work / "config.yaml", "--duration", "0.1", **how), 77)
    assert doctor(work, NULLS, **how) == (0, {})
    raw = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+net_raw,+net_admin",
           "--ambient-caps=+net_raw,+net_admin", "--")
    assert "capabilities" not in doctor(work, on("net_af_packet0,iface=lo"), prefix=raw, binary=how["binary"])[1]


@test(root, unprivileged)
def memory_that_may_not_be_locked(work):
    config = {**on("net_af_xdp0,iface=lo"), "pool": {"size": 1023}}
    binary = reachable_binary(work)
    fix = check_finding(doctor(work, config, prefix=(*LOCK_64_KIB, *AS_NOBODY), binary=binary), 77, "memlock",
                        "ulimit -l", "0 MiB")
    assert "memlock=unlimited" in fix, fix
    assert "memlock" not in doctor(work, config, prefix=(*LOCK_8_MIB, *AS_NOBODY), binary=binary)[1]
    assert "memlock" not in doctor(work, config, prefix=LOCK_64_KIB)[1], "root has CAP_IPC_LOCK"


@test()
def lcore_outside_the_affinity(work):
    config = {**NULLS, "lcores": {"1": {"rx": ["east.0", "west.0"]}}}
    config = json.dumps(config).replace('"1"', "1")
    told = doctor(work, config, prefix=("taskset", "-c", "0"))
    check_finding(told, 69, "configuration", "lcores.1", "affinity", "eal.lcores")
    mapped = config.replace('"no_huge": true', '"no_huge": true, "lcores": "0@0,1@1"')
    if 1 in CPUS:
        assert doctor(work, mapped, prefix=("taskset", "-c", "0")) == (0, {}), "an affinity can be widened"


@test(root)
def lcore_outside_the_cpuset(work):
    group = pathlib.Path("/sys/fs/cgroup/cpuset") / NETNS
    if not group.parent.joinpath("cpuset.cpus").exists() or len(CPUS) < 2:
        raise Skip("no cpuset controller (cgroup v1), or a single CPU")
    group.mkdir()
    try:
        (group / "cpuset.mems").write_text("0")
        (group / "cpuset.cpus").write_text(str(CPUS[0]))
        inside = ("sh", "-c", f"echo $$ > {group}/tasks && exec \"$@\"", "sh")
        config = {**NULLS, "eal": {**ORDINARY_MEMORY, "lcores": f"0@{CPUS[0]},1@{CPUS[1]}"}}
        check_finding(doctor(work, config, prefix=inside), 69, "lcores", "lcore 1", f"CPU {CPUS[1]}", "cpuset")
        assert run(work, "--config", work / "config.yaml", "--duration", "0.1", prefix=inside).status != 0
        assert doctor(work, config) == (0, {})
    finally:
        group.rmdir()


@test(mount_namespaces, each=(("absent",), ("kernel's driver",), ("no IOMMU",), ("shared group",), ("ready",)))
def nic(work, state):
    first = "ixgbe" if state in ("kernel's driver", "shared group") else "vfio-pci"
    machine = machine_with_nics(work, first, "vfio-pci", "" if state == "no IOMMU" else "7")
    address = {"absent": "0000:03:00.2", "shared group": SECOND}.get(state, FIRST)
    told = doctor(work, on(address), prefix=machine)
    if state == "absent":
        check_finding(told, 69, "nic_absent", "0000:03:00.2", f"{SECOND} (vfio-pci) or {FIRST} (vfio-pci)")
    elif state == "kernel's driver":
        fix = check_finding(told, 69, "nic_driver", "ixgbe", "interface lo")
        assert fix == f"dpdk-devbind.py --bind=vfio-pci {FIRST}", fix
    elif state == "no IOMMU":
        check_finding(told, 69, "iommu", "_iommu=on")
    elif state == "shared group":
        fix = check_finding(told, 69, "iommu_group", f"{FIRST} (ixgbe)", "group 7")
        assert fix == f"dpdk-devbind.py --bind=vfio-pci {FIRST}", fix
    else:
        assert told == (0, {}), told


@test(mount_namespaces, unprivileged)
def vfio_file_that_is_not_for_this_user(work):
    machine = machine_with_nics(work, "vfio-pci")
    (work / "dev/vfio/vfio").chmod(0o666)
    told = doctor(work, on(FIRST), prefix=(*machine, *AS_NOBODY), binary=reachable_binary(work))
    assert check_finding(told, 77, "vfio_access", "/dev/vfio/7").startswith("chown 65534 /dev/vfio/7")
    os.chown(work / "dev/vfio/7", 65534, 65534)
    told = doctor(work, on(FIRST), prefix=(*machine, *AS_NOBODY), binary=reachable_binary(work))
    assert "vfio_access" not in told[1], told


@test(mount_namespaces)
def tap_without_its_device(work):
    no_tun = with_mounts({"/dev": put(work / "dev", {"null": ""})})
    check_finding(doctor(work, on("net_tap0"), prefix=no_tun), 69, "tun", "there is no /dev/net/tun")
    assert "tun" not in doctor(work, NULLS, prefix=no_tun)[1]


if __name__ == "__main__":
    main()
