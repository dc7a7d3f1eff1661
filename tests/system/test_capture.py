#!/usr/bin/env python3
"""Captures to disk: each packet is in a file that other programs read, or in a counter."""

import collections
import contextlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time

import captures
from harness import (AS_NOBODY, LAB_PORTS, LAB_SHAPES, RINGWAY, SLOWDOWN, WAIT, Ringway, Skip, check_same, check_status,
                     forward, forwarding_options, lab, lcores_on_cpus, main, root, test, unprivileged)

INBOUND, OUTBOUND = "0x00000001", "0x00000002"
ROTATED = re.compile(r"out_(\d{5})_\d{14}\.pcapng")
ROOM = {"buffer": 1 << 13}  # all that a test sends at once, so that none is missed
MEMORY = {"no_huge": True, "memory": 2048}


def wireshark():
    return None if shutil.which("tshark") and shutil.which("capinfos") else "tshark is not installed"


def run_silently(*command):
    """What a program prints, which must not complain."""
    done = subprocess.run(command, capture_output=True, text=True)
    complaint = done.stderr.replace('Running as user "root" and group "root". This could be dangerous.\n', "")
    assert done.returncode == 0 and not complaint, f"{command}: status {done.returncode}: {complaint}"
    return done.stdout


def count(path):
    """Packets in a file, as capinfos finds them."""
    return int(run_silently("capinfos", "-Mrc", "-T", path).split("\t")[1])


def fields(path, *names):
    """A tuple of fields for each packet, as tshark shows them."""
    options = [word for name in names for word in ("-e", name)]
    lines = run_silently("tshark", "-r", path, "-n", "-T", "fields", *options).splitlines()
    return [tuple(line.split("\t")) for line in lines]


def check_captured(ringway, **files):
    """All packets are accounted for, those of each capture too; capinfos finds as many in its files as were written.
    Returns the captures' totals."""
    report = ringway.report
    assert report["balance"]["unaccounted"] == report["balance"]["in_flight"] == 0, report["balance"]
    for name, pool in report["pools"].items():
        assert pool["missing"] == 0 and pool["freed_twice"] == 0, f"{name}: {pool}"
    totals = report["captures"]
    assert totals.keys() == files.keys(), totals
    for name, paths in files.items():
        capture = totals[name]
        assert capture["matched"] == capture["written"] + capture["missed"], f"{name}: {capture}"
        found = sum(count(path) for path in paths)
        assert found == capture["written"], f"{name}: capinfos finds {found} packets: {capture}"
    copied = report["copies"]["by_reason"].get("capture", {"packets": 0})["packets"]
    assert copied >= sum(capture["written"] for capture in totals.values()), report["copies"]
    return totals


def with_captures(config, **named):
    return {**config, "capture": named, "eal": {**config["eal"], **MEMORY}}


def one_way(work, frames, **named):
    """Frames from a capture file by net_pcap, out to another one."""
    captures.write(work / "in", frames)
    ports = {"a": {"device": f"net_pcap0,rx_pcap={work}/in"}, "b": {"device": f"net_pcap1,tx_pcap={work}/out"}}
    ways = {"mode": "cross_connect", "pairs": [{"from": "a", "to": "b"}]}
    return with_captures({"ports": ports, "forwarding": ways, "eal": MEMORY}, **named)


