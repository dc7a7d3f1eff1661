#!/usr/bin/env python3
"""ringway-ladder's rungs of packets, of processes and of waiting: all run, with every byte right, and copy and call the
kernel as often as each technique says."""

import contextlib
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from harness import AS_NOBODY, SLOWDOWN, main, root, test, unprivileged
from rig import need_af_xdp

LADDER = os.environ.get("LADDER", "build/app/ladder/ringway-ladder")
GROUPS = ("process", "packet", "waiting")
PATIENCE_S = 120 * SLOWDOWN  # a quick run takes ten on a quiet machine
MARK = "LADDER_TEST"  # in the environment of all that is started here

# The rungs in the ladder's order, and their copies of payload a byte.
COPIES = {
    "pipe": 2, "unix_datagram": 2, "shm_ring": 1, "fbufs": 0,
    "af_packet": 2, "af_packet_mmsg": 2, "packet_mmap": 2, "af_xdp": 2, "bridge": 0, "router": 0,
    "ringway_af_packet": 3,  # into the ring that is read, out of it, into the ring that is sent
    "ringway_af_xdp": 2, "ringway_lab": 0,
    "wait_blocking": 2, "wait_epoll": 2, "wait_busy_poll": 2, "wait_spinning": 2, "wait_poll_mode": 2,
}

# Batches, at least and at most, by messages or packets. A batch is what one look or one message brought.
BATCHES = {
    "shm_ring": lambda n: (0, 2 * n),                   # times that one of both slept
    "fbufs": lambda n: (n / 16, n / 8),                 # 16 messages at once; never fewer than 13 buffers are free
    "af_packet": lambda n: (n, n),
    "af_packet_mmsg": lambda n: (n / 32, n / 2),        # the source sends 32 at a time
    "packet_mmap": lambda n: (n / 32, n / 2),
    "af_xdp": lambda n: (n / 32, n),
    "ringway_af_packet": lambda n: (n / 32 - 1, n),
    "ringway_af_xdp": lambda n: (n / 32 - 1, n),
    "ringway_lab": lambda n: (n / 32, n),
}

WARM_UP = 512  # packets; ringway tells its bursts of these and of the transfer in one, which the rung shares out
LOOK_S = 50e-9  # a look at two empty queues takes no less
LOOKS = 256  # that find nothing, after which ringway lets each driver have back what was sent: by a call, over AF_XDP

# System calls, at least and at most, by (messages or packets, batches, CPU seconds). The tolerance, on top: 2 % and 64
# calls, for timers and for calls that the kernel cuts short.
CALLS = {
    "pipe": lambda n, *_: (2 * n, 4 * n),               # write, read; more where a message came in pieces
    "unix_datagram": lambda n, *_: (2 * n, 2 * n),      # send, recv
    "shm_ring": lambda n, b, _: (b, 2 * b),             # to sleep, and to wake whoever sleeps
    # The sender: recv until nothing is there, with poll between where it waits, mprotect before and after of one or two
    # runs of buffers, send. The receiver: send, recv, and with poll between once more where it waits.
    "fbufs": lambda n, b, _: (6 * b, 14 * b),
    "af_packet": lambda n, *_: (2 * n, 2 * n),          # recvfrom, sendto
    "af_packet_mmsg": lambda n, b, _: (2 * b, 2 * b),   # recvmmsg, sendmmsg
    "packet_mmap": lambda n, b, _: (b, 2 * b),          # send; poll where no block was ready
    "af_xdp": lambda n, b, _: (b, 2 * b),               # sendto; poll where the ring was empty
    "bridge": lambda *_: (0, 0),
    "router": lambda *_: (0, 0),
    "ringway_af_packet": lambda n, b, _: bursts(n, b),  # sendto a burst
    "ringway_af_xdp": lambda n, b, cpu_s: (bursts(n, b)[0], bursts(n, b)[1] + 2 * cpu_s / LOOK_S / LOOKS),
    "ringway_lab": lambda *_: (0, 0),
    "wait_blocking": lambda n, *_: (2 * n, 2 * n),      # recvfrom, sendto
    "wait_epoll": lambda n, *_: (3 * n, 3 * n),         # epoll_wait, recvfrom, sendto
    "wait_busy_poll": lambda n, *_: (2 * n, 2 * n),
    "wait_spinning": lambda n, *_: (2 * n, float("inf")),
    "wait_poll_mode": lambda n, *_: (n / 32, n),        # sendto a batch
}
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


