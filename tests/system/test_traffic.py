#!/usr/bin/env python3
"""Generators and checkers: what they send comes back whole, and what does not has a name."""

import os
import pathlib
import re
import subprocess

import captures
from captures import IP, UDP, Dot1Q, Ether, IPv6
from harness import (CPUS, LAB_PORTS, LAB_SHAPES, RINGWAY, SLOWDOWN, UNSOUND, WAIT, check_balance, check_rings,
                     check_status, check_traffic, forward, lab, main, run, test)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
PACKETS = 100_000 // SLOWDOWN  # a port
PERCENTILES = ("p50", "p90", "p99", "p99_9", "p99_99", "max")
FAULT_KINDS = 5  # in turn; of these runts and oversized frames have to be dropped

TRAFFIC = {
    **{f"{size} bytes": {"size": size} for size in (64, 65, 128, 512, 1518)},
    "9000 bytes": {"size": 9000, "mtu": 9000},
    "IMIX": {"size": "imix"},
    "IPv6": {"ipv6": "100%"},
    "a third IPv6": {"ipv6": "33%", "size": 128},
    "VLANs": {"vlans": 100},
    "all at once": {"size": "imix", "ipv6": "50%", "vlans": 4094, "flows": 10_000, "faults": "1%"},
    "1 flow": {"flows": 1},
    "1000 flows": {"flows": 1000},
    "100000 flows": {"flows": 100_000},
    "5 % faults": {"faults": "5%"},
}


def faults(packets, share):
    """Frames of one port that have to be dropped for each of two reasons."""
    bad = packets * float(share.rstrip("%")) / 100
    return int(bad / FAULT_KINDS)


def check_histogram(latency, count):
    """Each value is recorded once; percentiles rise."""
    values = [latency[name] for name in PERCENTILES]
    assert 0 < values[0] and values == sorted(values), values
    bounds = [bound for bound, _ in latency["histogram"]]
    assert bounds == sorted(bounds) and bounds[-1] == latency["max"], bounds[-3:]
    assert sum(times for _, times in latency["histogram"]) == count, f"{count} are to be recorded"


def check_latency_file(path, latency, count):
    """HdrHistogram's text: rising values, percentiles and counts, the last of all; the same figures as the report's."""
    header, blank, *rows = path.read_text().splitlines()
    assert header.split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"] and blank == "", header
    table = [tuple(map(float, row.split()[:3])) for row in rows if not row.startswith("#[")]
    for column in zip(*table):
        assert list(column) == sorted(column), column
    value, level, total = table[-1]
    assert (level, total) == (1, count) and abs(value - latency["max"]) < 1, table[-1]
    told = int(re.search(r"Total count    = +(\d+)\]", rows[-2]).group(1))
    assert told == count and sum(row.startswith("#[") for row in rows) == 3, rows[-3:]
    median = next(value for value, level, _ in table if level >= 0.5)
    assert abs(median - latency["p50"]) < 1, f"{median} and {latency['p50']}"


def check_run(work, config, share="0%"):
    """A run that ends by itself when everything was sent, without loss."""
    packets = config["traffic"]["packets"]
    latency_file = work / "latency.txt"
    ringway = forward(work, config, "--latency", latency_file)
    traffic = check_traffic(ringway)
    assert traffic["sent"] == packets * len(config["ports"]) and traffic["lost"] == 0, traffic
    bad = faults(packets, share)
    for port in ringway.report["ports"].values():
        assert port["rx_packets"] == packets and port["tx_packets"] == packets - 2 * bad, port
    assert traffic["expected_drops"] == 2 * bad * len(config["ports"]), traffic
    latency = ringway.report["traffic"]["latency_ns"]
    check_histogram(latency, traffic["received"])
    check_latency_file(latency_file, latency, traffic["received"])


@test(each=[(name, shape) for name in TRAFFIC for shape in ("run to completion", "two workers")])
def comes_back_whole(work, name, shape):
    traffic = {"packets": PACKETS, **TRAFFIC[name]}
    check_run(work, lab(LAB_SHAPES[shape], WAIT, **traffic), traffic.get("faults", "0%"))