@test(wireshark)
def ten_million_packets_at_full_speed_are_in_the_file_or_in_the_counter(work):
    packets = 10_000_000 // SLOWDOWN
    config = lab(LAB_SHAPES["run to completion"], {}, packets=packets // 2)
    config = with_captures(config, x={"file": str(work / "x"), "ports": "all", "direction": "rx"})
    ringway = forward(work, config, "--stats", "0.1", seconds=120)
    check_status(ringway, 0)
    x = check_captured(ringway, x=[work / "x"])["x"]
    assert x["matched"] == packets and x["written"] > packets / 100, x
    assert x["bytes"] == (work / "x").stat().st_size, x
    seen = [line["captures"]["x"]["matched"] for line in ringway.rates()]
    assert seen == sorted(seen) and seen, seen


@test(wireshark, each=[(shape,) for shape in LAB_SHAPES])
def everything_is_captured_everywhere_with(work, shape):
    """What is received, offered and dropped, in files of their own; the last of these by reason."""
    config = lab(LAB_SHAPES[shape], WAIT, packets=8_000, faults="5%", rate="200kpps")
    named = {name: {"file": str(work / name), **place, **ROOM} for name, place in
             {"rx": {"ports": "all", "direction": "rx"}, "tx": {"ports": "all", "direction": "tx"},
              "limited": {"stage": "limit_frames"}, "lost": {"drops": "all"}}.items()}
    ringway = forward(work, with_captures(config, **named))
    check_status(ringway, 0)
    report = ringway.report
    totals = check_captured(ringway, **{name: [work / name] for name in named})
    assert totals["rx"]["matched"] == report["balance"]["received"], report
    assert totals["limited"]["matched"] == report["balance"]["transmitted"], report
    assert totals["tx"]["matched"] == report["balance"]["transmitted"], report
    assert totals["lost"]["matched"] == report["balance"]["dropped"] > 0, report
    assert not any(capture["missed"] for capture in totals.values()), totals
    dropped = {reason: number for reason, number in report["drops"].items() if number}
    comments = collections.Counter(comment for comment, in fields(work / "lost", "frame.comment"))
    assert comments == {f"dropped: {reason}": number for reason, number in dropped.items()}, f"{comments} {dropped}"
    rows = collections.Counter(fields(work / "tx", "frame.interface_name", "frame.packet_flags_direction"))
    sent = {(port, OUTBOUND): report["ports"][port]["tx_packets"] for port in LAB_PORTS}
    assert rows == sent, f"{rows}, expected {sent}"


@test(wireshark)
def what_is_in_the_file_is_what_passed(work):
    rng = random.Random(7)
    frames = [frame for frame in captures.hard_frames() + captures.random_frames(rng, 500) if 14 <= len(frame) <= 1518]
    begin = time.time()
    config = one_way(work, frames, x={"file": str(work / "x"), "ports": ["a"], "direction": "rx", **ROOM},
                     cut={"file": str(work / "cut"), "ports": "all", "snap": 20, **ROOM})
    ringway = forward(work, config, "--stop-when-idle", "0.5")
    check_status(ringway, 0)
    totals = check_captured(ringway, x=[work / "x"], cut=[work / "cut"])
    assert totals["x"]["written"] == len(frames) and totals["cut"]["written"] == 2 * len(frames), totals
    check_same("x", frames, captures.read(work / "x"))
    assert {len(frame) for frame in captures.read(work / "cut")} == {min(len(frame), 20) for frame in frames}
    rows = fields(work / "x", "frame.interface_name", "frame.packet_flags_direction", "frame.time_epoch", "frame.len")
    assert {row[:2] for row in rows} == {("a", INBOUND)}, rows[:3]
    assert [int(row[3]) for row in rows] == [len(frame) for frame in frames]
    times = [float(row[2]) for row in rows]
    assert times == sorted(times) and begin <= times[0] and times[-1] <= time.time(), (begin, times[0], times[-1])
    assert any(not row[2].endswith("000") for row in rows), "no time has nanoseconds"


@test(wireshark)
def a_filter_takes_what_it_says(work):
    frames = [frame for frame in captures.hard_frames() if 14 <= len(frame) <= 1518]
    config = one_way(work, frames, x={"file": str(work / "x"), "ports": ["b"], "filter": "ip6", **ROOM})
    ringway = forward(work, config, "--stop-when-idle", "0.5")
    check_status(ringway, 0)
    check_captured(ringway, x=[work / "x"])
    check_same("x", [frame for frame in frames if frame[12:14] == b"\x86\xdd"], captures.read(work / "x"))


@test(wireshark)
def reflect_shows_headers_before_and_after(work):
    frames = [frame for frame in captures.hard_frames() if 14 <= len(frame) <= 1518]
    captures.write(work / "in", frames)
    config = {"ports": {"a": {"device": f"net_pcap0,rx_pcap={work}/in,tx_pcap={work}/out"}},
              "forwarding": {"mode": "reflect", "ports": ["a"]}, "eal": MEMORY,
              "capture": {"x": {"file": str(work / "x"), "ports": ["a"], **ROOM},
                          "behind": {"file": str(work / "behind"), "stage": "swap_macs", **ROOM}}}
    ringway = forward(work, config, "--stop-when-idle", "0.5")
    check_status(ringway, 0)
    check_captured(ringway, x=[work / "x"], behind=[work / "behind"])
    ways = [way for way, in fields(work / "x", "frame.packet_flags_direction")]
    seen = captures.read(work / "x")
    swapped = [frame[6:12] + frame[:6] + frame[12:] for frame in frames]
    check_same("in", frames, [frame for way, frame in zip(ways, seen) if way == INBOUND])
    for name, got in (("out", [frame for way, frame in zip(ways, seen) if way == OUTBOUND]),
                      ("behind", captures.read(work / "behind")), ("sent", captures.read(work / "out"))):
        check_same(name, swapped, got)
    shared = ringway.report["copies"]["by_reason"].get("shared_header", {"packets": 0})
    assert shared["packets"] <= len(frames), shared


@test(wireshark)
def a_replay_is_captured_and_the_capture_replayed(work):
    """Packets that lie in a mapped file: headers of their own behind, and the file as it was before."""
    frames = [frame for frame in captures.hard_frames() if 14 <= len(frame) <= 1518]
    captures.write(work / "in", frames)
    for file, taken in ("in", "x"), ("x", "y"):
        config = {"ports": {"a": {"device": f"replay,file={work}/{file}", "when_full": "wait"}},
                  "forwarding": {"mode": "reflect", "ports": ["a"]},
                  "lcores": {1: {"rx": ["a.0"]}, 2: {"generate": ["a"], "check": ["a"]}}}
        config = with_captures({**config, "eal": {"lcores": lcores_on_cpus(2)}},
                               **{taken: {"file": str(work / taken), "ports": ["a"], "direction": "rx", **ROOM}},
                               sent={"file": str(work / "sent"), "ports": ["a"], "direction": "tx", **ROOM})
        ringway = forward(work, config)
        check_status(ringway, 0)
        check_captured(ringway, **{taken: [work / taken], "sent": [work / "sent"]})
        check_same(taken, frames, captures.read(work / taken))
        swapped = [frame[6:12] + frame[:6] + frame[12:] for frame in frames]
        check_same("sent", swapped, captures.read(work / "sent"))


@test(wireshark, unprivileged, each=[("root",), ("nobody",)])
def files_follow_one_another_and_old_ones_go_as(work, user):
    """New files are opened when all privileges are gone."""
    work.chmod(0o777)
    config = lab(LAB_SHAPES["run to completion"], WAIT, packets=20_000, rate="50kpps")
    config = with_captures(config, x={"file": str(work / "out.pcapng"), "ports": "all", "direction": "rx", **ROOM,
                                      "rotate": {"size": "256KiB", "files": 4}})
    binary = shutil.copy(RINGWAY, work / "ringway")
    ringway = forward(work, config, binary=binary, prefix=AS_NOBODY if user == "nobody" else ())
    check_status(ringway, 0, "no capability is left")
    x = ringway.report["captures"]["x"]
    received = ringway.report["balance"]["received"]  # with too little CPU time, not all that were due
    assert x["matched"] == x["written"] == received and x["files"] > 5, x
    there = sorted(path for path in work.iterdir() if path.name.startswith("out_"))
    numbers = [int(ROTATED.fullmatch(path.name)[1]) for path in there]
    assert numbers == list(range(x["files"] - 3, x["files"] + 1)), there
    for path in there:
        assert path.stat().st_size <= 256 * 1024 and count(path) > 0, path
        assert set(fields(path, "frame.interface_name")) <= {(port,) for port in LAB_PORTS}, path
    heads = {bytes[:int.from_bytes(bytes[4:8], "little")] for bytes in (path.read_bytes() for path in there)}
    assert len(heads) == 1 and b"Linux" in heads.pop(), heads


@test(wireshark)
def files_follow_one_another_by_time(work):
    config = lab(LAB_SHAPES["run to completion"], WAIT, duration=2.5, rate="1kpps")
    config = with_captures(config, x={"file": str(work / "out.pcapng"), "ports": ["left"], "rotate": {"seconds": 1}})
    ringway = forward(work, config)
    check_status(ringway, 0)
    files = sorted(path for path in work.iterdir() if path.name.startswith("out_"))
    x = check_captured(ringway, x=files)["x"]
    assert x["files"] == len(files) == 3 and x["missed"] == 0, x


@test(wireshark, root)
def files_to_come_need_no_privileges(work):
    folder = work / "others"
    folder.mkdir()
    shutil.chown(folder, "nobody")
    config = with_captures(lab(LAB_SHAPES["run to completion"], WAIT, packets=100),
                           x={"file": str(folder / "x"), "ports": "all", "rotate": {"seconds": 1}})
    check_status(forward(work, config), 77, f"capture 'x': cannot make files in {folder} once privileges are dropped: "
                                            "Permission denied; expected a folder of this user's own")
    check_status(forward(work, config, "--keep-privileges"), 0)


@test(wireshark)
def a_file_that_is_replayed_is_not_captured_to(work):
    frames = captures.hard_frames()[:8]
    captures.write(work / "in", frames)
    config = {"ports": {"a": {"device": f"replay,file={work}/in"}},
              "forwarding": {"mode": "reflect", "ports": ["a"]}, "eal": {"lcores": lcores_on_cpus(2)}}
    config = with_captures(config, x={"file": str(work / "in"), "ports": ["a"]})
    check_status(forward(work, config), 1, f"capture 'x': cannot write {work}/in: another capture writes it, or it is replayed")
    assert captures.read(work / "in") == frames


@contextlib.contextmanager
def small_disk(path, size):
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


@test(wireshark, root)
def a_full_disk_ends_the_capture_and_nothing_else(work):
    with small_disk(work / "disk", "5m") as disk:
        config = lab(LAB_SHAPES["run to completion"], WAIT, packets=200_000)
        config = with_captures(config, x={"file": str(disk / "x"), "ports": "all", "direction": "rx", **ROOM},
                               y={"file": str(work / "y"), "ports": "all", "direction": "tx", **ROOM})
        ringway = forward(work, config)
        check_status(ringway, 1, f"capture 'x' has ended: {disk}/x: No space left on device; its packets are counted as "
                                 "missed from now on, forwarding goes on")
        totals = check_captured(ringway, x=[disk / "x"], y=[work / "y"])
        assert 20_000 < totals["x"]["written"] < 100_000, totals
        assert totals["x"]["error"].endswith("No space left on device"), totals
        assert totals["y"]["written"] > totals["x"]["written"] and totals["y"]["error"] == "", totals
        assert ringway.report["balance"]["received"] == 400_000, ringway.report["balance"]


@test(wireshark, root)
def an_error_of_the_last_write_is_told(work):
    """Less than a block, so that nothing is written before the end."""
    with small_disk(work / "disk", "64k") as disk:
        config = with_captures(lab(LAB_SHAPES["run to completion"], WAIT, packets=4_000),
                               x={"file": str(disk / "x"), "ports": "all", "direction": "rx", **ROOM})
        ringway = forward(work, config)
        check_status(ringway, 1, f"capture 'x' has ended: {disk}/x: No space left on device")
        assert check_captured(ringway, x=[disk / "x"])["x"]["matched"] == 8_000


@test(wireshark)
def a_limit_of_file_sizes_ends_the_capture_and_nothing_else(work):
    config = with_captures(lab(LAB_SHAPES["run to completion"], WAIT, rate="1kpps"),
                           x={"file": str(work / "x"), "ports": "all", "direction": "rx", **ROOM})
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        ringway.wait_until_forwarding()
        resource.prlimit(ringway.process.pid, resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
        ringway.wait_for(f"capture 'x' has ended: {work}/x: File too large")
        resource.prlimit(ringway.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        ringway.process.send_signal(signal.SIGINT)
        ringway.finish(30)
    check_status(ringway, 1)
    check_captured(ringway, x=[work / "x"])


def takes_direct_io(folder):
    probe = folder / "probe"
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_WRONLY | os.O_DIRECT))
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


@test(wireshark)
def files_are_written_past_the_page_cache_several_blocks_at_once(work):
    if not takes_direct_io(work):
        raise Skip(f"the file system of {work} takes no O_DIRECT")
    config = with_captures(lab(LAB_SHAPES["run to completion"], WAIT, packets=20_000, rate="50kpps"),
                           x={"file": str(work / "x"), "ports": "all", "direction": "rx", **ROOM})
    log = work / "calls"
    strace = ("strace", "-f", "-o", log, "-e", "trace=openat,io_uring_enter,pwrite64")
    # A process that is traced cannot look for its leaks.
    ringway = forward(work, config, prefix=("env", "ASAN_OPTIONS=detect_leaks=0:abort_on_error=1", *strace))
    if "io_uring is not to be had" in ringway.err:
        raise Skip(ringway.err)
    check_status(ringway, 0)
    calls = log.read_text()
    opened = re.search(r'openat\(\d+, "x", (\S+), 0600\)', calls)
    assert opened and "O_DIRECT" in opened[1], calls
    blocks = ringway.report["captures"]["x"]["bytes"] >> 20
    assert blocks >= 2 and calls.count("io_uring_enter(") >= blocks, f"{blocks} blocks:\n{calls}"
    others = [int(offset) >> 20 for offset in re.findall(r"pwrite64\(.*, (\d+)\)", calls)]
    assert set(others) <= {blocks}, f"{blocks} blocks:\n{calls}"  # the last one, as far as it goes


@test(wireshark)
def what_a_killed_process_leaves_can_be_read(work):
    # Less than a block: all of it is what was written because it had waited.
    config = lab(LAB_SHAPES["run to completion"], WAIT, rate="1kpps")
    config = with_captures(config, x={"file": str(work / "x"), "ports": ["left"], "direction": "rx", **ROOM})
    with Ringway(work, *forwarding_options(work, config)) as ringway:
        ringway.wait_until_forwarding()
        time.sleep(2.5)
        ringway.process.send_signal(signal.SIGKILL)
        ringway.process.wait()
    found = subprocess.run(["tshark", "-r", work / "x", "-T", "fields", "-e", "frame.number"], capture_output=True,
                           text=True)
    assert len(found.stdout.splitlines()) >= 500, f"{len(found.stdout.splitlines())} packets: {found.stderr}"


@test()
def what_cannot_be_captured_is_told_at_once(work):
    def told(**capture):
        config = one_way(work, [bytes(60)], x={"file": str(work / "x"), "ports": "all", **capture})
        return forward(work, config, "--stop-when-idle", "0.1")

    check_status(told(file=str(work / "no" / "x")), 69, f"capture 'x': cannot write {work}/no/x: No such file or directory")
    check_status(told(file="/dev/null"), 1, "capture 'x': cannot write /dev/null: it is no regular file")
    check_status(told(filter="tcp prot 80"), 78, "capture.x.filter: is 'tcp prot 80': can't parse filter expression: "
                                                 "syntax error; expected a filter as tcpdump takes it")
    (work / "link").symlink_to(work / "x")
    check_status(told(file=str(work / "link"), ports=["a"]), 0)
    check_status(forward(work, one_way(work, [bytes(60)], x={"file": str(work / "x"), "ports": "all"},
                                       y={"file": str(work / "link"), "ports": "all"})),
                 1, f"capture 'y': cannot write {work}/link: another capture writes it, or it is replayed; expected another")
    check_status(told(ports=["c"]), 78, "capture.x.ports[0]: no port is named 'c'; expected a or b")


if __name__ == "__main__":
    main()
