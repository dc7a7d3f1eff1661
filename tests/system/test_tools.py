"""The tools with traffic inside, their search on simulated devices, and the configurations that they write."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

from harness import AS_NOBODY, LADDER, NOBODY, NULLS, RINGWAY, SLOWDOWN, Skip, main, root, run, test, unprivileged, write_config

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
sys.path.insert(0, str(TOOLS))

import lab_ports  # noqa: E402
import latency_chart  # noqa: E402
import rate_search  # noqa: E402

EXECUTABLES = sorted(path.name for path in TOOLS.iterdir() if path.is_file() and os.access(path, os.X_OK))
EXAMPLES = sorted(path.name for path in (ROOT / "config").glob("*.yaml"))
GOAL = 0.005

# A configuration with its traffic written in other ways; 600 is the key that must stay.
TRAFFIC = {
    "absent": "burst: 16\n",
    "block": "burst: 16\ntraffic:  # of the generators\n  size: 600  # bytes\n\n  # slow\n  rate: 5kpps\n\n# ours\n"
             "idle: {sleep_us: 0}\n",
    "quoted": "burst: 16\n\"traffic\": {\"size\": \"600\", 'rate': '40%'}\n",
    "over lines": "traffic: {\n  size: 600,  # bytes\n  rate: max, duration: 3\n}\n# ours\nburst: 16\n",
    "JSON": json.dumps({"burst": 16, "traffic": {"size": 600, "rate": "max"}}, indent=1),
}

# A sound soak.
SOUND = {
    "traffic": {"sent": 1000, "received": 989, "lost": 7, "missed": 2, "expected_drops": 4, "altered": 0,
                "duplicated": 0, "reordered": 0, "stale": 0, "unknown": 0, "not_dropped": 0, "unchecked": 0},
    "balance": {"dropped": 9, "unaccounted": 0, "in_flight": 0}, "copies": {"packets": 0},
    "pools": {"socket0": {"size": 4095, "free": 4000, "held_by_driver": 95, "missing": 0, "freed_twice": 0}},
}
UNSOUND = {
    "altered": ("traffic", "altered", 1), "duplicated": ("traffic", "duplicated", 1),
    "reordered": ("traffic", "reordered", 1), "not dropped": ("traffic", "not_dropped", 1),
    "only 499 of 1000 frames came back": ("traffic", "received", 499),
    "were dropped or missed": ("traffic", "lost", 8), "unaccounted": ("balance", "unaccounted", -1),
    "in flight": ("balance", "in_flight", 1), "copied": ("copies", "packets", 1),
    "mbufs missing": ("pools", "socket0", {**SOUND["pools"]["socket0"], "free": 3999, "missing": 1}),
}


def tool(name, *arguments, prefix=(), seconds=120, **environment):
    return subprocess.run([*prefix, str(TOOLS / name), *map(str, arguments)], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=seconds * SLOWDOWN, env={**os.environ, **environment})


def check(done, status, *words):
    assert done.returncode == status, f"exit status {done.returncode}, expected {status}:\n{done.stdout}{done.stderr}"
    for word in words:
        assert word in done.stdout + done.stderr, f"no '{word}' in:\n{done.stdout}{done.stderr}"


def module_of(name):
    """A tool without an ending, as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(TOOLS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


class Device:
    """Loses frames above a capacity; its generator falls behind above another; noise disturbs trials, by chance."""

    def __init__(self, capacity, generator=1e12, noise=0.0, seed=1):
        self.capacity, self.generator, self.noise = capacity, generator, noise
        self.chance = random.Random(seed)
        self.trials = 0

    def __call__(self, load):
        self.trials += 1
        if self.chance.random() < self.noise:
            return self.chance.choice((rate_search.LOST, rate_search.INVALID))
        if load > self.generator:
            return rate_search.INVALID
        return rate_search.LOST if load > self.capacity else rate_search.CLEAN


@test(each=[(name,) for name in EXECUTABLES])
def help_says_how_to_use(work, name):
    done = tool(name, "--help")
    check(done, 0)
    assert done.stdout.startswith(f"usage: {name} ") or done.stdout.startswith(f"usage: tools/{name} "), done.stdout
    assert done.stderr == "", done.stderr


@test(each=[("demo", "--pipeline", "other"), ("demo", "--seconds", "0"), ("demo", "no-such-file"),
            ("selftest", "--size", "63"), ("selftest", "--trial", "0"), ("selftest", "--loss", "100"), ("soak", "--packets", "0"), ("soak", "extra"),
            ("ladder", "--only"), ("ladder", "--slow"), ("ladder", "a", "b"), ("bench_ladder", "--size", "0"),
            ("bench_ladder", "--peer", "apache")])
def wrong_arguments_exit_2(work, name, *arguments):
    done = tool(name, *arguments)
    check(done, 2, "usage: ")
    assert done.stdout == "", done.stdout


@test(each=[(name,) for name in EXAMPLES])
def example_is_a_valid_configuration(work, name):
    done = run(work, "--config", ROOT / "config" / name, "--check", cwd=ROOT)  # their paths count from there
    assert done.status == 0 and done.err == "", done.err


@test(each=[(factor,) for factor in (0.01, 0.4, 0.999, 1.0, 1.3, 7.0)])
def search_finds_the_capacity(work, factor):
    device = Device(1e6 * factor)
    found = rate_search.find(device, 1e6, GOAL)
    assert found.load <= device.capacity < found.above <= found.load * (1 + GOAL), found
    assert (found.why, found.clean, found.verified, found.complete) == (rate_search.LOST, 5, 5, True), found
    assert device.trials < 60, device.trials


@test()
def search_tells_that_the_generator_was_too_slow(work):
    found = rate_search.find(Device(3e6, generator=2e6), 1e6, GOAL)
    assert found.load <= 2e6 < found.above <= found.load * (1 + GOAL), found
    assert found.why == rate_search.INVALID and found.complete, found


@test()
def search_bears_noise(work):
    """A tenth of the trials is disturbed: never too high, and mostly near."""
    found = [rate_search.find(Device(2e6, noise=0.1, seed=seed), 1.5e6, GOAL) for seed in range(200)]
    assert all(one.load is not None and one.load <= 2e6 for one in found)
    loads = [one.load / 2e6 for one in found]
    assert statistics.median(loads) > 0.99 and statistics.quantiles(loads, n=10)[0] > 0.9, sorted(loads)


@test()
def search_goes_below_what_is_not_verified(work):
    """Two clean trials, and from then on it loses."""
    seen = {}

    def tires(load):
        seen[load] = seen.get(load, 0) + 1
        return rate_search.CLEAN if load <= (1e6 if seen[load] <= 2 else 0.8e6) else rate_search.LOST

    found = rate_search.find(tires, 0.9e6, GOAL)
    assert found.load <= 0.8e6 < found.above <= found.load * (1 + GOAL) and found.clean == 5 and found.complete, found


@test()
def search_finds_nothing_where_nothing_passes(work):
    found = rate_search.find(lambda load: rate_search.LOST, 1e6, GOAL)
    assert found.load is None and found.complete and found.above < 1e4, found


@test()
def search_ends_when_the_time_is_over(work):
    device = Device(1.05e6)
    found = rate_search.find(device, 1e6, GOAL, over=lambda: device.trials >= 5)
    assert 1e6 <= found.load <= 1.05e6 < found.above and not found.complete and found.verified == 0, found


@test(each=[(name,) for name in TRAFFIC])
def rate_and_duration_are_replaced_and_nothing_else(work, name):
    text = TRAFFIC[name]
    changed = lab_ports.with_keys(text, "traffic", rate="123pps", duration=0.5)
    keys = {key: str(value).strip("\"'") for key, value in lab_ports.keys_of(changed, "traffic").items()}
    size = {} if name == "absent" else {"size": "600"}
    assert keys == {**size, "rate": "123pps", "duration": "0.5"}, changed
    shorter = lab_ports.with_keys(changed, "traffic", size=None, rate=None)
    assert lab_ports.keys_of(shorter, "traffic").keys() == {"duration"}
    kept = [line for line in text.splitlines() if re.match(r'"?burst|idle|# ours| "burst', line)]
    assert kept and set(kept) <= set(changed.splitlines()), changed
    config = {"ports": {"east": {"device": "lab"}, "west": {"device": "lab"}}, "forwarding": NULLS["forwarding"]}
    whole = (json.dumps({**config, **json.loads(changed)}) if name == "JSON" else
             "".join(f"{key}: {json.dumps(value)}\n" for key, value in config.items()) + changed)
    done = run(work, "--config", write_config(work, whole), "--check")
    assert done.status == 0, f"{done.err}\n{whole}"


@test(root)
def bench_restart_times_both(work):
    if not shutil.which("dpdk-testpmd"):
        raise Skip("dpdk-testpmd is not installed")
    done = subprocess.run((TOOLS / "bench_restart", "--kills", "1", "--ringway", RINGWAY), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    medians = dict(re.findall(r"^(\S+) +median +(\d+)", done.stdout, re.MULTILINE))
    assert set(medians) == {"ringway", "dpdk-testpmd"} and min(map(int, medians.values())) > 0, done.stdout


@test(each=[("nginx",), ("socat",), ("pv",)])
def bench_ladder_sets_programs_beside_rungs(work, peer):
    if missing := [program for program in (peer, "strace") if not shutil.which(program)]:
        raise Skip(f"{' and '.join(missing)} not installed")
    done = tool("bench_ladder", "--rounds", 1, "--size", 64, "--peer", peer, "--json", work / "rows", "--ladder", LADDER)
    check(done, 0, "CPU, ns a byte")
    rows = json.loads((work / "rows").read_text())
    beside = [row for row in rows if row["beside"]]
    assert len(beside) == (2 if peer == "nginx" else 1) and all(peer in row["name"] for row in beside), rows
    assert all(row["cpu_ns_per_byte"] > 0 and row["syscalls_per_mib"] > 0 for row in rows), rows


@test()
def bench_ladder_names_the_packages_that_are_missing(work):
    (work / "python3").symlink_to(sys.executable)
    check(tool("bench_ladder", "--peer", "nginx", "--peer", "pv", PATH=str(work)), 69,
          "apt-get install --no-install-recommends nginx-light pv strace\n")


@test(each=[(kind,) for kind in lab_ports.TEMPLATES])
def pipelines_fit_any_number_of_cpus(work, kind):
    assert lab_ports.configuration(kind, [0, 1]) == lab_ports.TEMPLATES[kind].read_text()
    for number in range(1, 9):
        cpus = list(range(3, 3 + number))
        text = lab_ports.configuration(kind, cpus)
        places = dict(pair.split("@") for pair in re.search(r'lcores: "(.*?)"', text)[1].split(","))
        assert set(places.values()) <= set(map(str, cpus)), text
        workers = [place for lcore, place in places.items() if lcore != "0"]
        assert len(set(workers)) == min(len(workers), number), text
        done = run(work, "--config", write_config(work, text), "--check")
        assert done.status == 0, f"{done.err}\n{text}"


@test()
def chart_holds_every_point(work):
    panels = [{"title": "<a> & b", "x": [1.0, 2.0, 3.0], "lines": {"p50": [0.5, 1.0, 90.0], "p99": [2.0, 3.0, 2e6]}}] * 3
    drawing = ElementTree.fromstring(latency_chart.to_svg("title", panels))
    space = "{http://www.w3.org/2000/svg}"
    assert len(list(drawing.iter(space + "circle"))) == 18
    height = float(drawing.get("height"))
    assert all(0 <= float(circle.get("cy")) <= height for circle in drawing.iter(space + "circle"))
    words = [element.text for element in drawing.iter(space + "text")]
    assert {"<a> & b", "p50", "p99", "100 ns", "1 µs", "10 s"} <= set(words), words
    ElementTree.fromstring(latency_chart.to_svg("none", []))


@test()
def selftest_leaves_its_results(work):
    began = time.monotonic()
    done = tool("selftest", "--quick", "--trial", "0.2", "--ringway", RINGWAY, "--output", work / "out")
    seconds = time.monotonic() - began
    check(done, 0, "run to completion", "pipeline over rings", "results.json", "latency.svg")
    assert SLOWDOWN > 1 or seconds < 60, f"took {seconds:.0f} s"
    results = json.loads((work / "out" / "results.json").read_text())["results"]
    assert [(result["configuration"], result["size"]) for result in results] == [
        ("run to completion", "64"), ("pipeline over rings", "64")]
    for result in results:
        assert result["trials"][0]["received_pps"] > 0, result
        found = result["loss_free_pps"]  # none on a machine that is busy with other work
        if found:
            assert found < (result["not_loss_free_pps"] or 1e12)
            assert result["wire_bits_per_s"] == found * 84 * 8
            assert [record["load_percent"] for record in result["latency"]] == [10, 50, 90, 100]
            assert 0 < result["overload"]["received_pps"] <= result["most_received_pps"], result["overload"]
    text = (work / "out" / "latency.svg").read_text()
    found = sum(bool(result["loss_free_pps"]) for result in results)
    assert text.count("<polyline") == 3 * found and ElementTree.fromstring(text) is not None
    for name in ("run-to-completion-64.yaml", "pipeline-over-rings-64.yaml"):
        generated = run(work, "--config", work / "out" / name, "--check")
        assert generated.status == 0, generated.err


@test(each=[(0, 0, 0, rate_search.CLEAN), (1, 0, 0, rate_search.LOST), (0, 1, 0, rate_search.INVALID),
            (5, 0, 0.5, rate_search.CLEAN), (6, 0, 0.5, rate_search.LOST), (0, 6, 0.5, rate_search.INVALID)])
def selftest_allows_the_loss_it_is_told(work, lost, forgone, percent, verdict):
    traffic = {"sent": 1000, "received": 1000 - lost, "lost": lost, "missed": lost, "forgone": forgone, "latency_ns": {}}
    report = {"traffic": traffic, "drops": {"tx_full": 0, "ring_full": 0}, "lcores": {}}
    assert module_of("selftest").record_of(report, 2, percent / 100)["verdict"] == verdict


@test()
def selftest_refuses_what_it_cannot_measure(work):
    def refused(config, *words):
        done = tool("selftest", write_config(work, config), "--quick", "--ringway", RINGWAY, "--output", work / "out")
        check(done, 1, *words)

    labs = {**NULLS, "ports": {"east": {"device": "lab"}, "west": {"device": "lab"}}}
    refused(NULLS, "no port is a lab port")
    refused({**labs, "traffic": {"packets": 5}}, "traffic.packets")
    refused("{ports: {}}", "must be JSON")
    check(tool("selftest", "--ringway", work / "none", "--output", work / "out"), 1, "is no program")


@test()
def demo_sets_both_side_by_side(work):
    done = tool("demo", "--compare", "--seconds", "0.5", "--ringway", RINGWAY, "--output", work / "out")
    check(done, 0, "balanced: every packet", "copied by the forwarder")
    table = re.finditer(r"^(\S.*?)  +([\d.:]+)  +([\d.:]+)$", done.stdout, re.MULTILINE)
    rows = {match[1]: match.groups()[1:] for match in table}
    named = {"Mpps", "latency p50, us", "latency p99, us", "latency p99.9, us", "dropped, ring full"}
    assert named <= set(rows), done.stdout
    assert rows["packets copied"] == rows["unaccounted"] == ("0", "0"), rows
    assert all(float(cell) > 0 for cell in rows["Mpps"]), rows
    for name in ("rtc", "rings"):
        report = json.loads((work / "out" / f"{name}.json").read_text())
        assert bool(report["rings"]) == (name == "rings") and report["drops"]["frame_too_short"] > 0, report
        assert (work / "out" / f"{name}.hdr").stat().st_size and "lcore 2" in (work / "out" / f"{name}.txt").read_text()
        plan = run(work, "--config", work / "out" / f"{name}.plan.yaml", "--check")
        assert plan.status == 0, plan.err
    if shutil.which("dot"):
        ElementTree.parse(work / "out" / "rings.svg")


@test()
def demo_shows_one_and_beside_it_what_is_left_of_the_other(work):
    endings = ["hdr", "json", "plan.yaml", "txt", "yaml"] + ["svg"] * bool(shutil.which("dot"))
    left = set()
    for kind, title, columns in (("rtc", "run to completion", ["run to completion"]),
                                 ("rings", "pipeline over rings", ["run to completion", "pipeline over rings"])):
        done = tool("demo", "--pipeline", kind, "--seconds", "0.5", "--ringway", RINGWAY, "--output", work / "out")
        check(done, 0, f"{title}, 0.5 s; ", "balanced: every packet and every mbuf is accounted for")
        names = {f"{kind}.{ending}" for ending in endings}
        told = re.search(r"^in (.*):\n((?:  \S+ .*\n)+)\n +(\S.*)\n", done.stdout, re.MULTILINE)
        assert told and told[1] == str(work / "out"), done.stdout
        assert {line.split()[0] for line in told[2].splitlines()} == names, told[2]
        assert re.split("  +", told[3]) == columns, told[3]
        assert done.stdout.endswith(f" --config {work / 'out' / kind}.yaml --plan\n"), done.stdout
        left |= names
        assert {path.name for path in (work / "out").iterdir()} == left
        assert all(path.stat().st_size for path in (work / "out").iterdir())
        report = json.loads((work / "out" / f"{kind}.json").read_text())
        assert bool(report["rings"]) == (kind == "rings") and report["traffic"]["received"] > 0, report["traffic"]


@test()
def demo_loops_a_capture(work):
    capture = ROOT / "config" / "demo.pcap"
    done = tool("demo", capture, "--seconds", "0.5", "--ringway", RINGWAY, "--output", work / "out")
    check(done, 0, "balanced: every packet", "capture.json")
    assert json.loads((work / "out" / "capture.json").read_text())["balance"]["received"] > 0


@test(root, unprivileged)
def demo_runs_for_a_user_who_may_not_write_here(work):
    if subprocess.run([*AS_NOBODY, "cat", str(TOOLS / "demo")], capture_output=True).returncode != 0:
        raise Skip(f"uid {NOBODY} cannot read {ROOT}")
    os.chown(work, NOBODY, NOBODY)
    done = tool("demo", "--seconds", "0.5", "--ringway", shutil.copy(RINGWAY, work / "ringway"), prefix=AS_NOBODY,
                XDG_CACHE_HOME=str(work), RUNTIME_DIRECTORY=str(work))
    folder = work / f"ringway-build-{NOBODY}" / "demo"
    check(done, 0, f"in {folder}:")
    assert (folder / "rings.json").exists()


@test()
def soak_passes_what_is_sound(work):
    soak = module_of("soak")
    assert soak.wrongs(SOUND, 1023) == []
    assert soak.wrongs({**SOUND, "traffic": {**SOUND["traffic"], "received": 500}}, 1023) == []
    half = {**SOUND["traffic"], "received": 494, "unchecked": 500, "expected_drops": 2, "lost": 9}  # leaves for elsewhere
    assert soak.wrongs({**SOUND, "traffic": half}, 1023) == []


@test(each=[(name,) for name in UNSOUND])
def soak_tells(work, name):
    section, key, value = UNSOUND[name]
    wrong = module_of("soak").wrongs({**SOUND, section: {**SOUND[section], key: value}}, 0)
    assert len(wrong) == 1 and name in wrong[0], wrong


@test()
def soak_tells_growth_and_too_little_to_see_it(work):
    soak = module_of("soak")
    assert "grown by 1024 KiB" in soak.wrongs(SOUND, 1024)[0]
    assert "too few packets" in soak.wrongs(SOUND, None)[0]


if __name__ == "__main__":
    main()
