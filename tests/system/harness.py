"""What the system tests share: TAP output, probes for what the machine offers, and runs of ringway."""

import collections
import contextlib
import ctypes
import errno
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback

RINGWAY = os.environ.get("RINGWAY", "build/app/ringway/ringway")
LADDER = os.environ.get("LADDER", "build/app/ladder/ringway-ladder")
SLOWDOWN = int(os.environ.get("SLOWDOWN", "1"))  # how much slower a build with sanitizers may be
HUGEPAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
NOBODY = 65534
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # waitpid's __WALL: for any thread

# Configurations that need no device: one brings packets without end, in the other nothing ever comes in.
ORDINARY_MEMORY = {"no_huge": True}
CROSSED = {"mode": "cross_connect", "pairs": [["east", "west"]]}
NULLS = {"ports": {"east": {"device": "net_null0"}, "west": {"device": "net_null1"}}, "forwarding": CROSSED,
         "eal": ORDINARY_MEMORY}
SILENT = {**NULLS, "ports": {"east": {"device": "net_ring0"}, "west": {"device": "net_ring1"}}}

# Lab ports: one lcore beside the one that makes the frames; or an lcore for each step. Lcores may share CPUs.
CPUS = sorted(os.sched_getaffinity(0))
LAB_PORTS = ["left", "right"]
LAB_RX = [f"{port}.0" for port in LAB_PORTS]
MAKER = {"generate": LAB_PORTS, "check": LAB_PORTS}
LAB_SHAPES = {
    "run to completion": {1: {"rx": LAB_RX}, 2: MAKER},
    "two workers": {1: {"rx": LAB_RX, "work": True, "tx": LAB_PORTS}, 2: {"work": True, **MAKER}},
    "pipeline": {1: {"rx": LAB_RX}, 2: {"work": True}, 3: {"work": True}, 4: {"tx": LAB_PORTS}, 5: MAKER},
}
WAIT = {"when_full": "wait", "wait_ms": 60000}
UNSOUND = ("duplicated", "reordered", "altered", "stale", "unknown", "not_dropped")

_tests = []


class Skip(Exception):
    """Raised by a test, or returned as text by a probe: why the test cannot run here."""


def root():
    return None if os.geteuid() == 0 else "needs root"


def unprivileged():
    """Whether a user without any capability can be had."""
    drop = subprocess.run([*AS_NOBODY, "true"], capture_output=True, text=True)
    return None if drop.returncode == 0 else f"cannot become uid {NOBODY}: {drop.stderr.strip()}"


def hugepages():
    return root() or (None if (HUGEPAGES / "nr_hugepages").exists() else "the kernel has no 2 MiB hugepages")


AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all",
             "--no-new-privs", "--")


def test(*probes, each=((),)):
    """Registers a test, once for each tuple of arguments; it gets an empty folder and them."""
    def register(function):
        for arguments in each:
            name = " ".join([function.__name__.replace("_", " "), *map(str, arguments)])
            _tests.append((name, function, arguments, probes))
        return function
    return register


def run_one(function, arguments, probes):
    """TAP's words for one test: a prefix, a suffix and lines of diagnosis."""
    for probe in probes:
        reason = probe()
        if reason:
            return "ok", f" # SKIP {reason}", ""
    with tempfile.TemporaryDirectory(prefix="ringway-") as folder:
        work = pathlib.Path(folder)
        work.chmod(0o755)  # for tests that run as another user
        try:
            function(work, *arguments)
        except Skip as skip:
            return "ok", f" # SKIP {skip}", ""
        except Exception:
            return "not ok", "", traceback.format_exc(limit=-2)
    return "ok", "", ""


def main():
    """Runs the tests whose names hold the words of the command line; without any, all."""
    chosen = [test for test in _tests if all(word in test[0] for word in sys.argv[1:])]
    print(f"1..{len(chosen)}", flush=True)
    failures = 0
    for number, (name, function, arguments, probes) in enumerate(chosen, 1):
        verdict, suffix, diagnosis = run_one(function, arguments, probes)
        for line in diagnosis.splitlines():
            print(f"# {line}")
        print(f"{verdict} {number} - {name}{suffix}", flush=True)
        failures += verdict == "not ok"
    sys.exit(1 if failures else 0)


