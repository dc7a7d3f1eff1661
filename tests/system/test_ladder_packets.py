#!/usr/bin/env python3
"""ringway-ladder's rungs of packets, of processes and of waiting: all run, with every byte right, and copy and call the
kernel as often as each technique says."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

from harness import AS_NOBODY, SLOWDOWN, main, root, test, unprivileged
from rig import need_af_xdp

LADDER = os.environ.get("LADDER", "build/app/ladder/ringway-ladder")
GROUPS = ("packet", "process", "waiting")
PATIENCE_S = 120 * SLOWDOWN  # a quick run takes ten on a quiet machine
MARK = "LADDER_TEST"  # in the environment of all that is started here

# Copies of payload a byte: what README.md promises.
COPIES = {
    "af_packet": 2, "af_packet_mmsg": 2, "packet_mmap": 2, "af_xdp": 2, "bridge": 0, "router": 0,
    "ringway_af_packet": 2, "ringway_af_xdp": 2, "ringway_lab": 0,
    "pipe": 2, "unix_datagram": 2, "shm_ring": 1, "fbufs": 0,
    "wait_blocking": 2, "wait_epoll": 2, "wait_busy_poll": 2, "wait_spinning": 2, "wait_poll_mode": 2,
}

# System calls, at least and at most, by (messages or packets, batches). A batch is what one look brought, 32 packets at
# most. The tolerance, on top: 2 % and 64 calls, for timers and for calls that the kernel cuts short.
CALLS = {
    "af_packet": lambda n, _: (2 * n, 2 * n),           # recvfrom, sendto
    "af_packet_mmsg": lambda _, b: (2 * b, 2 * b),      # recvmmsg, sendmmsg
    "packet_mmap": lambda _, b: (b, 2 * b),             # send; poll where no block was ready
    "af_xdp": lambda _, b: (b, 2 * b),                  # sendto; poll where the ring was empty
    "bridge": lambda *_: (0, 0),
    "router": lambda *_: (0, 0),
    "ringway_af_packet": lambda n, b: (n / 32, b),      # sendto a burst
    "ringway_af_xdp": lambda n, _: (n / 32, 2 * n),     # sendto a burst, again where the kernel took only a part
    "ringway_lab": lambda *_: (0, 0),
    "pipe": lambda n, _: (2 * n, 4 * n),                # write, read; more where a message came in pieces
    "unix_datagram": lambda n, _: (2 * n, 2 * n),       # send, recv
    "shm_ring": lambda n, _: (0, 4 * n),                # both wait and are woken for each message, at worst
    "fbufs": lambda n, _: (4 * n / 32, 10 * n),         # of both: mprotect and send, poll and recv; at worst a message
    "wait_blocking": lambda n, _: (2 * n, 2 * n),       # recvfrom, sendto
    "wait_epoll": lambda n, _: (3 * n, 3 * n),          # epoll_wait, recvfrom, sendto
    "wait_busy_poll": lambda n, _: (2 * n, 2 * n),
    "wait_spinning": lambda n, _: (2 * n, float("inf")),
    "wait_poll_mode": lambda n, _: (n / 32, n),         # sendto a batch
}
BATCHES = {"af_packet_mmsg", "packet_mmap"}
# Those whose calls are another program's, or a library's: nobody counts them but the kernel.
ONLY_THE_KERNEL = {"ringway_af_packet", "ringway_af_xdp", "ringway_lab", "fbufs"}


def ladder(work, *options, prefix=(), seconds=PATIENCE_S):
    """A quick run of the three groups; the rungs by name, and how it ended."""
    report = work / "ladder.json"
    work.chmod(0o777)
    only = [word for group in GROUPS for word in ("--only", group)] if "--only" not in options else []
    done = subprocess.run([*prefix, LADDER, "--quick", *only, *options, "--json", report], capture_output=True,
                          text=True, timeout=seconds, env={**os.environ, MARK: str(os.getpid())})
    assert report.exists(), f"exit status {done.returncode}:\n{done.stderr}{done.stdout}"
    rungs = {rung["name"]: rung for rung in json.loads(report.read_text())["rungs"]}
    return rungs, done


def check_calls(rung):
    name, counted = rung["name"], rung["syscalls"]
    low, high = CALLS[name](rung["packets"], rung["batches"])
    if name in BATCHES:  # of 32 at most; the source sends so many at a time
        assert rung["packets"] / 32 <= rung["batches"] <= rung["packets"] / 2, rung
    assert low * 0.98 - 64 <= counted <= high * 1.02 + 64, f"{name}: {counted} calls, expected {low} to {high}: {rung}"
    if name not in ONLY_THE_KERNEL and rung["syscalls_counted_by"] == "kernel":
        own = rung["syscalls_by_program"]
        assert abs(counted - own) <= 2, f"{name}: the kernel counted {counted} calls, the program {own}"


def marked():
    """What runs here and was started by a ladder of this test."""
    word = f"{MARK}={os.getpid()}".encode()
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and word in (entry / "environ").read_bytes().split(b"\0"):
                found.append((int(entry.name), (entry / "comm").read_text().strip()))
    return found


def check_nothing_left(namespaces):
    deadline = time.monotonic() + 10
    while marked() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not marked(), f"still running: {marked()}"
    assert os.listdir("/run/netns") == namespaces if os.path.isdir("/run/netns") else not namespaces


def named_namespaces():
    return os.listdir("/run/netns") if os.path.isdir("/run/netns") else []


@test(root)
def all_rungs_run_as_root(work):
    need_af_xdp()
    namespaces = named_namespaces()
    rungs, done = ladder(work)
    assert done.returncode == 0, f"exit status {done.returncode}:\n{done.stderr}{done.stdout}"
    assert set(rungs) == set(COPIES) == set(CALLS), set(rungs) ^ set(COPIES)
    for name, rung in rungs.items():
        assert not rung["skipped_because"], f"{name} did not run: {rung['skipped_because']}"
        assert rung["verified"] and rung["packets"] > 0, rung
        assert rung["use"] and rung["limit"] and rung["copies_shown_by"], rung
    check_nothing_left(namespaces)
    check_copies(rungs)
    for rung in rungs.values():
        check_calls(rung)
    check_waiting(rungs, done.stdout)


def check_copies(rungs):
    for name, rung in rungs.items():
        assert rung["copies_per_byte"] == COPIES[name], f"{name}: {rung['copies_per_byte']} copies a byte"
    for name in ("af_xdp", "ringway_af_xdp"):  # veth has no zero copy: it must be asked for, and its refusal told
        assert "XDP_COPY" in rungs[name]["fell_back"] or "the kernel copy" in rungs[name]["fell_back"], rungs[name]


def check_waiting(rungs, table):
    for name, rung in rungs.items():
        if rung["group"] == "waiting":
            low, high = rung["waiting"]
            assert (low["load"], high["load"]) == ("low", "high"), rung
            assert 0 < low["cpu_share"] <= 1.05 and 0 < high["cpu_share"] <= 1.05, rung
            assert 0 < low["latency_p50_us"] <= low["latency_p99_us"], rung
    # Whoever sleeps takes less than whoever does not, on any machine.
    assert rungs["wait_blocking"]["waiting"][0]["cpu_share"] < rungs["wait_spinning"]["waiting"][0]["cpu_share"]
    busy = rungs["wait_busy_poll"]
    assert not busy["fell_back"], busy
    assert "answers soonest" in table and "passes the most messages" in table, table


@test(root, unprivileged)
def without_privileges_each_runs_or_says_why(work):
    namespaces = named_namespaces()
    rungs, done = ladder(work, prefix=AS_NOBODY)
    assert done.returncode == 0, f"exit status {done.returncode}:\n{done.stderr}{done.stdout}"
    for name in ("pipe", "unix_datagram", "shm_ring", "fbufs", "ringway_lab"):
        assert rungs[name]["verified"], rungs[name]
    for name, rung in rungs.items():
        if rung["skipped_because"]:
            print(f"# {name}: {rung['skipped_because']}")
            assert "expected" in rung["skipped_because"], rung
        else:
            assert rung["verified"] and rung["copies_per_byte"] == COPIES[name], rung
            assert rung["syscalls_counted_by"] == ("nobody" if name in ONLY_THE_KERNEL else "program"), rung
    check_nothing_left(namespaces)


@test(root, each=(("af_packet",), ("ringway_af_packet",), ("ringway_lab",), ("pipe",), ("wait_spinning",)))
def nothing_is_left_of_one_that_is_killed(work, name):
    namespaces = named_namespaces()
    endless = ("--size", "32768", "--packets", "100000000")
    with subprocess.Popen([LADDER, "--only", name, *endless], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env={**os.environ, MARK: str(os.getpid())}) as process:
        time.sleep(1.0 * min(SLOWDOWN, 3))  # well inside so long a run
        assert process.poll() is None, process.returncode
        assert len(marked()) > 1, marked()
        process.send_signal(signal.SIGKILL)
        process.wait()
    check_nothing_left(namespaces)


@test(root)
def a_forwarder_that_is_not_there_is_told(work):
    rungs, done = ladder(work, "--only", "ringway_lab", "--ringway", "/nonexistent/ringway")
    assert done.returncode == 0, done.stderr
    assert "no program to start as ringway" in rungs["ringway_lab"]["skipped_because"], rungs


if __name__ == "__main__":
    main()
