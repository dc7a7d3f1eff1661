#!/usr/bin/env python3
"""Captures through virtual lcores: a seed decides the order of polls, and with it the run repeats to the byte."""

import contextlib
import functools
import json
import os
import random
import subprocess
import types

import captures
from harness import check_balance, check_flows, check_rings, check_status, main, test, write_config
from scapy.utils import RawPcapReader, RawPcapWriter

REPLAY = os.environ.get("REPLAY", "build/tests/property/replay")
SEEDS = 20
SHORTEST, LONGEST = 14, 1522  # bytes of frames that a lab port sends
MILLION = 1_000_000

WORKERS = {1: {"rx": ["east.0", "east.1"]}, 2: {"work": True}, 3: {"work": True}, 4: {"tx": ["west"]}}
ONE_WAY = {"mode": "cross_connect", "pairs": [{"from": "east", "to": "west"}]}
BOTH_WAYS = {"mode": "cross_connect", "pairs": [["east", "west"]]}


def pipeline(when_full, ring_size, forwarding=ONE_WAY, lcores=WORKERS):
    """Receive, two workers, transmit."""
    west = {"device": "lab", "tx_descriptors": 64, "when_full": when_full}
    return {"ports": {"east": {"device": "lab", "rx_queues": 2, "rx_descriptors": 64}, "west": west},
            "forwarding": forwarding, "lcores": lcores, "rings": {"size": ring_size, "when_full": when_full}}


@functools.cache
def hard_input():
    """All hard cases, and flows among them."""
    return captures.mixed(random.Random(1), captures.flows(), captures.hard_frames())


def expected(frames):
    return [frame for frame in frames if SHORTEST <= len(frame) <= LONGEST]


def write_numbered(path, frames):
    """Each frame's time stamp is its number in microseconds."""
    with RawPcapWriter(str(path), linktype=captures.ETHERNET, snaplen=262144) as writer:
        writer.write_header(None)
        for number, frame in enumerate(frames):
            writer.write_packet(frame, sec=number // MILLION, usec=number % MILLION)


def read_numbered(path):
    with contextlib.closing(RawPcapReader(str(path))) as reader:
        return [(record.sec * MILLION + record.usec, frame) for frame, record in reader]


def replay(work, config, seed, *inputs, prefix="out-"):
    """A run of the program, as the harness shows runs of ringway."""
    command = [REPLAY, write_config(work, config), str(seed), *map(str, inputs), work / prefix]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    report = json.loads(ran.stdout) if ran.stdout else {}
    return types.SimpleNamespace(status=ran.returncode, out=ran.stdout, err=ran.stderr, report=report)


def check_stamps(sent, got):
    """Each frame has come out once at most, with its own time stamp."""
    assert len({number for number, _ in got}) == len(got), "a time stamp came out twice"
    for number, frame in got:
        assert frame == sent[number], f"frame {number} has come out as another"


@test(each=[(seed,) for seed in range(SEEDS)])
def hard_cases_come_out_flow_by_flow_with_seed(work, seed):
    sent = hard_input()
    write_numbered(work / "in", sent)
    ran = replay(work, pipeline("wait", 16), seed, work / "in")
    passed = expected(sent)
    balance = check_balance(ran, frame_too_short=len(sent) - len(passed))
    assert (balance["received"], balance["transmitted"]) == (len(sent), len(passed)), balance
    check_rings(ran)
    got = read_numbered(work / "out-west.pcap")
    check_stamps(sent, got)
    check_flows("west", captures.flows(), passed, [frame for _, frame in got])


@test(each=[("wait", 16), ("drop", 2)])
def a_seed_repeats_its_run_to_the_byte_with(work, when_full, ring_size):
    write_numbered(work / "in", hard_input())
    config = pipeline(when_full, ring_size)
    first, again, other = (replay(work, config, seed, work / "in", prefix=prefix)
                           for seed, prefix in ((1, "first-"), (1, "again-"), (2, "other-")))
    for ran in (first, again, other):
        check_status(ran, 0)
    west = {prefix: (work / f"{prefix}-west.pcap").read_bytes() for prefix in ("first", "again", "other")}
    assert first.out == again.out and west["first"] == west["again"], "the same seed, another run"
    assert west["first"] != west["other"], "another seed, the same run"


@test()
def what_is_lost_is_counted_where_nobody_waits(work):
    sent = hard_input()
    write_numbered(work / "in", sent)
    ran = replay(work, pipeline("drop", 2), 3, work / "in")
    drops = ran.report["drops"]
    assert drops["ring_full"] > 0, drops
    balance = check_balance(ran, **drops)
    check_rings(ran)
    got = read_numbered(work / "out-west.pcap")
    assert (balance["received"], balance["transmitted"]) == (len(sent), len(got)), balance
    check_stamps(sent, got)


@test()
def captures_enter_by_the_ports_they_are_given_to(work):
    rng = random.Random(2)
    lcores = {1: {"rx": ["east.0", "east.1", "west.0"]}, 2: {"work": True}, 3: {"work": True, "tx": ["east"]}}
    config = pipeline("wait", 8, BOTH_WAYS, lcores)
    sent = {"east": captures.random_frames(rng, 500), "west": captures.random_frames(rng, 700)}
    for port, frames in sent.items():
        write_numbered(work / f"in-{port}", frames)
    ran = replay(work, config, 4, f"west={work}/in-west", f"east={work}/in-east")
    too_long = sum(len(frames) - len(expected(frames)) for frames in sent.values())
    check_balance(ran, frame_too_long=too_long)
    for port, other in (("east", "west"), ("west", "east")):
        got = read_numbered(work / f"out-{other}.pcap")
        check_stamps(sent[port], got)
        assert len(got) == len(expected(sent[port])), f"{len(got)} frames left by {other}"


@test()
def frames_longer_than_an_mbuf_are_counted(work):
    rng = random.Random(3)
    sent = [rng.randbytes(rng.choice((100, LONGEST, LONGEST + 1, 2048, 2049, 9000, 65535))) for _ in range(300)]
    write_numbered(work / "in", sent)
    ran = replay(work, pipeline("wait", 16), 5, work / "in")
    passed = expected(sent)
    check_balance(ran, frame_too_long=len(sent) - len(passed))
    assert sorted(frame for _, frame in read_numbered(work / "out-west.pcap")) == sorted(passed)


@test()
def mistakes_are_told(work):
    write_numbered(work / "in", [bytes(60)])
    (work / "no-capture").write_text("text")
    config = pipeline("wait", 16)
    null = {**config, "ports": {**config["ports"], "west": {"device": "net_null0"}}}
    for status, word, arguments in (
            (2, "usage: replay", (config, "seed", work / "in")),
            (2, "usage: replay", (config, 1)),
            (2, "No such file", (config, 1, work / "missing")),
            (2, "no-capture: unknown file format", (config, 1, work / "no-capture")),
            (2, "nothing is received from port 'west'", (config, 1, f"west={work}/in")),
            (78, "ports.west.device: is no lab port; expected lab", (null, 1, work / "in")),
            (78, "forwarding", ({"ports": config["ports"]}, 1, work / "in")),
            (69, "eal.memory", ({**config, "eal": {"memory": 32}}, 1, work / "in"))):
        check_status(replay(work, *arguments), status, word)


if __name__ == "__main__":
    main()