@test(each=[("64 bytes",), ("IMIX",), ("5 % faults",), ("all at once",)])
def comes_back_whole_through_a_pipeline(work, name):
    traffic = {"packets": PACKETS, **TRAFFIC[name]}
    check_run(work, lab(LAB_SHAPES["pipeline"], WAIT, **traffic), traffic.get("faults", "0%"))


@test(each=[(name, shape) for name in ("64 bytes", "5 % faults", "all at once") for shape in LAB_SHAPES])
def comes_back_reflected(work, name, shape):
    traffic = {"packets": PACKETS, **TRAFFIC[name]}
    config = {**lab(LAB_SHAPES[shape], WAIT, **traffic), "forwarding": {"mode": "reflect", "ports": LAB_PORTS}}
    check_run(work, config, traffic.get("faults", "0%"))


@test(each=[("20kpps",), ("0.02Mpps",), ("0.1344%",)])
def packets_are_made_at_a_rate_of(work, rate):
    ringway = forward(work, lab(LAB_SHAPES["two workers"], WAIT, rate=rate, packets=10_000))
    traffic = check_traffic(ringway)
    assert traffic["sent"] == 20_000 and ringway.report["duration_s"] > 0.99 * 0.5, ringway.report["duration_s"]


@test()
def duration_ends_the_traffic(work):
    ringway = forward(work, lab(LAB_SHAPES["two workers"], WAIT, rate="20kpps", duration=0.7))
    traffic = check_traffic(ringway)
    assert ringway.report["duration_s"] >= 0.7, ringway.report["duration_s"]
    assert abs(traffic["sent"] + traffic["forgone"] - 2 * 0.7 * 20_000) <= 2, traffic


def tuple_of(frame):
    network = frame[IPv6] if IPv6 in frame else frame[IP]
    return network.src, network.dst, frame[UDP].sport, frame[UDP].dport


@test(each=[(0, 0, 7, 100), (100, 0, 50, 128), (12.5, 0, 80, 1518), (50, 4, 16, 200), (0.5, 0, 1000, 64)])
def frames_are_what_the_configuration_says(work, ipv6, vlans, flows, size):
    """Captured where nobody checks them: those are unchecked, not lost."""
    packets = 3 * flows
    ports = {"left": {"device": "lab", "when_full": "wait"}, "out": {"device": f"net_pcap0,tx_pcap={work}/out.pcap"}}
    ringway = forward(work, {
        **lab({1: {"rx": ["left.0"]}, 2: {"generate": ["left"]}}, WAIT, packets=packets, ipv6=f"{ipv6}%", vlans=vlans,
              flows=flows, size=size),
        "ports": ports, "forwarding": {"mode": "cross_connect", "pairs": [{"from": "left", "to": "out"}]}})
    check_balance(ringway)
    traffic = ringway.report["traffic"]
    assert (traffic["sent"], traffic["unchecked"], traffic["lost"]) == (packets, packets, 0), traffic
    frames = [Ether(frame) for frame in captures.read(work / "out.pcap")]
    tuples = [tuple_of(frame) for frame in frames]
    assert len(frames) == packets and len(set(tuples)) == flows, f"{len(frames)} frames, {len(set(tuples))} flows"
    newer = {flow for flow, frame in zip(tuples, frames) if IPv6 in frame}
    assert len(newer) == flows * ipv6 / 100, f"{len(newer)} of {flows} flows are IPv6"
    tags = {frame[Dot1Q].vlan if Dot1Q in frame else 0 for frame in frames}
    assert tags == (set(range(1, vlans + 1)) or {0}), tags
    least = {True: 80, False: 60}
    for frame in frames:
        expected = max(size - 4, least[IPv6 in frame]) + 4 * (Dot1Q in frame)
        assert len(frame) == expected, f"{len(frame)} bytes, expected {expected}"


