#!/usr/bin/env python3
"""What a supervisor relies on: a stuck lcore ends the process, progress is told, and a restart finds nothing in its way."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

import captures
from harness import (CPUS, CROSSED, NULLS, ORDINARY_MEMORY, SILENT, SLOWDOWN, Ringway, Skip, check_balance,
                     check_status, forwarding_options, hugepages, main, root, run, standing_still, test)
from machine import reserved_hugepages

KILLS = 20


@contextlib.contextmanager
def blocked_run(work):
    """A run whose lcore hangs in a write: its driver's file is a pipe that nobody empties any more."""
    captures.write(work / "in.pcap", [bytes(1000)] * 8)
    os.mkfifo(work / "out.pcap")
    config = {"ports": {"east": {"device": f"net_pcap0,rx_pcap={work}/in.pcap,tx_pcap={work}/in-out.pcap,infinite_rx=1"},
                        "west": {"device": f"net_pcap1,rx_pcap={work}/in.pcap,tx_pcap={work}/out.pcap"}},
              "forwarding": CROSSED, "eal": ORDINARY_MEMORY}
    reader = os.open(work / "out.pcap", os.O_RDWR)  # not to wait for a writer
    try:
        with Ringway(work, *forwarding_options(work, config)) as ringway:
            yield ringway
    finally:
        os.close(reader)


@test()
def a_stuck_lcore_is_named_with_its_stack_and_the_process_ends(work):
    with blocked_run(work) as ringway:
        ringway.finish(30)
    check_status(ringway, 1)
    told = re.search(r"lcore 1 has been stuck for (\d+) ms in 'east.0 to west.0':\n((?:  .*\n)+)", ringway.err)
    assert told, ringway.err
    assert 500 <= int(told[1]) < 700 * SLOWDOWN, told[1]
    assert "ringway::Leg" in told[2] and "librte_net_pcap" in told[2] and "write" in told[2], told[2]


@test()
def an_lcore_with_a_slow_file_is_not_stuck(work):
    """A turn of its loop takes seconds here, but each poll ends."""
    with blocked_run(work) as ringway:
        reader = os.open(work / "out.pcap", os.O_RDONLY)
        until = time.monotonic() + 3
        while time.monotonic() < until and ringway.process.poll() is None:
            os.read(reader, 16384)
            time.sleep(0.02)
        assert ringway.process.poll() is None, ringway.err
        ringway.process.kill()
        os.close(reader)


@test()
def a_stop_does_not_wait_for_a_stuck_lcore(work):
    with blocked_run(work) as ringway:
        ringway.wait_until_forwarding()
        ringway.process.send_signal(signal.SIGTERM)
        ringway.finish(30)
    check_status(ringway, 1, "has been stuck for")


@test()
def an_lcore_in_a_debugger_is_not_stuck(work):
    with Ringway(work, *forwarding_options(work, NULLS)) as ringway:
        ringway.wait_until_forwarding()
        with standing_still(ringway.thread(1)):
            time.sleep(2)
            assert ringway.process.poll() is None, ringway.err
        check_balance(ringway.stop())


@test(root)
def an_lcore_without_a_cpu_is_not_stuck(work):
    if len(CPUS) < 2:
        raise Skip("needs a CPU for the main lcore and one for the lcore that starves")
    config = {**SILENT, "eal": {**ORDINARY_MEMORY, "lcores": f"0@{CPUS[0]},1@{CPUS[1]}"}}
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        ringway.wait_until_forwarding()
        hog = ("chrt", "--fifo", "50", "taskset", "-c", str(CPUS[1]), "sh", "-c", "while :; do :; done")
        with subprocess.Popen(hog) as starving:
            time.sleep(3)
            assert starving.poll() is None, "nobody took the CPU away"
            starving.kill()
        assert ringway.process.poll() is None, ringway.err
        check_balance(ringway.stop())


@test(each=[("/",), ("@",)])
def a_service_manager_is_told_of_start_progress_and_stop(work, form):
    name = str(work / "notify") if form == "/" else f"@ringway-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1))
        manager.settimeout(30)
        prefix = ("env", f"NOTIFY_SOCKET={name}")
        with Ringway(work, *forwarding_options(work, SILENT), prefix=prefix) as ringway:
            assert manager.recv(64) == b"READY=1"
            beats = [(manager.recv(64), time.monotonic()) for _ in range(20)]
            ringway.process.send_signal(signal.SIGTERM)
            last = b"WATCHDOG=1"
            while last == b"WATCHDOG=1":
                last = manager.recv(64)
            check_balance(ringway.finish())
    assert last == b"STOPPING=1", last
    assert {beat for beat, _ in beats} == {b"WATCHDOG=1"}, beats
    assert beats[-1][1] - beats[0][1] < 10, "the watchdog would have bitten"


@test(hugepages)
def a_restart_after_a_kill_finds_nothing_in_its_way(work):
    """Hugepages, a prefix, a report: as a supervisor starts it again, at moments of all kinds."""
    config = {**NULLS, "eal": {"memory": 64, "file_prefix": f"ringway-kill-{os.getpid()}"}}
    with reserved_hugepages(128) as pages:
        free = pages.read_text()
        for kill in range(KILLS):
            with Ringway(work, *forwarding_options(work, config)) as ringway:
                if kill % 2 == 0:
                    ringway.wait_until_forwarding()
                else:
                    time.sleep(0.02 * kill)  # while it starts
                    assert ringway.process.poll() is None, ringway.err
            assert pages.read_text() == free, f"kill {kill} cost hugepages"
        with Ringway(work, *forwarding_options(work, config)) as ringway:
            check_balance(ringway.wait_until_forwarding().stop())
    left = {path.name for path in work.iterdir()} - {"config.yaml", "report.json", "stdout", "stderr", "runtime"}
    assert not left, left



@test(each=[("net_vhost0,iface={}",), ("net_memif0,role=server,socket-abstract=no,socket={}",)])
def a_socket_left_behind_by_a_kill_is_no_obstacle(work, device):
    path = work / "socket"
    ports = {"east": {"device": device.format(path)}, "west": {"device": "net_null1"}}
    config = {"ports": ports, "forwarding": CROSSED, "eal": ORDINARY_MEMORY}
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        ringway.wait_until_forwarding()
        second = work / "second"
        second.mkdir()
        check_status(run(second, *forwarding_options(second, config)), 69, f"{path} is there already, and in use")
        assert ringway.process.poll() is None, ringway.err
    assert path.is_socket(), "the kill left nothing behind"
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        check_balance(ringway.wait_until_forwarding().stop(), tx_full=ringway.report["drops"]["tx_full"])


if __name__ == "__main__":
    main()
