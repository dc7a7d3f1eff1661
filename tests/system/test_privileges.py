#!/usr/bin/env python3
"""What each kind of port needs to start, and what is left of it while packets flow."""

import contextlib
import json
import os
import pathlib
import re
import shutil

import captures
from harness import (CROSSED, NOBODY, NULLS, ORDINARY_MEMORY, RINGWAY, SILENT, SLOWDOWN, Ringway, check_balance,
                     check_status, forwarding_options, lcores_on_cpus, main, root, test, write_config)
from rig import Rig, check_exchange, exchange, need_af_xdp, random_ways

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
SYSTEM_CALLS = re.compile(r"no capability is left, and (\d+) system calls are\n")
GONE = {"CapInh": "0" * 16, "CapPrm": "0" * 16, "CapEff": "0" * 16, "CapAmb": "0" * 16, "NoNewPrivs": "1",
        "Seccomp": "2" if SLOWDOWN == 1 else "0"}


def pcap_files(work):
    ports = {"east": {"device": f"net_pcap0,rx_pcap={work}/in.pcap,infinite_rx=1"}, "west": {"device": "net_null1"}}
    captures.write(work / "in.pcap", [bytes(60)])
    return {"ports": ports, "forwarding": CROSSED, "eal": ORDINARY_MEMORY}


def replayed(work):
    captures.write(work / "in.pcap", [bytes(60)])
    ports = {"east": {"device": f"replay,file={work}/in.pcap,rate=1kpps,loop=forever"}, "west": {"device": "net_null1"}}
    return {"ports": ports, "eal": {**ORDINARY_MEMORY, "lcores": lcores_on_cpus(2)},
            "forwarding": {"mode": "cross_connect", "pairs": [{"from": "east", "to": "west"}]}}


def taps(work):
    ports = {name: {"device": f"net_tap{i},iface=rwp{os.getpid()}_{i}"} for i, name in enumerate(("east", "west"))}
    return {"ports": ports, "forwarding": CROSSED, "eal": ORDINARY_MEMORY}


def servers(device, work):
    ports = {name: {"device": device.format(i, work / f"socket{i}")} for i, name in enumerate(("east", "west"))}
    return {"ports": ports, "forwarding": CROSSED, "eal": ORDINARY_MEMORY}


# By kind: the configuration, as a value, or as a function of the folder, or as what a rig with hosts makes of it.
ON_INTERFACES = {
    "net_af_packet": lambda rig: rig.config(),
    "net_af_xdp": lambda rig: rig.config("net_af_xdp"),
    "net_pcap (interface)": lambda rig: with_pcap(rig.config()),
}
ALONE = {"net_null": lambda _: NULLS, "net_ring": lambda _: SILENT, "net_pcap (files)": pcap_files, "net_tap": taps,
         "replay": replayed,
         "net_memif": lambda work: servers("net_memif{},role=server,socket-abstract=no,socket={}", work),
         "net_vhost": lambda work: servers("net_vhost{},iface={}", work)}


def with_pcap(config):
    ports = {name: {"device": f"net_pcap{i},rx_iface_in=to_{name},tx_iface=to_{name}"}
             for i, name in enumerate(config["ports"])}
    return {**config, "ports": ports}


def threads(process):
    """What the kernel says of each thread of a process."""
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        yield task.name, dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def check_gone(ringway):
    for thread, status in threads(ringway.process):
        told = {key: status[key] for key in GONE}
        assert told == GONE, f"thread {thread} of {ringway.process.pid}: {told}"


def as_nobody_with(capabilities):
    """The words that run a command as a user with these capabilities and no way to others."""
    names = ",".join(f"+{name}" for name in capabilities)
    sets = [f"--inh-caps=-all{',' if names else ''}{names}", f"--bounding-set=-all{',' if names else ''}{names}"]
    ambient = [f"--ambient-caps=-all,{names}"] if names else []
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *sets, *ambient, "--no-new-privs",
            "--")


