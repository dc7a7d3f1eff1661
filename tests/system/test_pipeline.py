#!/usr/bin/env python3
"""Packets over rings from lcore to lcore: nothing lost where outputs wait, flows in order, all else counted."""

import os
import random
import re
import signal
import time

import captures
from harness import (LAB_SHAPES, MAKER, SLOWDOWN, WAIT, Ringway, check_balance, check_flows, check_rings, check_status,
                     check_traffic, forward, forwarding_options, lab, lcores_on_cpus, main, run, standing_still, test,
                     write_config)

SEED = 50
PORTS = ["left", "right"]
RX = ["left.0", "right.0"]
WORK = {"work": True}
SHAPES = {
    "two workers": {1: {"rx": RX}, 2: WORK, 3: WORK, 4: {"tx": PORTS}},
    "three workers": {1: {"rx": RX}, 2: WORK, 3: WORK, 4: WORK, 5: {"tx": PORTS}},
    "one worker": {1: {"rx": RX}, 2: WORK, 3: {"tx": PORTS}},
    "one worker that transmits": {1: {"rx": RX}, 2: WORK},
    "workers that receive or transmit": {1: {"rx": RX, "work": True}, 2: {"work": True, "tx": PORTS}},
    "a transmitter alone": {1: {"rx": RX}, 2: {"tx": PORTS}},
    "an lcore a queue": {1: {"rx": RX[:1]}, 2: {"rx": RX[1:]}, 3: WORK, 4: WORK, 5: {"tx": PORTS[:1]},
                         6: {"tx": PORTS[1:]}},
}

# One lcore works, another does all the rest: it sees what the worker lets through.
ONE_WORKS = {1: {"rx": RX, "tx": PORTS, **MAKER}, 2: WORK}
STALL_RATE = "100kpps"
STALLS = (0.001, 0.1, 2.0)
LONG_STALL = 10.0  # for the worker alone, where most is at stake: all others go on
RECOVERY = 0.1 * SLOWDOWN  # seconds
STOP_LIMIT = 1.0 * SLOWDOWN  # seconds
ATTEMPTS = 3  # where time is looked at: others may use the CPUs, too
WHEN_FULL = {"drop": {"size": 256, "when_full": "drop"},
             "wait": {"size": 256, "when_full": "wait", "wait_ms": 100}}
TX_RINGS_HOLD = 256 * len(PORTS)  # packets that can go out without the worker


def pipeline(work, lcores, rings, burst=32, symmetric=False):
    """A capture into each port, and what it sends into another."""
    ports = {name: {"device": f"net_pcap{i},rx_pcap={work}/in-{name},tx_pcap={work}/out-{name}", "mtu": 9000,
                    "when_full": "wait"} for i, name in enumerate(PORTS)}
    return {"ports": ports, "forwarding": {"mode": "cross_connect", "pairs": [PORTS], "symmetric": symmetric},
            "lcores": lcores, "rings": {**rings, **WAIT}, "burst": burst,
            "eal": {"lcores": lcores_on_cpus(max(lcores)), "no_huge": True}}


def check_pipeline(work, lcores, rings, burst=32, symmetric=False):
    """All hard cases both ways, flow by flow."""
    rng = random.Random(SEED)
    flows = captures.flows(symmetric)
    others = captures.hard_frames() + captures.short_frames(rng) + captures.long_frames(rng, 9022, 2048, 4096)
    sent = {name: captures.mixed(rng, flows, others) for name in PORTS}
    for name, frames in sent.items():
        captures.write(work / f"in-{name}", frames)
    silence = "3" if rings["size"] == 2 else "1"  # with rings of one packet every packet waits for a switch of lcores
    ringway = forward(work, pipeline(work, lcores, rings, burst, symmetric), "--stop-when-idle", silence)
    balance = check_balance(ringway)
    assert balance["received"] == balance["transmitted"] == sum(map(len, sent.values())), balance
    check_rings(ringway)
    idle = [name for name, ring in ringway.report["rings"].items() if ring["enqueued"] == 0]
    assert not idle, f"no packet took {idle}"
    for name, other in zip(PORTS, reversed(PORTS)):
        check_flows(f"from {name}", flows, sent[name], captures.read(work / f"out-{other}"))