def write_config(work, config, name="config.yaml"):
    """A configuration as a file: text as it is, anything else as JSON, which is YAML too."""
    path = work / name
    path.write_text(config if isinstance(config, str) else json.dumps(config, indent=1))
    return path


def lcores_on_cpus(last):
    """EAL's lcores from 0 to the last, dealt out to the CPUs in turn."""
    return ",".join(f"{lcore}@{CPUS[lcore % len(CPUS)]}" for lcore in range(last + 1))


def lab(lcores, rings, mtu=1500, **traffic):
    """Two lab ports joined; they do as the rings do when they are full."""
    port = {"device": "lab", "mtu": mtu, "when_full": rings.get("when_full", "drop")}
    return {"ports": {name: port for name in LAB_PORTS}, "lcores": lcores, "rings": rings, "traffic": traffic,
            "forwarding": {"mode": "cross_connect", "pairs": [LAB_PORTS]},
            "eal": {"lcores": lcores_on_cpus(max(lcores)), **ORDINARY_MEMORY}}


class Ringway:
    """A run of the binary; what it prints goes to files of `work`. Leaving the with block ends it."""

    def __init__(self, work, *options, eal=(), prefix=(), binary=RINGWAY, stdout=None, cwd=None):
        self.report_path = work / "report.json"
        self._out, self._err = work / "stdout", work / "stderr"
        runtime = work / "runtime"
        runtime.mkdir(exist_ok=True)
        runtime.chmod(0o777)  # whoever runs
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(runtime)}  # EAL's folder, otherwise left in /var/run
        command = [*prefix, str(binary), *eal, *(["--"] if eal else []), *map(str, options)]
        with open(self._out, "wb") as out, open(self._err, "wb") as err:
            self._started = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=err,
                                            env=environment, cwd=cwd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def out(self):
        return self._out.read_text()

    @property
    def err(self):
        return self._err.read_text()

    @property
    def report(self):
        return json.loads(self.report_path.read_text())

    def rates(self):
        """What --stats has printed so far, line by line."""
        whole_lines = self.out[:self.out.rfind("\n") + 1].splitlines()
        return [json.loads(line) for line in whole_lines if line.startswith('{"time_s":')]

    def thread(self, lcore):
        """The id of the thread that an lcore is."""
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            if (task / "comm").read_text() == f"rte-worker-{lcore}\n":
                return int(task.name)
        raise AssertionError(f"lcore {lcore} has no thread")

    def wait_for(self, text, seconds=30):
        """Waits until standard error holds the text."""
        deadline = time.monotonic() + seconds
        while text not in self.err:
            assert self.process.poll() is None, f"exited {self.process.returncode} before '{text}':\n{self.err}"
            assert time.monotonic() < deadline, f"no '{text}' within {seconds} s:\n{self.err}"
            time.sleep(0.01)
        return self

    def wait_until_forwarding(self, ports=2):
        """The link of every port is told as soon as the lcores run."""
        deadline = time.monotonic() + 30
        self.wait_for("': link ")
        while self.err.count("': link ") < ports and time.monotonic() < deadline:
            time.sleep(0.01)
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def finish(self, seconds=60):
        """Waits for the end, which is to come within the time."""
        ended = os.pidfd_open(self.process.pid)  # Popen.wait() with a time limit looks only now and then
        try:
            assert select.select([ended], [], [], seconds)[0], f"still running after {seconds} s:\n{self.err}"
        finally:
            os.close(ended)
        self.seconds = time.monotonic() - self._started
        self.process.wait()
        self.status = self.process.returncode
        return self


def ptrace(request, thread):
    if ctypes.CDLL(None, use_errno=True).ptrace(request, thread, None, None) != 0:
        number = ctypes.get_errno()
        reason = f"ptrace: {os.strerror(number)}"
        raise Skip(reason) if number in (errno.EPERM, errno.ENOSYS) else OSError(reason)


@contextlib.contextmanager
def standing_still(thread):
    """One thread is stopped, all others of its process go on."""
    ptrace(PTRACE_SEIZE, thread)
    try:
        ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)
        yield
    finally:
        ptrace(PTRACE_DETACH, thread)


def run(work, *options, seconds=60, **how):
    with Ringway(work, *options, **how) as ringway:
        return ringway.finish(seconds)


