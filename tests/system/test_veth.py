#!/usr/bin/env python3
"""Hosts in namespaces, joined by ringway over veth pairs: af_packet and af_xdp."""

import contextlib
import hashlib
import random
import re
import signal
import socket
import threading
import time

from harness import (check_balance, check_same, check_status, forwarding_options, hugepages, main,
                     root, run, test, write_config)
from machine import reserved_hugepages
from rig import Rig, check_exchange, command, exchange, inside, need_af_xdp, numbered_frames, random_ways

DRIVERS = (("net_af_packet",), ("net_af_xdp",))
TCP_BYTES = 100 << 20
HUGEPAGES_WANTED = 128  # 256 MiB


def start(rig, work, config):
    """Runs ringway in the middle; skips where the kernel lacks what the driver needs."""
    if "net_af_xdp" in config["ports"]["a"]["device"]:
        need_af_xdp()
    with contextlib.ExitStack() as stack:
        ringway = stack.enter_context(rig.ringway(work, *forwarding_options(work, config)))
        ringway.wait_until_forwarding(len(rig.names))
        stack.pop_all()  # it goes on: the caller ends it
    return ringway


def check_ports(ringway, counts):
    """Received and sent by each port."""
    told = {name: (port["rx_packets"], port["tx_packets"]) for name, port in ringway.report["ports"].items()}
    assert told == counts, f"{told}, expected {counts}"


@test(root, each=DRIVERS)
def frames_both_ways_arrive_once_unaltered_in_order_over(work, driver):
    with Rig("a", "b") as rig, start(rig, work, rig.config(driver)) as ringway:
        ways = random_ways(rig, 2000)
        check_exchange(ways, exchange(ways))
        balance = check_balance(ringway.stop())
        assert balance["received"] == balance["transmitted"] == 4000, balance
        check_ports(ringway, {"a": (2000, 2000), "b": (2000, 2000)})


def serve(listener, result):
    digest = hashlib.sha256()
    connection, _ = listener.accept()
    with connection:
        while data := connection.recv(1 << 20):
            digest.update(data)
        connection.sendall(digest.digest())
    result.append(digest.digest())


@test(root, each=DRIVERS)
def tcp_carries_100_mb_over(work, driver):
    with Rig("a", "b") as rig, start(rig, work, rig.config(driver)) as ringway:
        for name, address in (("a", "10.99.0.1"), ("b", "10.99.0.2")):
            command("ip", "-n", rig.namespace(name), "address", "add", f"{address}/24", "dev", "far")
        with inside(rig.namespace("b")):
            listener = socket.create_server(("10.99.0.2", 5001))
        listener.settimeout(60)
        received = []
        server = threading.Thread(target=serve, args=(listener, received), daemon=True)
        server.start()
        with inside(rig.namespace("a")):
            client = socket.create_connection(("10.99.0.2", 5001), timeout=60)
        rng, digest = random.Random(40), hashlib.sha256()
        with listener, client:
            for _ in range(TCP_BYTES >> 20):
                block = rng.randbytes(1 << 20)
                digest.update(block)
                client.sendall(block)
            client.shutdown(socket.SHUT_WR)
            echoed = client.recv(32, socket.MSG_WAITALL)
        server.join(60)
        assert received == [digest.digest()] and echoed == digest.digest(), "the bytes differ"
        balance = check_balance(ringway.stop())
        assert balance["received"] > TCP_BYTES // 1460, balance


class Traffic:
    """Numbered frames from a to b, at a modest pace, while c and d exchange theirs."""

    def __init__(self, rig):
        self.a, self.b = rig.hosts["a"], rig.hosts["b"]
        self.others = [(rig.hosts["c"], rig.hosts["d"], [], []), (rig.hosts["d"], rig.hosts["c"], [], [])]
        self.sent = self.arrived = -1

    def step(self):
        """Sends a frame on each way, and takes in what has arrived."""
        self.sent += 1
        stamp = self.sent.to_bytes(8, "big")
        frame = b"\x02\0\0\0\0\xff" + b"\x02\0\0\0\0\x01" + b"\x88\xb5" + stamp + bytes(100)
        self.a.send([frame])
        for sender, receiver, frames, got in self.others:
            frames.append(frame)
            sender.send([frame])
            got += receiver.receive(64, 0.0)
        time.sleep(0.003)
        for got in self.b.receive(64, 0.0):
            number = int.from_bytes(got[14:22], "big")
            assert number > self.arrived, f"frame {number} after frame {self.arrived}"
            self.arrived = number

    def resumes_within(self, seconds):
        first, deadline = self.sent + 1, time.monotonic() + seconds
        while self.arrived < first:
            assert time.monotonic() < deadline, f"nothing from a reached b within {seconds} s"
            self.step()