@test(each=[(shape,) for shape in SHAPES])
def flows_stay_in_order_over(work, shape):
    check_pipeline(work, SHAPES[shape], {"size": 256})


@test(each=[("two workers",), ("three workers",), ("workers that receive or transmit",)])
def both_directions_of_a_flow_stay_in_order_over(work, shape):
    check_pipeline(work, SHAPES[shape], {"size": 256}, symmetric=True)


@test(each=[(2, 32), (32, 32), (32, 33), (64, 32), (64, 64), (2, 1)])
def nothing_is_lost_in_rings_of_size_with_burst(work, size, burst):
    check_pipeline(work, SHAPES["two workers"], {"size": size}, burst)


@test(each=[(shape, size, burst) for shape in LAB_SHAPES for size, burst in ((2, 32), (32, 33), (64, 32))])
def rate_max_loses_nothing_where_rings_wait_in(work, shape, size, burst):
    packets = max(1000, (10_000 if size == 2 else 200_000) // SLOWDOWN)
    config = {**lab(LAB_SHAPES[shape], {"size": size, **WAIT}, packets=packets), "burst": burst}
    traffic = check_traffic(forward(work, config))
    assert (traffic["sent"], traffic["lost"]) == (2 * packets, 0), traffic


@test(each=[(size, burst) for size, burst in ((2, 32), (32, 33), (64, 32))])
def rate_max_loses_only_what_is_counted_where_rings_drop(work, size, burst):
    packets = 200_000 // SLOWDOWN
    config = {**lab(LAB_SHAPES["pipeline"], {"size": size}, packets=packets), "burst": burst}
    ringway = forward(work, config)
    traffic = check_traffic(ringway, "ring_full", "tx_full")
    assert traffic["sent"] == 2 * packets and ringway.report["drops"]["ring_full"] > 0, traffic


def least_pool(work, config):
    """The size that the planner asks for, in its own words, of a pool that is too small."""
    told = run(work, "--config", write_config(work, {**config, "pool": {"size": 1}}))
    check_status(told, 78, "pool.size: is 1 ")
    return int(re.search(r"pool\.size: .*; expected at least .* = (\d+)$", told.err, re.MULTILINE).group(1))


@test(each=[(shape, when_full) for shape in LAB_SHAPES for when_full in ("drop", "wait")])
def least_pool_is_enough_for(work, shape, when_full):
    packets = 200_000 // SLOWDOWN
    config = lab(LAB_SHAPES[shape], {"size": 64, **({} if when_full == "drop" else WAIT)}, packets=packets)
    least = least_pool(work, config)
    too_small = run(work, "--config", write_config(work, {**config, "pool": {"size": least - 1}}))
    check_status(too_small, 78, f"pool.size: is {least - 1} ")
    ringway = forward(work, {**config, "pool": {"size": least}})
    traffic = check_traffic(ringway, *(("ring_full", "tx_full") if when_full == "drop" else ()))
    assert traffic["sent"] == 2 * packets, traffic
    assert all(pool["size"] == least for pool in ringway.report["pools"].values()), ringway.report["pools"]


def sent_a_second(rates):
    return [sum(line["ports"][name]["tx_packets_per_s"] for name in PORTS) for line in rates]


def forwarding_rates(ringway):
    """Packets a second, interval by interval, from RECOVERY after this moment on."""
    time.sleep(RECOVERY)
    begun = len(ringway.rates()) + 1
    time.sleep(0.4)
    deadline = time.monotonic() + 30
    while len(ringway.rates()) <= begun:  # who tells them may wait for a CPU
        assert time.monotonic() < deadline, "no rates are told"
        time.sleep(0.01)
    return sent_a_second(ringway.rates()[begun:])


def mean(rates):
    return sum(rates) / len(rates)


def run_with_stalls(work, when_full, stall):
    """A run at a steady rate, of which at least half is back RECOVERY after a stall, and stays."""
    config = lab(ONE_WORKS, WHEN_FULL[when_full], rate=STALL_RATE)
    with Ringway(work, *forwarding_options(work, config), "--stats", "0.05") as ringway:
        ringway.wait_until_forwarding()
        seen = []
        recovered = False
        while not recovered and len(seen) < ATTEMPTS:
            before = mean(forwarding_rates(ringway))
            stall(ringway)
            after = forwarding_rates(ringway)
            seen.append((before, after))
            recovered = min(mean(after), after[0]) > before / 2
        assert recovered, f"packets a second before, and after by interval: {seen}"
        return ringway.stop()


@test(each=[(when_full, seconds) for when_full in WHEN_FULL for seconds in (*STALLS, LONG_STALL)])
def worker_that_stands_still_costs_what_is_counted_with(work, when_full, seconds):
    def stall(ringway):
        with standing_still(ringway.thread(2)):
            begun = len(ringway.rates()) + 1
            time.sleep(seconds)
            lines = ringway.rates()[begun:]
        intervals = [after["time_s"] - before["time_s"] for before, after in zip(lines, lines[1:])]
        went_out = sum(rate * interval for rate, interval in zip(sent_a_second(lines[1:]), intervals))
        assert went_out < TX_RINGS_HOLD, f"{went_out} packets went out without a worker"
        assert intervals or seconds < 1, "no rates were told"

    ringway = run_with_stalls(work, when_full, stall)
    drops, traffic = ringway.report["drops"], check_traffic(ringway, "ring_full", "tx_full")
    if seconds >= 0.1:  # else rings and queues may have had room
        assert drops["ring_full"] > 0 if when_full == "drop" else traffic["missed"] > 0, f"{drops} {traffic}"
    if seconds > 0.1:  # when waiting is over, too
        assert drops["ring_full"] > 0, drops


@test(each=[(when_full, seconds) for when_full in WHEN_FULL for seconds in STALLS])
def process_that_was_stopped_goes_on_with(work, when_full, seconds):
    def stall(ringway):
        ringway.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, ringway.process.pid, os.WSTOPPED | os.WNOWAIT)
        time.sleep(seconds)
        ringway.process.send_signal(signal.SIGCONT)

    traffic = check_traffic(run_with_stalls(work, when_full, stall), "ring_full", "tx_full")
    assert traffic["forgone"] > 0 or seconds < 0.1, traffic