def forwarding_options(work, config):
    return ("--config", write_config(work, config), "--format", "json", "--report", work / "report.json")


def forward(work, config, *options, **how):
    """Runs a configuration to its end, with a report."""
    return run(work, *forwarding_options(work, config), *options, **how)


def check_status(ringway, status, *words):
    """The exit status, and words that standard error must hold."""
    assert ringway.status == status, f"exit status {ringway.status}, expected {status}:\n{ringway.err}{ringway.out}"
    for word in words:
        assert word in ringway.err, f"no '{word}' in:\n{ringway.err}"


def check_balance(ringway, **drops):
    """Clean exit, nothing copied, every packet and every mbuf accounted for; drops are exactly the named ones."""
    check_status(ringway, 0)
    report = ringway.report
    balance = report["balance"]
    told = {reason: count for reason, count in report["drops"].items() if count}
    assert told == {reason: count for reason, count in drops.items() if count}, f"drops {told}, expected {drops}"
    assert balance["dropped"] == sum(drops.values()), balance
    assert balance["received"] == balance["transmitted"] + balance["dropped"], balance
    assert (balance["cloned"], balance["in_flight"], balance["unaccounted"]) == (0, 0, 0), balance
    copies = {"packets": 0, "bytes": 0, "by_reason": {}}
    assert report["copies"] in (copies, {**copies, "in_other_buffers": 0}), report["copies"]
    assert report["exit"] == 0, report["exit"]
    for name, pool in report["pools"].items():
        assert pool["missing"] == 0 and pool["freed_twice"] == 0, f"{name}: {pool}"
        assert pool["free"] + pool["held_by_driver"] == pool["size"], f"{name}: {pool}"
    return balance


def check_same(name, expected, got):
    """Frames equal, in order, none missing and none invented."""
    for i, (one, other) in enumerate(zip(expected, got)):
        assert one == other, f"{name}: frame {i} of {len(one)} bytes came as {len(other)}: {one[:80]!r} {other[:80]!r}"
    assert len(expected) == len(got), f"{name}: {len(got)} frames, expected {len(expected)}"


def check_flows(name, flows, sent, got):
    """The same frames, however often each; those of each flow in order."""
    lost, extra = (collections.Counter(one) - collections.Counter(other) for one, other in ((sent, got), (got, sent)))
    assert not lost and not extra, f"{name}: lost {lost.total()}, extra {extra.total()}: {[*lost, *extra][:4]}"
    owner = {frame: number for number, flow in enumerate(flows) for frame in flow}
    arrived = [[] for _ in flows]
    for frame in got:
        if frame in owner:
            arrived[owner[frame]].append(frame)
    for flow, frames in zip(flows, arrived):
        check_same(name, flow, frames)


def check_rings(ringway):
    """Rings are empty, none ever held more than it can, and what they refused was dropped under that name."""
    report = ringway.report
    for name, ring in report["rings"].items():
        assert ring["enqueued"] == ring["dequeued"] and ring["fill"] == 0, f"{name}: {ring}"
        assert ring["high_water"] < ring["size"], f"{name}: {ring}"
    refused = sum(ring["refused"] for ring in report["rings"].values())
    assert refused == report["drops"]["ring_full"], f"rings refused {refused}, dropped were {report['drops']}"


def check_traffic(ringway, *may_drop):
    """All is accounted for, what came back is as it was sent, and each loss has one of the names. With faults: no
    loss."""
    check_status(ringway, 0)
    report = ringway.report
    drops = report["drops"]
    traffic = {name: value for name, value in report["traffic"].items() if name != "latency_ns"}
    bad = {name: traffic["expected_drops"] // 2 for name in ("frame_too_short", "frame_too_long")}
    check_balance(ringway, **{name: drops[name] for name in may_drop}, **bad)
    check_rings(ringway)
    assert not any(traffic[name] for name in UNSOUND), traffic
    lost = traffic["missed"] + sum(drops[name] for name in may_drop)
    assert traffic["lost"] == lost, f"lost {traffic['lost']}, of which {lost} have a name: {traffic} {drops}"
    assert traffic["received"] == traffic["sent"] - traffic["expected_drops"] - lost, traffic
    assert sum(port["rx_missed"] for port in report["ports"].values()) == traffic["missed"], report["ports"]
    return traffic
