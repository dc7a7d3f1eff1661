"""Holds what each kind of leg costs against a committed table: instructions by callgrind, which repeat exactly.

usage: gate.py LEGS TABLE [--update]

LEGS: the program that polls each kind. TABLE: JSON, own instructions a packet (idle ones: a poll, the driver's included), without the call itself.
Fails when a kind costs over 1 % more than the table says; with --update the table is written anew. The counts belong to
one compiler: another one's are not compared.
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
                           if case[1].startswith(("idle", "nothing")) or pathlib.Path(legs).name in pathlib.Path(where).name)
                costs[case[1]] = round(ours / packets[case[1]], 2)
    if set(costs) != set(packets):
        raise RuntimeError(f"callgrind has no counts for {sorted(set(packets) - set(costs))}")
    call = costs["nothing"]
    return {name: round(costs[name] - call / (1 if name.startswith("idle") else BURST), 2)
            for name in packets if name != "nothing"}


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    return 0


def main():
    legs, table = sys.argv[1], pathlib.Path(sys.argv[2])
    if not shutil.which("valgrind"):
        return skip("valgrind is not installed")
    costs = measure(legs)
    if "--update" in sys.argv[3:]:
        table.write_text(json.dumps({"compiler": compiler(), "instructions": costs}, indent=2) + "\n")
    known = json.loads(table.read_text())
    if known["compiler"] != compiler():
        return skip(f"the table is of {known['compiler'].split()}, this is {compiler().split()}")
    failed = 0
    print(f"1..{len(costs)}")
    for number, (name, cost) in enumerate(costs.items(), 1):
        before = known["instructions"].get(name)
        good = before is not None and cost <= before * GROWTH
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {name}: {cost} instructions, {before} in the table")
    if failed:
        print(f"# meant to be so? {sys.executable} {' '.join(sys.argv[:3])} --update")
    return 1 if failed or set(known["instructions"]) != set(costs) else 0


if __name__ == "__main__":
    sys.exit(main())