@contextlib.contextmanager
def running(work, kind, capabilities):
    """A run of that kind with these capabilities only, and its rig, if it has one."""
    work.chmod(0o777)  # for the report
    binary = shutil.copy(RINGWAY, work / "ringway")
    prefix = as_nobody_with(capabilities)
    with contextlib.ExitStack() as stack:
        rig = None
        if kind in ON_INTERFACES:
            rig = stack.enter_context(Rig("a", "b"))
            config = ON_INTERFACES[kind](rig)
            prefix = ("ip", "netns", "exec", rig.middle, *prefix)
        else:
            config = ALONE[kind](work)
        yield stack.enter_context(Ringway(work, *forwarding_options(work, config), prefix=prefix, binary=binary)), rig


def row_of(kind):
    """The cells of the kind's row in the README's table: kind, copies, capabilities, system calls, ..."""
    rows = [line.split(" | ") for line in README.read_text().splitlines() if line.startswith(f"| `{kind}` ")]
    assert len(rows) == 1, f"README.md has {len(rows)} rows for {kind}"
    return rows[0]


def needed(kind):
    """The capabilities that the README names for the kind."""
    return [name.lower() for name in re.findall(r"CAP_(\w+)", row_of(kind)[2])]


@test(root, each=[(kind,) for kind in (*ALONE, *ON_INTERFACES)])
def a_user_with_no_more_than_the_readme_says_starts(work, kind):
    if kind == "net_af_xdp":
        need_af_xdp()
    with running(work, kind, needed(kind)) as (ringway, rig):
        ringway.wait_until_forwarding()
        check_gone(ringway)
        if rig:
            ways = random_ways(rig, 500)
            check_exchange(ways, exchange(ways))
        told = SYSTEM_CALLS.search(ringway.err)
        check_balance(ringway.stop())
    assert told or SLOWDOWN > 1, ringway.err
    said = row_of(kind)[3]
    assert not told or said == told[1], f"README.md says {said} system calls for {kind}; there are {told[1]}"


@test(root, each=[(kind, capability) for kind in (*ALONE, *ON_INTERFACES) for capability in needed(kind)])
def does_not_start_without(work, kind, capability):
    if kind == "net_af_xdp":
        need_af_xdp()
    with running(work, kind, [name for name in needed(kind) if name != capability]) as (ringway, _):
        ringway.finish(20 * SLOWDOWN)
        assert ringway.status in (1, 69, 77), f"exit status {ringway.status}: {ringway.err}"


@test(root)
def keep_privileges_keeps_them(work):
    with Ringway(work, *forwarding_options(work, NULLS), "--keep-privileges") as ringway:
        ringway.wait_until_forwarding()
        for thread, status in threads(ringway.process):
            assert int(status["CapEff"], 16) != 0 and status["Seccomp"] == "0", f"{thread}: {status}"
        assert "privileges" not in ringway.err
        check_status(ringway.stop(), 0)


@test(root)
def telemetry_takes_system_calls(work):
    config = {**NULLS, "eal": {**ORDINARY_MEMORY, "no_telemetry": False}}
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        ringway.wait_until_forwarding()
        for thread, status in threads(ringway.process):
            assert int(status["CapEff"], 16) == 0 and status["Seccomp"] == "0", f"{thread}: {status}"
        check_status(ringway.stop(), 0, "system calls are not filtered, since " if SLOWDOWN == 1 else "")


@test(root)
def a_report_reaches_a_folder_behind_one_of_another_users(work):
    """Only a capability leads through that one, and it is gone when the report is written."""
    home = work / "home"
    (home / "results").mkdir(parents=True)
    os.chown(home, NOBODY, NOBODY)
    home.chmod(0o700)
    report = home / "results" / "report.json"
    with Ringway(work, "--config", write_config(work, NULLS), "--report", report) as ringway:
        check_status(ringway.wait_until_forwarding().stop(), 0)
    assert json.loads(report.read_text())["exit"] == 0
    assert [path.name for path in report.parent.iterdir()] == [report.name]


if __name__ == "__main__":
    main()