@test()
def oversized_is_what_the_output_does_not_carry(work):
    config = lab(LAB_SHAPES["run to completion"], WAIT, packets=PACKETS, faults="5%")
    config["ports"] = {"left": {**config["ports"]["left"], "mtu": 1500}, "right": {**config["ports"]["right"], "mtu": 4000}}
    traffic = check_traffic(forward(work, config))
    assert traffic["expected_drops"] == 2 * 2 * faults(PACKETS, "5%") and traffic["lost"] == 0, traffic


def cpus_of_the_example():
    return None if {0, 1} <= set(CPUS) else "needs CPUs 0 and 1"


@test(cpus_of_the_example)
def example_of_a_pipeline_runs_as_it_is(work):
    ringway = run(work, "--config", ROOT / "config" / "lab_pipeline.yaml", "--duration", "1", "--format", "json",
                  "--report", work / "report.json")
    check_status(ringway, 0)
    report = ringway.report
    drops, traffic = report["drops"], report["traffic"]
    # Five lcores share a CPU: what one cannot take in time is dropped or missed.
    named = ("frame_too_short", "frame_too_long", "ring_full", "tx_full")
    balance = check_balance(ringway, **{name: drops[name] for name in named})
    check_rings(ringway)
    rings = report["rings"]
    assert len(rings) == 8 and all(ring["enqueued"] > 0 for ring in rings.values()), rings
    counts = {name: value for name, value in traffic.items() if name != "latency_ns"}
    assert traffic["received"] > 0 and not any(traffic[name] for name in UNSOUND), counts
    assert traffic["received"] == traffic["sent"] - traffic["expected_drops"] - traffic["lost"], counts
    gone = traffic["lost"] + traffic["expected_drops"]
    assert gone == balance["dropped"] + traffic["missed"], f"{balance} {counts}"


# The worker shares its CPU with an lcore that makes more than it can take; what comes out of it is taken at once.
OVERLOADED = {1: {"rx": ["left.0"], "tx": ["right"], "generate": ["left"], "check": ["right"]}, 2: {"work": True}}


def overload(when_full):
    rings = {"size": 64, "override": {"tx.right.2-1": {"size": 1024}}, **(WAIT if when_full == "wait" else {})}
    config = lab(OVERLOADED, rings, rate="50Mpps", duration=3)
    config["ports"]["left"] = config["ports"]["right"] = {"device": "lab"}
    config["forwarding"]["pairs"] = [{"from": "left", "to": "right"}]
    config["eal"]["lcores"] = f"0@{CPUS[0]},1@{CPUS[-1]},2@{CPUS[-1]}"
    return config


@test(each=[("drop",), ("wait",)])
def overload_is_lost_at_the_first_ring_alone_with(work, when_full):
    ringway = forward(work, overload(when_full), "--stats", "1")
    traffic = check_traffic(ringway, "ring_full")
    rings = ringway.report["rings"]
    assert rings["tx.right.2-1"]["refused"] == 0 < rings["tx.right.2-1"]["enqueued"], rings
    assert rings["rx.left.1-2"]["refused"] == ringway.report["drops"]["ring_full"], rings
    lost_where = (rings["rx.left.1-2"]["refused"] > 0, traffic["missed"] > 0)
    assert lost_where == (when_full == "drop", when_full == "wait"), f"{rings} {traffic}"
    rates = [line["ports"]["right"]["tx_packets_per_s"] for line in ringway.rates()]
    assert len(rates) >= 2 and min(rates) > 0, f"{rates} packets a second"


@test()
def soak_finds_nothing(work):
    packets = max(1_000_000, 10_000_000 // SLOWDOWN)
    environment = {**os.environ, "RINGWAY": str(pathlib.Path(RINGWAY).resolve())}
    # A sanitizer's allocator keeps what is freed for a while; leaks are its own to find there.
    growth = ["--most-growth", str(64 * 1024)] if SLOWDOWN > 1 else []
    done = subprocess.run([TOOLS / "soak", "--packets", str(packets), *growth], capture_output=True, text=True, cwd=work,
                          env=environment)
    told = f"exit status {done.returncode}: {done.stdout}{done.stderr}"
    assert done.returncode == 0 and f"soak: {packets} packets in " in done.stdout, told


if __name__ == "__main__":
    main()