def stop_under_load(work, config):
    """The run, and the seconds that it took to end."""
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        ringway.wait_until_forwarding()
        time.sleep(0.4)
        ringway.process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        ringway.finish()
        return ringway, time.monotonic() - begun


@test(each=[(shape, when_full) for shape in LAB_SHAPES for when_full in ("drop", "wait")])
def all_that_was_received_goes_out_on_sigint_in(work, shape, when_full):
    config = lab(LAB_SHAPES[shape], {"size": 1024, **(WAIT if when_full == "wait" else {})})
    took = []
    while not took or (took[-1] > STOP_LIMIT and len(took) < ATTEMPTS):
        ringway, seconds = stop_under_load(work, config)
        took.append(seconds)
        traffic = check_traffic(ringway, *(("ring_full", "tx_full") if when_full == "drop" else ()))
        assert traffic["received"] > 0 and traffic["missed"] == 0, traffic
    assert took[-1] <= STOP_LIMIT, f"took {took} s to end"


def refused(work, config, status, *words):
    """What is told of a configuration that does not start: each line says what to do instead."""
    told = run(work, "--config", write_config(work, config))
    check_status(told, status, *words)
    problems = [line for line in told.err.splitlines() if ": " in line and "warning" not in line
                and not line.startswith("ringway: EAL arguments")]
    assert problems and all("expected" in line or "did you mean" in line for line in problems), told.err
    return told.err


