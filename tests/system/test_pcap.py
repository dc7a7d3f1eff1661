#!/usr/bin/env python3
"""Captures through ringway: what comes out is what went in, byte by byte, record by record."""

import random

import captures
from harness import check_balance, check_same, forward, main, test

SEED = 20
PCAP_LONGEST_CHAIN = 16128  # bytes of a chain of mbufs that net_pcap writes whole
LONGEST_MBUF = 65407  # most data room that an mbuf can have


def one_way(work, pairs, mtu, data_room, burst=32, descriptors=512):
    """Captures named in-NAME cross-connected, each to its out-NAME."""
    ports, ways = {}, []
    for i, name in enumerate(pairs):
        queue = {"mtu": mtu, "rx_descriptors": descriptors, "tx_descriptors": descriptors}
        ports[f"in_{name}"] = {"device": f"net_pcap{2 * i},rx_pcap={work}/in-{name}", **queue}
        ports[f"out_{name}"] = {"device": f"net_pcap{2 * i + 1},tx_pcap={work}/out-{name}", **queue}
        ways.append({"from": f"in_{name}", "to": f"out_{name}"})
    return {"ports": ports, "forwarding": {"mode": "cross_connect", "pairs": ways}, "burst": burst,
            "pool": {"data_room": data_room}, "eal": {"no_huge": True}}


def check_ports(report, name, received, transmitted):
    """The port counters, in packets and bytes, against the frames that went in and out."""
    into, out = report["ports"][f"in_{name}"], report["ports"][f"out_{name}"]
    assert (into["rx_packets"], into["rx_bytes"]) == (len(received), sum(map(len, received))), f"{name}: {into}"
    assert (out["tx_packets"], out["tx_bytes"]) == (len(transmitted), sum(map(len, transmitted))), f"{name}: {out}"


def check_cut(work, frames, limit, **how):
    """Frames up to the limit come out unaltered, longer ones are dropped under a reason, none is shortened."""
    captures.write(work / "in-x", frames)
    ringway = forward(work, one_way(work, ["x"], **how), "--stop-when-idle", "1")
    fitting = [frame for frame in frames if len(frame) <= limit]
    balance = check_balance(ringway, frame_too_long=len(frames) - len(fitting))
    assert (balance["received"], balance["transmitted"]) == (len(frames), len(fitting)), balance
    check_ports(ringway.report, "x", frames, fitting)
    check_same("x", fitting, captures.read(work / "out-x"))


@test(each=[(room, burst) for room in (2048, 9216) for burst in (1, 32, 64)])
def every_record_leaves_identical_with_data_room_and_burst(work, data_room, burst):
    rng = random.Random(SEED)
    around = [2048 * segments for segments in range(1, 5)]
    frames = (captures.short_frames(rng) + captures.hard_frames() + captures.long_frames(rng, 9022, *around)
              + captures.random_frames(rng, 4000))
    for form in captures.FORMS:
        captures.write(work / f"in-{form}", frames, form)
    ringway = forward(work, one_way(work, captures.FORMS, 9000, data_room, burst), "--stop-when-idle", "1")
    balance = check_balance(ringway)
    assert balance["received"] == len(frames) * len(captures.FORMS), balance
    for form in captures.FORMS:
        check_ports(ringway.report, form, frames, frames)
        check_same(form, frames, captures.read(work / f"out-{form}"))


@test()
def frames_over_the_mtu_are_dropped_and_the_others_untouched(work):
    rng = random.Random(SEED)
    frames = captures.long_frames(rng, 9018) + captures.short_frames(rng) + captures.random_frames(rng, 1000)
    check_cut(work, frames, 1522, mtu=1500, data_room=2048)


@test()
def frames_of_the_largest_mbuf_leave_identical(work):
    rng = random.Random(SEED)
    sizes = (60, 16128, 16129, 32768, 65000, LONGEST_MBUF, LONGEST_MBUF + 1, 65535)
    check_cut(work, [rng.randbytes(size) for size in sizes * 20], LONGEST_MBUF,
              mtu=LONGEST_MBUF - 22, data_room=LONGEST_MBUF, descriptors=64)


@test()
def chains_longer_than_the_driver_writes_are_dropped(work):
    rng = random.Random(SEED)
    sizes = (60, 2048, 2049, 16127, PCAP_LONGEST_CHAIN, PCAP_LONGEST_CHAIN + 1, 32768, 65535)
    check_cut(work, [rng.randbytes(size) for size in sizes * 50], PCAP_LONGEST_CHAIN, mtu=65513, data_room=2048)


@test(each=[(2048,), (9216,)])
def reflect_swaps_the_addresses_and_nothing_else_with_data_room(work, data_room):
    rng = random.Random(SEED)
    frames = (captures.short_frames(rng) + captures.hard_frames() + captures.long_frames(rng, 9022, 2048, 4096)
              + captures.random_frames(rng, 2000))
    captures.write(work / "in", frames)
    config = {"ports": {"x": {"device": f"net_pcap0,rx_pcap={work}/in,tx_pcap={work}/out", "mtu": 9000}},
              "forwarding": {"mode": "reflect", "ports": ["x"]},
              "pool": {"data_room": data_room}, "eal": {"no_huge": True}}
    ringway = forward(work, config, "--stop-when-idle", "1")
    swapped = [frame[6:12] + frame[:6] + frame[12:] for frame in frames if len(frame) >= 14]
    balance = check_balance(ringway, runt=len(frames) - len(swapped))
    assert balance["received"] == len(frames), balance
    check_same("x", swapped, captures.read(work / "out"))


if __name__ == "__main__":
    main()
