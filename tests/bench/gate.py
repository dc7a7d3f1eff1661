"""Holds what each kind of leg costs against a committed table: instructions by callgrind, which repeat exactly.

usage: gate.py LEGS TABLE [--update]

LEGS: the program that polls each kind. TABLE: JSON, own instructions a packet (idle ones: a poll, the driver's included),
without the call itself. Own is whatever is not the driver's: what libc or DPDK's libraries do for a leg, too.
Fails when a kind costs over 1 % more than the table says, or when frames of 1514 bytes cost over 1 % more or less than
short ones: a cost that grows with the frame is a copy. With --update the table is written anew. Its counts belong to
one compiler: another one's are not compared with it.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import callgrind

GROWTH = 1.01
SLOPE = 0.01
LONG = ", 1514 bytes"  # ends the names of cases that are measured with short frames, too
DRIVER = "librte_net_ring."
BURST = 32


def compiler():
    return subprocess.run(["c++", "-dumpfullversion", "-dumpmachine"], capture_output=True, text=True,
                          check=True).stdout.strip()


def measure(legs):
    """Instructions a packet of each case."""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={folder}/out", legs],
            capture_output=True, text=True, timeout=300)
        if result.returncode != 0:
            raise RuntimeError(f"{legs} exits with {result.returncode}: {result.stderr[-2000:]}")
        packets = {name: int(count) for name, count in re.findall(r"^(.+) (\d+) [\d.]+$", result.stdout, re.MULTILINE)}
        costs = {}
        for path in pathlib.Path(folder).glob("out.*"):
            case = re.search(r"^desc: Trigger: Client Request: (.+)$", path.read_text(), re.MULTILINE)
            if case and case[1] in packets:
                own = callgrind.read_profile(path).own
                ours = sum(cost for (where, _), cost in own.items()
                           if case[1].startswith("idle") or not pathlib.Path(where).name.startswith(DRIVER))
                costs[case[1]] = round(ours / packets[case[1]], 2)
    if set(costs) != set(packets):
        raise RuntimeError(f"callgrind has no counts for {sorted(set(packets) - set(costs))}")
    call = costs["nothing"]
    return {name: round(costs[name] - call / (1 if name.startswith("idle") else BURST), 2)
            for name in packets if name != "nothing"}


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    return 0


def compare_lengths(costs):
    """Verdicts and names: a packet's length makes no difference."""
    verdicts = []
    for name, cost in costs.items():
        if name.endswith(LONG):
            short = costs[name.removesuffix(LONG)]
            verdicts.append((abs(cost - short) <= short * SLOPE, f"{name}: {cost} instructions, {short} when short"))
    return verdicts


def compare_table(costs, known):
    """The same for the table, as far as it is this compiler's."""
    if known["compiler"] != compiler():
        reason = f"the table is of {known['compiler'].split()}, this is {compiler().split()}"
        return [(True, f"{name}: {cost} instructions # SKIP {reason}") for name, cost in costs.items()]
    verdicts = []
    for name, cost in costs.items():
        before = known["instructions"].get(name)
        good = before is not None and cost <= before * GROWTH
        verdicts.append((good, f"{name}: {cost} instructions, {before} in the table"))
    return verdicts + [(False, f"{name}: in the table alone") for name in known["instructions"] if name not in costs]


def main():
    legs, table = sys.argv[1], pathlib.Path(sys.argv[2])
    if not shutil.which("valgrind"):
        return skip("valgrind is not installed")
    costs = measure(legs)
    if "--update" in sys.argv[3:]:
        table.write_text(json.dumps({"compiler": compiler(), "instructions": costs}, indent=2) + "\n")
    by_table = compare_table(costs, json.loads(table.read_text()))
    verdicts = by_table + compare_lengths(costs)
    print(f"1..{len(verdicts)}")
    for number, (good, name) in enumerate(verdicts, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
    if not all(good for good, _ in by_table):
        print(f"# meant to be so? {sys.executable} {' '.join(sys.argv[:3])} --update")
    return 0 if all(good for good, _ in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
