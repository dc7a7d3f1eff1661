#!/usr/bin/env python3
"""ringway-ladder's ways from a file to a socket: every one moves every byte or says why it cannot, and the copies and system
calls are those that the technique is known for. Counts are compared, never times."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from harness import AS_NOBODY, SLOWDOWN, Skip, check_status, main, root, run, test, unprivileged

LADDER = os.environ.get("LADDER", "build/app/ladder/ringway-ladder")

# In the ladder's order: copies a byte on the sender's side, and system calls a block.
# Zero-copy sends to a receiver on the same machine cost a copy more, and say so.
COPIES = {"read_write": 2, "mmap_write": 1, "sendfile": 0, "sendfile_sg": 0, "splice": 0, "tee": 0, "vmsplice": 0,
          "direct_io": 1, "io_uring_fixed": 2, "io_uring_zc": 1, "msg_zerocopy": 0, "fork_cow": 1 / 8}
CALLS = {"read_write": 2, "mmap_write": 1, "sendfile": 1, "sendfile_sg": 1, "splice": 2, "tee": 4, "vmsplice": 2,
         "direct_io": 2, "io_uring_fixed": 1 / 8, "io_uring_zc": 1 / 8, "msg_zerocopy": 17 / 16, "fork_cow": 2}
ZERO_COPY_SENDS = ("io_uring_zc", "msg_zerocopy")
# What may be missing: a disk below the folder, io_uring in a container, memory that a user may pin.
NOT_EVERYWHERE = ("direct_io", "io_uring_fixed", *ZERO_COPY_SENDS)

# Beyond theory: a call that the kernel cut in two; completions that came late or one by one. Never below.
TOLERANCE = 1.02
TOLERANCE_WITH_COMPLETIONS = 1.25
FEW_CALLS = 16


def climb(work, *options, prefix=(), binary=LADDER):
    """A quick run of rungs: what each came to, by name."""
    path = work / "ladder" / "results.json"
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o777)  # whoever runs
    done = run(work, "--quick", "--json", path, *options, prefix=prefix, binary=binary, seconds=60 * SLOWDOWN)
    check_status(done, 0)
    results = json.loads(path.read_text())
    return results["load"], {rung["name"]: rung for rung in results["rungs"]}


def technique(name):
    return name.removesuffix("-veth")


def namespaces(*prefix):
    """Whether the kernel lets this user have network namespaces."""
    return subprocess.run([*prefix, "true"], capture_output=True).returncode == 0


def check_names(rungs):
    assert list(rungs) == [*COPIES, *(f"{name}-veth" for name in COPIES)], list(rungs)
    for name, rung in rungs.items():
        assert rung["title"] and rung["use"] and rung["limit"], rung
        assert not rung["failed"], f"{name}: {rung['skipped_because']}"
        assert rung["verified"] or rung["skipped_because"], name


def check_ran(rungs, veth):
    """What has no excuse has run; the others name one, and what would help."""
    for name, rung in rungs.items():
        excused = technique(name) in NOT_EVERYWHERE or ("-veth" in name and not veth)
        if not rung["verified"]:
            assert excused and "; " in rung["skipped_because"], f"{name}: {rung['skipped_because']}"
            print(f"# {name} cannot run here: {rung['skipped_because']}")


def check_copies(rungs):
    for name, rung in rungs.items():
        if not rung["verified"]:
            continue
        expected = COPIES[technique(name)] + (1 if rung["fell_back"] else 0)
        assert abs(rung["copies_per_byte"] - expected) < 0.01, f"{name}: {rung['copies_per_byte']}, not {expected}"
        assert "pages" in rung["copies_shown_by"], rung["copies_shown_by"]
        if technique(name) in ZERO_COPY_SENDS and rung["fell_back"]:
            assert rung["fell_back"].startswith("copied "), rung["fell_back"]
        elif technique(name) != "direct_io":
            assert not rung["fell_back"], f"{name}: {rung['fell_back']}"


def check_calls(load, rungs):
    for name, rung in rungs.items():
        if not rung["verified"]:
            continue
        theory = CALLS[technique(name)] * rung["bytes"] / load["block"]
        tolerance = TOLERANCE_WITH_COMPLETIONS if technique(name) in ZERO_COPY_SENDS else TOLERANCE
        counted, kernel = rung["syscalls_by_program"], rung["syscalls"]
        least = theory * 16 / 17 if technique(name) == "msg_zerocopy" else theory
        assert least <= counted <= theory * tolerance + FEW_CALLS, f"{name}: {counted} calls, in theory {theory}"
        # Sanitizers have a few of their own.
        assert 0 <= kernel - counted <= (0 if SLOWDOWN == 1 else FEW_CALLS), f"{name}: {counted} counted, {kernel} made"


def check_all(work, veth, **how):
    load, rungs = climb(work, "--only", "file", **how)
    check_names(rungs)
    check_ran(rungs, veth)
    check_copies(rungs)
    check_calls(load, rungs)
    wrong = {name: rung["bytes"] for name, rung in rungs.items() if rung["verified"] and rung["bytes"] != load["bytes"]}
    assert not wrong, wrong
    return rungs


def notes(rungs, name):
    return " ".join(rungs[name].get("notes", []))


@test(root)
def every_way_from_a_file_to_a_socket(work):
    rungs = check_all(work, veth=namespaces("unshare", "--net"))
    assert "raised SIGBUS, which was caught" in notes(rungs, "mmap_write"), rungs["mmap_write"]
    assert "scatter/gather on" in notes(rungs, "sendfile_sg"), rungs["sendfile_sg"]
    assert rungs["mmap_write"]["minor_faults"] > rungs["read_write"]["minor_faults"]
    pages = 32 * 256 // 8
    assert f"{pages} pages in another page frame" in notes(rungs, "fork_cow") or "root only" in notes(rungs, "fork_cow")
    in_time = re.search(r"(\d+) of them while the sender was at work", notes(rungs, "fork_cow"))
    assert in_time and int(in_time[1]) > 0, "the parent wrote when all was sent: " + notes(rungs, "fork_cow")
    assert rungs["fork_cow"]["minor_faults"] >= pages, "the parent's faults are the rung's"
    assert "to two receivers" in notes(rungs, "tee"), rungs["tee"]
    for name, rung in rungs.items():
        assert not rung["verified"] or "one of 3 rounds" in notes(rungs, name), rung
    if rungs["direct_io"]["verified"]:
        assert "0 MiB after direct I/O, 32 MiB after read + write" in notes(rungs, "direct_io"), rungs["direct_io"]
    if rungs["sendfile_sg-veth"]["verified"]:
        assert "with scatter/gather off" in notes(rungs, "sendfile_sg-veth"), rungs["sendfile_sg-veth"]
        assert "fell back to 1.000 copies" in notes(rungs, "sendfile_sg-veth"), rungs["sendfile_sg-veth"]
    if rungs["msg_zerocopy"]["verified"]:
        assert "sends" in rungs["msg_zerocopy"]["fell_back"], "loopback hands pages to a receiver that may keep them"


@test(root, unprivileged)
def every_way_as_an_ordinary_user(work):
    ladder = shutil.copy(LADDER, work / "ringway-ladder")
    check_all(work, veth=namespaces(*AS_NOBODY, "unshare", "--user", "--net"), prefix=AS_NOBODY, binary=ladder)


@test(each=[(4,), (1024,)])
def blocks_of_other_sizes(work, kib):
    only = [option for name in ("read_write", "sendfile", "splice", "tee", "vmsplice", "io_uring_fixed", "msg_zerocopy")
            for option in ("--only", name)]
    _, rungs = climb(work, *only, "--size", "4", "--block", kib)
    check_copies(rungs)
    blocks = 4096 // kib
    for name in ("read_write", "sendfile", "splice", "vmsplice"):
        calls = rungs[name]["syscalls_by_program"]
        assert CALLS[name] * blocks <= calls <= CALLS[name] * blocks + FEW_CALLS, f"{name}: {calls} calls, {blocks} blocks"


@test(each=[("a file nowhere", 1, ["--json", "/nowhere/x"], "cannot write '/nowhere/x'; expected a file in a folder that"),
            ("a chart nowhere", 1, ["--chart", "/nowhere/x.svg"], "cannot write '/nowhere/x.svg'"),
            ("a picture of another kind", 2, ["--chart", "x.gif"], "expected a name that ends in .svg or .png"),
            ("no rung", 2, ["--only", "sendfil"], "did you mean 'sendfile'"),
            ("no folder", 2, ["--folder", "/nowhere"], "--folder is '/nowhere', which is no folder"),
            ("too little", 2, ["--size", "0"], "--size is 0; expected 1 to"),
            ("odd blocks", 2, ["--block", "5"], "--block is 5; expected a power of two")])
def is_refused_at_once(work, what, status, options, words):
    begun = time.monotonic()
    done = run(work, *options, binary=LADDER)
    check_status(done, status, words)
    assert done.out == "" and time.monotonic() - begun < 2 * SLOWDOWN, done.out  # no rung was run


@test()
def files_in_memory_have_no_direct_io(work):
    """Where the file system is the page cache, the rung says so instead of showing a footprint of nothing."""
    shared = pathlib.Path("/dev/shm")
    told = subprocess.run(["stat", "--file-system", "--format=%T", shared], capture_output=True, text=True)
    if told.stdout.strip() != "tmpfs":
        raise Skip(f"{shared} is no tmpfs")
    _, rungs = climb(work, "--only", "direct_io", "--size", "1", "--folder", shared)
    assert "--folder" in rungs["direct_io"]["skipped_because"], rungs


@test()
def nothing_is_left_of_a_run_that_is_killed(work):
    folder = work / "files"
    folder.mkdir()
    ladder = subprocess.Popen([LADDER, "--only", "read_write-veth", "--only", "read_write", "--folder", folder],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = pathlib.Path(f"/proc/{ladder.pid}/task/{ladder.pid}/children")
    deadline = time.monotonic() + 30
    while not (rung := children.read_text().split()) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)  # in the midst of it
    ladder.send_signal(signal.SIGKILL)
    ladder.wait()
    assert rung, "no rung was started"
    while any(pathlib.Path(f"/proc/{process}").exists() for process in rung):
        assert time.monotonic() < deadline, "the rung's process lives on"
        time.sleep(0.01)
    assert not list(folder.iterdir()), list(folder.iterdir())


if __name__ == "__main__":
    main()