@test()
def rings_beyond_the_pool_are_refused_with_the_sum(work):
    config = {**lab(LAB_SHAPES["two workers"], {"size": 65536}), "pool": {"size": 65535}}
    told = refused(work, config, 78, "pool.size: is 65535 ")
    terms, total = re.search(r"expected at least (.*) = (\d+)$", told, re.MULTILINE).groups()
    products = [int(times) * int(each) for times, each in re.findall(r"(\d+) x (\d+)", terms)]
    assert sum(products) == int(total), told
    assert terms.count("65535 (ring ") == 6, terms  # four to the workers, two to the transmitter


@test()
def memory_that_is_asked_for_is_enough(work):
    config = lab(LAB_SHAPES["two workers"], {"size": 32768, **WAIT}, packets=1000)
    told = refused(work, config, 69, "eal.memory: ")
    config["eal"]["memory"] = int(re.search(r"expected eal: \{memory: (\d+)\}$", told, re.MULTILINE).group(1))
    assert check_traffic(forward(work, config))["sent"] == 2000


@test()
def workers_without_a_tx_queue_each_are_told_to_share(work):
    for name in PORTS:
        captures.write(work / f"in-{name}", [bytes(60)])
    told = run(work, "--config", write_config(work, pipeline(work, {1: {"rx": RX}, 2: WORK, 3: WORK}, {})))
    check_status(told, 69, "ports.left.tx_queues: is 2; ", "give tx: [left] to one lcore", "give tx: [right]")


PIPELINE = LAB_SHAPES["pipeline"]
BAD_RINGS = {
    "size of 48": ({"size": 48}, "rings.size"),
    "size of 1": ({"size": 1}, "rings.size"),
    "size beyond a million": ({"size": 2 << 20}, "rings.size"),
    "no time to wait": ({"when_full": "wait", "wait_ms": 0}, "rings.wait_ms"),
    "unknown when_full": ({"when_full": "block"}, "rings.when_full"),
    "unknown ring": ({"override": {"rx.left.1-9": {"size": 64}}}, "rings.override.rx.left.1-9"),
    "ring misspelt": ({"override": {"rx.left.1-22": {"size": 64}}}, "rings.override.rx.left.1-22"),
    "size of one ring": ({"override": {"tx.left.2-4": {"size": 63}}}, "rings.override.tx.left.2-4.size"),
}
BAD_LCORES = {
    "nobody polls": ({**PIPELINE, 1: {"rx": ["left.0"]}}, "right.0"),
    "polled twice": ({**PIPELINE, 4: {"rx": ["left.0"], "tx": PORTS}}, "left.0"),
    "unknown port": ({**PIPELINE, 4: {"tx": ["lift"]}}, "lcores.4.tx[0]"),
    "generated twice": ({**PIPELINE, 4: {"tx": PORTS, "generate": ["left"]}}, "lcores.5.generate[0]"),
    "not checked": ({**PIPELINE, 5: {"generate": PORTS, "check": ["left"]}}, "check: [right]"),
    "no such lcore": ({**PIPELINE, 120: {"work": True}}, "lcores.120"),
}
BAD_TRAFFIC = {
    "size of 63": ({"size": 63}, "traffic.size"),
    "longer than the port carries": ({"size": 1600}, "traffic.size"),
    "no flows": ({"flows": 0}, "traffic.flows"),
    "unknown rate": ({"rate": "fast"}, "traffic.rate"),
    "more than all": ({"faults": "101%"}, "traffic.faults"),
}


@test(each=[(name,) for name in BAD_RINGS])
def rings_are_refused_with_advice(work, name):
    rings, word = BAD_RINGS[name]
    refused(work, lab(PIPELINE, rings), 78, word)


@test(each=[(name,) for name in BAD_LCORES])
def lcores_are_refused_with_advice(work, name):
    lcores, word = BAD_LCORES[name]
    config = lab(lcores, {})
    config["eal"]["lcores"] = lcores_on_cpus(5)
    refused(work, config, 69 if name == "no such lcore" else 78, word)


@test(each=[(name,) for name in BAD_TRAFFIC])
def traffic_is_refused_with_advice(work, name):
    traffic, word = BAD_TRAFFIC[name]
    refused(work, lab(PIPELINE, {}, **traffic), 78, word)


if __name__ == "__main__":
    main()