def bursts(packets, shared_out):
    """At least and at most in the transfer, if those of the warm-up may have been anything."""
    all_of_them = shared_out * (packets + WARM_UP) / packets
    return max(packets / 32, all_of_them - WARM_UP), all_of_them


def check_calls(rung):
    name, counted, cpu_s = rung["name"], rung["syscalls"], rung["user_s"] + rung["system_s"]
    low, high = CALLS[name](rung["packets"], rung["batches"], cpu_s)
    least, most = BATCHES.get(name, lambda _: (0, 0))(rung["packets"])
    assert least <= rung["batches"] <= most, f"{name}: {rung['batches']} batches, expected {least} to {most}: {rung}"
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


def interfaces():
    """Of the host's, those that are called as the ladder's are: its own are in namespaces that end with it."""
    return {"near", "far", "left", "right", "direct", "hop"} & set(os.listdir("/sys/class/net"))


def check_nothing_left(before):
    deadline = time.monotonic() + 10
    while marked() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not marked(), f"still running: {marked()}"
    assert not interfaces() - before, f"still there: {interfaces() - before}"


@test()
def the_list_goes_up_the_ladder(work):
    told = subprocess.run([LADDER, "--list"], capture_output=True, text=True, timeout=60, check=True).stdout
    rungs = re.findall(r"^(\S+) \((\w+)\): ", told, re.MULTILINE)
    assert [group for group, _ in itertools.groupby(group for _, group in rungs)] == ["file", *GROUPS], rungs
    assert [name for name, group in rungs if group in GROUPS] == list(COPIES), rungs


@test(root)
def all_rungs_run_as_root(work):
    need_af_xdp()
    before = interfaces()
    rungs, done = ladder(work)
    assert done.returncode == 0, f"exit status {done.returncode}:\n{done.stderr}{done.stdout}"
    assert list(rungs) == list(COPIES) == list(CALLS), list(rungs)
    for name, rung in rungs.items():
        assert not rung["skipped_because"], f"{name} did not run: {rung['skipped_because']}"
        assert rung["verified"] and rung["packets"] > 0, rung
        assert rung["seconds"] > 0, rung
        assert rung["user_s"] + rung["system_s"] > 0 or name in ("bridge", "router"), rung  # theirs is a difference
        assert rung["use"] and rung["limit"] and rung["copies_shown_by"], rung
    check_nothing_left(before)
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
    before = interfaces()
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
    check_nothing_left(before)


@test(root, each=(("af_packet",), ("ringway_af_packet",), ("ringway_lab",), ("pipe",), ("wait_spinning",)))
def nothing_is_left_of_one_that_is_killed(work, name):
    before = interfaces()
    endless = ("--size", "32768", "--packets", "100000000")
    with subprocess.Popen([LADDER, "--only", name, *endless], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env={**os.environ, MARK: str(os.getpid())}) as process:
        time.sleep(1.0 * min(SLOWDOWN, 3))  # well inside so long a run
        assert process.poll() is None, process.returncode
        assert len(marked()) > 1, marked()
        process.send_signal(signal.SIGKILL)
        process.wait()
    check_nothing_left(before)


@test(root)
def one_packet_is_enough(work):
    only = ("--only", "af_packet", "--only", "packet_mmap", "--only", "ringway_af_packet", "--only", "wait_blocking")
    rungs, done = ladder(work, *only, "--packets", "1")
    assert done.returncode == 0, f"exit status {done.returncode}:\n{done.stderr}{done.stdout}"
    for name, rung in rungs.items():
        assert rung["verified"] and rung["packets"] == 1, rung
        assert all(0 < load["per_second"] < 1e6 for load in rung["waiting"]), rung
    assert len(rungs["wait_blocking"]["waiting"]) == 2, rungs["wait_blocking"]


@test(root)
def a_forwarder_that_is_not_there_is_told(work):
    rungs, done = ladder(work, "--only", "ringway_lab", "--ringway", "/nonexistent/ringway")
    assert done.returncode == 0, done.stderr
    assert "no program to start as ringway" in rungs["ringway_lab"]["skipped_because"], rungs


if __name__ == "__main__":
    main()