def flap(traffic, ringway, port, namespace, interface):
    """Takes an end of a port's cable down and up again, each time until that is told."""
    told = f"port '{port}': link "
    for state in ("down", "up"):
        known, deadline = ringway.err.count(told + state), time.monotonic() + 5
        command("ip", "-n", namespace, "link", "set", interface, state)
        if state == "up":
            traffic.resumes_within(2)
        while ringway.err.count(told + state) == known:  # the kernel itself may hold the news back for a second
            assert time.monotonic() < deadline, f"{interface} went {state} and nobody was told:\n{ringway.err}"
            traffic.step()


@test(root, each=DRIVERS)
def link_flaps_cost_only_their_own_port_over(work, driver):
    with Rig("a", "b", "c", "d") as rig, start(rig, work, rig.config(driver)) as ringway:
        traffic = Traffic(rig)
        traffic.resumes_within(2)
        for port in ("a", "b"):
            flap(traffic, ringway, port, rig.middle, f"to_{port}")
            flap(traffic, ringway, port, rig.namespace(port), "far")
        for number, (_, receiver, frames, got) in enumerate(traffic.others):
            got += receiver.receive(len(frames) - len(got))
            check_same(f"other way {number}", frames, got)
        back = [(rig.hosts["b"], rig.hosts["a"], numbered_frames(random.Random(41), 200))]
        check_exchange(back, exchange(back))
        balance = ringway.stop().report["balance"]
        check_balance(ringway, tx_full=ringway.report["drops"]["tx_full"])
        assert balance["received"] <= 3 * (traffic.sent + 1) + 200, balance
        assert not re.search("port '[cd]': link down", ringway.err), ringway.err


def advised(work, rig):
    """A configuration of jumbo ports, changed until it runs as the planner's own words say."""
    told = run(work, "--config", write_config(work, rig.config()), prefix=("ip", "netns", "exec", rig.middle))
    check_status(told, 78, "ports.a.mtu: ", "ports.b.mtu: ", "af_packet")
    devargs = re.search(r"framesz=\d+,blocksz=\d+", told.err).group()
    config = rig.config(devargs="," + devargs)
    told = run(work, "--config", write_config(work, config), prefix=("ip", "netns", "exec", rig.middle))
    check_status(told, 78, "pool.data_room: ")
    return {**config, "pool": {"data_room": int(re.search(r"needs (\d+); expected", told.err).group(1))}}


@test(root)
def jumbo_frames_need_what_the_planner_asks_for_and_pass_then(work):
    with Rig("a", "b", mtu=9000) as rig, start(rig, work, advised(work, rig)) as ringway:
        ways = random_ways(rig, 400, longest=9014)
        check_exchange(ways, exchange(ways, chunk=16))
        assert check_balance(ringway.stop())["transmitted"] == 800


@test(root)
def mtu_that_the_interface_has_not_is_refused(work):
    with Rig("a", "b") as rig:
        config = rig.config()
        config["ports"]["a"]["mtu"] = 1400
        told = run(work, "--config", write_config(work, config), prefix=("ip", "netns", "exec", rig.middle))
        check_status(told, 69, "ports.a.mtu: ", "ip link set to_a mtu 1400")


@test(root, each=DRIVERS)
def reflect_sends_back_with_the_addresses_swapped_over(work, driver):
    with Rig("a") as rig:
        config = rig.config(driver, forwarding={"mode": "reflect", "ports": ["a"]})
        with start(rig, work, config) as ringway:
            host, frames = rig.hosts["a"], numbered_frames(random.Random(42), 1000)
            swapped = [frame[6:12] + frame[:6] + frame[12:] for frame in frames]
            got = []
            for begin in range(0, len(frames), 64):
                host.send(frames[begin:begin + 64])
                got += host.receive(len(frames[begin:begin + 64]))
            check_same("a", swapped, got + host.receive(1, 0.2))
            assert check_balance(ringway.stop())["received"] == 1000
            check_ports(ringway, {"a": (1000, 1000)})


@test(hugepages, each=((signal.SIGTERM.name,), (signal.SIGKILL.name,)))
def no_hugepage_is_lost_after(work, name):
    with reserved_hugepages(HUGEPAGES_WANTED) as free, Rig("a", "b") as rig:
        before = free.read_text()
        config = {key: value for key, value in rig.config().items() if key != "eal"}
        with start(rig, work, config) as ringway:
            assert "--no-huge" not in ringway.err and free.read_text() != before, ringway.err
            ways = random_ways(rig, 500)
            check_exchange(ways, exchange(ways))
            ringway.process.send_signal(signal.Signals[name])
            ringway.finish()
            if name == "SIGTERM":
                assert check_balance(ringway)["received"] == 1000
        assert free.read_text() == before, f"{free.read_text()} free, {before} before"


if __name__ == "__main__":
    main()
