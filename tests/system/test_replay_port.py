#!/usr/bin/env python3
"""Captures replayed from where they lie: whole, in order, at their pace, without a copy, whatever becomes of the file."""

import fcntl
import hashlib
import json
import os
import pathlib
import random
import struct
import threading
import time

import captures
from harness import (NOBODY, SLOWDOWN, Ringway, check_balance, check_same, check_status, forward,
                     forwarding_options, lcores_on_cpus, main, root, run, test, unprivileged, write_config)
from rig import Rig, need_af_xdp, numbered_frames

SEED = 23
MIB = 1 << 20
SHAPES = {
    "run to completion": {1: {"rx": ["in.0"]}, 2: {"generate": ["in"]}},
    "pipeline": {1: {"rx": ["in.0"]}, 2: {"work": True}, 3: {"tx": ["out"]}, 4: {"generate": ["in"]}},
}
HEADER = 16  # bytes that swap_macs may write of a frame that has them
ETHERNET_HEADER = 14
FIRST_FRAME_LATE = 0.1  # seconds
GIGABYTES = 2 << 30
BIG_FRAME = 60_000
RSS_LIMIT = 64 * MIB


def replay(work, device, out="", shape="run to completion", mtu=1500, rings=None):
    """A capture into another one, or whatever `out` is."""
    lcores = SHAPES[shape]
    out = out or f"net_pcap0,tx_pcap={work}/out"
    return {"ports": {"in": {"device": f"replay,{device}", "mtu": mtu}, "out": {"device": out, "mtu": mtu}},
            "forwarding": {"mode": "cross_connect", "pairs": [{"from": "in", "to": "out"}]}, "lcores": lcores,
            "rings": rings or {"when_full": "wait"},
            "eal": {"lcores": lcores_on_cpus(max(lcores)), "no_huge": True}}


def reflecting(device):
    lcores = {1: {"rx": ["in.0"]}, 2: {"generate": ["in"], "check": ["in"]}}
    return {"ports": {"in": {"device": f"replay,{device}", "when_full": "wait"}},
            "forwarding": {"mode": "reflect", "ports": ["in"]}, "lcores": lcores,
            "eal": {"lcores": lcores_on_cpus(2), "no_huge": True}}


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def write_pcapng(path, frames):
    """Enhanced, simple and unknown blocks, over two interfaces, the second with nanoseconds."""
    with open(path, "wb") as file:
        file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        file.write(block(1, struct.pack("<HHI", captures.ETHERNET, 0, 0)))
        file.write(block(1, struct.pack("<HHIHHBxxx", captures.ETHERNET, 0, 0, 9, 1, 9)))
        for i, frame in enumerate(frames):
            if i % 3 == 2:
                file.write(block(0x40000000 + i, b"skipped") + block(3, struct.pack("<I", len(frame)) + frame))
            else:
                file.write(block(6, struct.pack("<IIIII", i % 3, 0, 7, len(frame), len(frame)) + frame))


def write_timed(path, frames):
    """Frames with the seconds since the first, and bytes on the wire."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, captures.ETHERNET))
        for seconds, frame, length in frames:
            us = round(seconds * 1e6)
            file.write(struct.pack("<IIII", 1000 + us // 1_000_000, us % 1_000_000, len(frame), length) + frame)


def times(path):
    """Seconds since the first frame."""
    data, at, found = pathlib.Path(path).read_bytes(), 24, []
    unit = {0xA1B2C3D4: 1e-6, 0xA1B23C4D: 1e-9}[struct.unpack_from("<I", data)[0]]
    while at < len(data):
        seconds, fraction, length = struct.unpack_from("<III", data, at)
        found.append(seconds + fraction * unit)
        at += 16 + length
    return [one - found[0] for one in found]


def frames_that_fit(count):
    rng = random.Random(SEED)
    return [rng.randbytes(rng.randrange(14, 1523)) for _ in range(count)]


def check_replay(ringway, sent, passes=1, **skipped):
    """What the report says of the one replay."""
    replayed = ringway.report["replays"]["in"]
    left_out = {name: count for name, count in replayed["skipped"].items() if count}
    assert (replayed["sent"], replayed["passes"], left_out) == (sent, passes, skipped), replayed
    assert replayed["fault"] == "" and replayed["missed"] == 0, replayed
    return replayed


@test(each=[(form, "run to completion") for form in (*captures.FORMS, "pcapng")] + [("pcapng", "pipeline")])
def frames_leave_as_they_are_in(work, form, shape):
    rng = random.Random(SEED)
    frames = captures.short_frames(rng)[1:] + captures.hard_frames() + captures.long_frames(rng, 1522)
    frames = [frame for frame in frames if frame] + captures.random_frames(rng, 2000)
    write_pcapng(work / "in", frames) if form == "pcapng" else captures.write(work / "in", frames, form)
    before = hashlib.sha256((work / "in").read_bytes()).digest()
    ringway = forward(work, replay(work, f"file={work}/in", shape=shape))
    fits = [frame for frame in frames if len(frame) <= 1522]
    skipped = {"over_mtu": len(frames) - len(fits)} if len(fits) < len(frames) else {}
    balance = check_balance(ringway)
    assert balance["received"] == len(fits), balance
    assert check_replay(ringway, len(fits), **skipped)["bytes"] == sum(map(len, fits))
    check_same(form, fits, captures.read(work / "out"))
    assert hashlib.sha256((work / "in").read_bytes()).digest() == before


@test()
def frames_up_to_an_mbufs_limit_are_one_piece(work):
    rng = random.Random(SEED)
    frames = [rng.randbytes(size) for size in (60, 2048, 9022, 16128, 16129, 32768, 65534, 65535, 65536, 100_000)]
    captures.write(work / "in", frames)
    ringway = forward(work, replay(work, f"file={work}/in,rate=max", mtu=65513))
    check_balance(ringway)
    check_replay(ringway, 8, too_long=2)
    check_same("out", frames[:8], captures.read(work / "out"))


@test(root, each=[("net_af_packet",), ("net_af_xdp",)])
def frames_leave_by_a_kernel_interface_through(work, driver):
    if driver == "net_af_xdp":
        need_af_xdp()
    frames = numbered_frames(random.Random(SEED), 3000)
    captures.write(work / "in", frames)
    with Rig("a") as rig:
        config = replay(work, f"file={work}/in,rate=10kpps", f"{driver}0,iface=to_a")
        config["ports"]["out"]["when_full"] = "wait"
        with rig.ringway(work, *forwarding_options(work, config)) as ringway:
            got = rig.hosts["a"].receive(len(frames))
            ringway.finish()
            got += rig.hosts["a"].receive(1, 0.2)
    check_balance(ringway)
    check_same(driver, frames, got)


@test()
def a_capture_is_played_as_often_as_asked(work):
    frames = frames_that_fit(500)
    captures.write(work / "in", frames)
    ringway = forward(work, replay(work, f"file={work}/in,rate=max,loop=7"))
    check_balance(ringway)
    check_replay(ringway, 7 * len(frames), passes=7)
    check_same("out", 7 * frames, captures.read(work / "out"))


@test()
def a_capture_without_end_plays_until_it_is_stopped(work):
    captures.write(work / "in", frames_that_fit(100))
    ringway = forward(work, replay(work, f"file={work}/in,rate=50kpps,loop=forever", "net_null0"), "--duration", "0.5")
    check_balance(ringway)
    sent = ringway.report["replays"]["in"]["sent"]
    assert 100 < sent <= 0.5 * 50_000 * 1.1 * SLOWDOWN, sent


# No frame may leave before its time; that it also leaves soon after is a matter of the machine's load. Behind the replay
# the first frame, which times are counted from, may wait for a CPU.
@test(each=[(1,), (2,), (0.5,)])
def the_captures_own_times_hold_at_speed(work, speed):
    frames = [(i * 0.004, i.to_bytes(2, "big") * 30, 60) for i in range(200)]
    write_timed(work / "in", frames)
    ringway = forward(work, replay(work, f"file={work}/in" + (f",speed={speed}" if speed != 1 else "")))
    check_balance(ringway)
    check_replay(ringway, len(frames))
    check_same("out", [frame for _, frame, _ in frames], captures.read(work / "out"))
    early = [i for i, at in enumerate(times(work / "out")) if at < frames[i][0] / speed - FIRST_FRAME_LATE]
    assert not early, f"{len(early)} frames left before their time: {early[:5]}"
    span = frames[-1][0] / speed
    assert ringway.report["duration_s"] >= span, ringway.report["duration_s"]


@test()
def a_rate_holds(work):
    captures.write(work / "in", frames_that_fit(10_000))
    ringway = forward(work, replay(work, f"file={work}/in,rate=20kpps", "net_null0"))
    check_balance(ringway)
    check_replay(ringway, 10_000)
    assert ringway.report["duration_s"] >= 0.99 * 0.5, ringway.report["duration_s"]


@test()
def what_cannot_be_sent_as_it_was_is_left_out_by_name(work):
    frame = bytes(range(60))
    write_timed(work / "in", [(0, frame, 60), (0, b"", 0), (0, frame, 1500), (0, b"", 60), (0, bytes(1523), 1523),
                              (0, bytes(70_000), 70_000), (0, bytes(1522), 1522)])
    ringway = forward(work, replay(work, f"file={work}/in,rate=max,loop=2"))
    check_balance(ringway)
    check_replay(ringway, 4, passes=2, empty=4, cut_short=2, over_mtu=2, too_long=2)
    check_same("out", [frame, bytes(1522)] * 2, captures.read(work / "out"))


@test()
def who_writes_copies_headers_alone(work):
    frames = captures.short_frames(random.Random(SEED))[1:] + frames_that_fit(3000)
    captures.write(work / "in", frames)
    before = hashlib.sha256((work / "in").read_bytes()).digest()
    ringway = forward(work, reflecting(f"file={work}/in,rate=max,loop=3"))
    check_status(ringway, 0)
    report = ringway.report
    whole = [frame for frame in frames if len(frame) >= ETHERNET_HEADER]
    copied = sum(HEADER if len(frame) >= HEADER else ETHERNET_HEADER for frame in whole)
    assert report["copies"]["by_reason"] == {"shared_header": {"packets": 3 * len(whole), "bytes": 3 * copied}}, \
        report["copies"]
    assert report["copies"].get("in_other_buffers", 0) == 0, report["copies"]
    assert report["drops"]["frame_too_short"] == 3 * (len(frames) - len(whole)), report["drops"]
    assert check_replay(ringway, 3 * len(frames), passes=3)["discarded"] == 3 * len(whole)
    assert hashlib.sha256((work / "in").read_bytes()).digest() == before


@test(each=[(0,), (5_000_000,), (29_999_999,)])
def a_file_that_is_cut_to_bytes(work, size):
    path = work / "in"
    captures.write(path, frames_that_fit(200) * 200)
    whole = path.stat().st_size
    config = replay(work, f"file={path},rate=20kpps,loop=forever")
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        ringway.wait_until_forwarding()
        time.sleep(0.5)
        os.truncate(path, size)
        ringway.finish()
    check_status(ringway, 1, f"port 'in': capture {path} was cut from {whole} bytes to {size} bytes while it was replayed",
                 "may have gone out with zeros", "expected a file that nobody writes to")
    report = ringway.report
    balance = report["balance"]
    assert balance["unaccounted"] == 0 and balance["received"] == balance["transmitted"] > 0, balance
    assert all(pool["missing"] == 0 for pool in report["pools"].values()), report["pools"]
    assert report["replays"]["in"]["sent"] == balance["received"] and report["replays"]["in"]["fault"], report["replays"]


@test()
def a_damaged_capture_is_replayed_up_to_the_damage(work):
    frames = frames_that_fit(100)
    captures.write(work / "in", frames)
    size = (work / "in").stat().st_size
    os.truncate(work / "in", size - 1)
    ringway = forward(work, replay(work, f"file={work}/in,rate=max"))
    at = size - len(frames[-1]) - 16
    check_status(ringway, 1, f"makes no sense at byte {at} of {size - 1}; the replay ended after 99 frames",
                 "expected whole records up to its end")
    check_same("out", frames[:-1], captures.read(work / "out"))


def write_big(path):
    """Frames of one body, numbered; returns how many."""
    body = random.Random(SEED).randbytes(BIG_FRAME - 8)
    record = struct.pack("<IIII", 1, 2, BIG_FRAME, BIG_FRAME)
    count = -(-GIGABYTES // (BIG_FRAME + 16))
    with open(path, "wb", buffering=MIB) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, captures.ETHERNET))
        for number in range(count):
            file.write(record + number.to_bytes(8, "big") + body)
    return body, count


class FarEnd(threading.Thread):
    """Reads what net_pcap writes into a pipe, and looks at every byte of every frame."""

    def __init__(self, path, body):
        super().__init__()
        os.mkfifo(path)
        self.path, self.body = path, body
        self.frames, self.wrong = 0, []
        self.start()

    def run(self):
        record = bytearray(16 + BIG_FRAME)
        with open(self.path, "rb", buffering=4 * MIB) as pipe:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, MIB)
            pipe.read(24)
            while pipe.readinto(record) == len(record):
                frame = memoryview(record)[16:]
                if frame[:8] != self.frames.to_bytes(8, "big") or frame[8:] != self.body:
                    self.wrong.append(self.frames)
                self.frames += 1


def peak_rss(ringway):
    """The most memory that was resident, looked at until the process ends, in bytes."""
    status = pathlib.Path(f"/proc/{ringway.process.pid}/status")
    peak = 0
    while told := [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]:  # a zombie has none
        peak = int(told[0].split()[1]) * 1024
        time.sleep(0.02)
    return peak


def replay_into_pipe(work, path, body, name):
    far_end = FarEnd(work / name, body)
    config = replay(work, f"file={path},rate=max", f"net_pcap0,tx_pcap={work}/{name}", mtu=65513)
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        peak = peak_rss(ringway)
        ringway.finish()
    far_end.join()
    check_balance(ringway)
    return ringway, far_end, peak


def time_for_gigabytes():
    return f"a build {SLOWDOWN} times slower needs minutes for 2 GiB" if SLOWDOWN > 1 else None


@test(time_for_gigabytes)
def a_capture_of_2_gib_takes_no_memory(work):
    body, count = write_big(work / "big")
    with open(work / "big", "rb") as big:
        (work / "small").write_bytes(big.read(24 + 16 + BIG_FRAME))
    _, far_end, before = replay_into_pipe(work, work / "small", body, "pipe-small")
    assert (far_end.frames, far_end.wrong) == (1, []), (far_end.frames, far_end.wrong)
    ringway, far_end, peak = replay_into_pipe(work, work / "big", body, "pipe-big")
    assert far_end.frames == count and not far_end.wrong, f"{far_end.frames} of {count}, wrong {far_end.wrong[:5]}"
    check_replay(ringway, count)
    assert ringway.report["copies"]["bytes"] == 0 and (work / "big").stat().st_size > GIGABYTES
    growth = peak - before
    print(f"# {count} frames in {ringway.report['duration_s']:.2f} s; RSS grew by {growth / MIB:.1f} MiB")
    assert growth < RSS_LIMIT, f"RSS grew by {growth / MIB:.1f} MiB, from {before / MIB:.1f} MiB"


@test()
def captures_that_cannot_be_replayed_are_refused(work):
    captures.write(work / "whole", [bytes(60)])
    (work / "text").write_text("no capture at all")
    (work / "empty").write_bytes(b"")
    (work / "gzip").write_bytes(b"\x1f\x8b\x08" + bytes(30))
    (work / "wlan").write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 105))
    for name, words in {"text": "is neither pcap nor pcapng", "empty": "is empty; expected a capture",
                        "gzip": "is compressed", "wlan": "holds frames of another link type; expected Ethernet",
                        ".": "is no regular file", "nowhere": "No such file or directory"}.items():
        config = write_config(work, replay(work, f"file={work}/{name}", "net_null0"))
        started = run(work, "--config", config)
        check_status(started, 69, "ports.in.device: 'replay,file=", words)
        checked = run(work, "--config", config, "--check")
        if name == "nowhere":
            check_status(checked, 0, "warning: ports.in.device: capture", "is not there")
        else:
            check_status(checked, 69, "ports.in.device: capture", words)
    check_status(run(work, "--config", write_config(work, replay(work, f"file={work}/whole", "net_null0")), "--check"), 0)


@test(root, unprivileged)
def a_capture_that_may_not_be_read_is_told(work):
    captures.write(work / "in", [bytes(60)])
    (work / "in").chmod(0o600)
    config = write_config(work, replay(work, f"file={work}/in", "net_null0"))
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
    check_status(run(work, "--config", config, prefix=drop), 77, "Permission denied")
    (work / "in").chmod(0o644)
    check_balance(forward(work, json.loads(config.read_text()), prefix=drop[:0]))


if __name__ == "__main__":
    main()
