#!/usr/bin/env python3
"""The command line: options, exit statuses, refusals, plans."""

import json
import os
import re
import shutil
import socket
import subprocess
import xml.etree.ElementTree

from harness import (AS_NOBODY, CROSSED, HUGEPAGES, NOBODY, NULLS, ORDINARY_MEMORY, RINGWAY, SLOWDOWN, Skip,
                     check_balance, check_status, forward, forwarding_options, main, root, run, test, unprivileged, write_config)


OPTIONS = ("config", "check", "doctor", "plan", "inventory", "save-inventory", "duration", "stop-when-idle", "stats",
           "report", "latency", "format", "keep-privileges", "version", "help")

WRONG_COMMAND_LINES = {
    "without options": (),
    "without a file": ("--config",),
    "unknown option": ("--config", "x", "--nonsense"),
    "abbreviated option": ("--conf", "x"),
    "stray word": ("--config", "x", "stray"),
    "unknown form of a plan": ("--config", "x", "--plan=pdf"),
    "plan without its form": ("--config", "x", "--plan="),
    "unknown format": ("--config", "x", "--format", "xml"),
    "no number": ("--config", "x", "--duration", "soon"),
    "negative time": ("--config", "x", "--duration", "-1"),
    "given twice": ("--config", "x", "--config", "y"),
    "inventory without a plan": ("--config", "x", "--inventory", "y"),
    "doctor with a plan": ("--config", "x", "--doctor", "--plan"),
    "doctor for a saved machine": ("--doctor", "--inventory", "y"),
    "arguments of EAL without a separator": ("-m", "64", "--config", "x"),
}

# A way of three legs, and a machine for it.
PIPELINE = {"ports": {"left": {"device": "lab"}, "right": {"device": "lab"}},
            "forwarding": {"mode": "cross_connect", "pairs": [["left", "right"]]},
            "lcores": {1: {"rx": ["left.0", "right.0"]}, 2: {"work": True}, 3: {"work": True},
                       4: {"tx": ["left", "right"]}, 5: {"generate": ["left", "right"], "check": ["left", "right"]}},
            "eal": ORDINARY_MEMORY}
SIX_LCORES = {"lcores": [{"id": i, "cpus": [i], "socket": 0, "core": i, "main": i == 0} for i in range(6)],
              "devices": [], "hugepages": [], "no_huge": True, "memory_mib": 512}
DRAWN = ["lcore 1", "lcore 2", "lcore 3", "lcore 4", "lcore 5", "RX left.0", "RX right.0", "rx.left.1-2", "rx.left.1-3",
         "rx.right.1-2", "rx.right.1-3", "tx.left.2-4", "tx.left.3-4", "tx.right.2-4", "tx.right.3-4", "TX left.0",
         "TX right.0", "generate left", "generate right", "check left", "check right"]

TEN_PROBLEMS = """\
ports:
  east: {device: "net_nul0"}
  west: {device: "net_null1", mtu: 9}
  west: {device: "net_null2"}
  north: {device: "net_null1", rx_queus: 2}
forwarding:
  mode: cross_connect
  pairs: [[east, wset], [west, west]]
lcores:
  1: {rx: [north.7]}
burst: 65
pool: {size: 010}
idle: {sleep_us: soon}
"""
TEN_PLACES = {(2, "ports.east.device"), (3, "ports.west.mtu"), (4, "ports.west"), (5, "ports.north.device"),
              (5, "ports.north.rx_queus"), (8, "forwarding.pairs[0]"), (8, "forwarding.pairs[1]"), (11, "burst"),
              (12, "pool.size"), (13, "idle.sleep_us")}

# Files that are refused by what stands in them: at a place.
BAD_TEXTS = {
    "comma": ",",
    "alias bomb": "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 99)),
    "endless alias": "&a [*a]",
    "endless merge": "a: &a {<<: *a}",
    "deep nesting": "[" * 65000,
    "many keys": "".join(f"k{i}:\n" for i in range(9000)),
    "NUL": "ports: \0",
    "half a character": b"ports: \xc3".decode("latin-1"),
}


def listen(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


# Paths that are no file that one could read: without a place.
BAD_PATHS = {
    "missing": lambda path: None,
    "folder": lambda path: path.mkdir(),
    "FIFO": lambda path: os.mkfifo(path),
    "socket": listen,
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path),
    "more than 64 KiB": lambda path: path.write_text("#" * (64 * 1024 + 1)),
}


def plannable(work):
    """Configurations of vdevs that a plan can be made for anywhere."""
    (work / "capture").write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    ring = {"east": {"device": "net_ring0", "rx_descriptors": 256}, "west": {"device": "net_ring1"}}
    pcap = {"east": {"device": f"net_pcap0,rx_pcap={work}/capture"},
            "west": {"device": f"net_pcap1,tx_pcap={work}/out", "mtu": 9000}}
    return {
        "null": NULLS,
        "rings": {"ports": ring, "forwarding": CROSSED, "burst": 64, "eal": ORDINARY_MEMORY},
        "pcap": {"ports": pcap, "forwarding": {"mode": "cross_connect", "pairs": [{"from": "east", "to": "west"}]},
                 "pool": {"data_room": 9216, "cache": 128}, "idle": {"sleep_us": 0}, "eal": ORDINARY_MEMORY},
        "reflect": {"ports": NULLS["ports"], "forwarding": {"mode": "reflect", "ports": ["west", "east"]},
                    "eal": {"memory": 256, "file_prefix": "plan", "lcores": "0@0,5@0,7@0", "main_lcore": 0,
                            **ORDINARY_MEMORY}},
    }


def plan(work, config, *options, **how):
    ringway = run(work, "--config", config, "--plan", *options, **how)
    check_status(ringway, 0)
    return ringway.out


def planned_elsewhere(work, config=PIPELINE, inventory=SIX_LCORES):
    """Options to plan for another machine, which takes no EAL."""
    saved = work / "inventory.json"
    saved.write_text(json.dumps(inventory))
    return "--config", write_config(work, config), "--inventory", saved


def graphviz():
    return None if shutil.which("dot") else "Graphviz (dot) is not installed"


def refusal(work, path):
    """The quickest of three refusals: the machine may be busy with others' work."""
    runs = [run(work, "--config", path, "--check", seconds=10) for _ in range(3)]
    for ringway in runs:
        check_status(ringway, 78)
        assert ringway.out == "", ringway.out
    quickest = min(ringway.seconds for ringway in runs)
    assert quickest < 0.1 * SLOWDOWN, f"took {quickest * 1000:.0f} ms"
    return runs[0].err


def reachable_binary(work):
    """The binary where any user can run it."""
    return shutil.copy(RINGWAY, work / "ringway")


@test(each=[(name,) for name in WRONG_COMMAND_LINES])
def wrong_command_line_exits_2(work, name):
    ringway = run(work, *WRONG_COMMAND_LINES[name])
    check_status(ringway, 2, "ringway: ", "--help")
    assert ringway.out == "" and ringway.err.count("\n") == 1, ringway.err


@test()
def help_lists_every_option(work):
    ringway = run(work, "--help")
    check_status(ringway, 0)
    listed = re.findall(r"^  (?:-h \[ )?--([a-z-]+)", ringway.out, re.MULTILINE)
    assert sorted(listed) == sorted(OPTIONS), listed
    assert ringway.err == "", ringway.err


@test()
def version_names_dpdk_and_the_target(work):
    ringway = run(work, "--version")
    check_status(ringway, 0)
    assert re.search(r"^ringway \d+\.\d+\.\d+$", ringway.out, re.MULTILINE), ringway.out
    installed = subprocess.run(["pkg-config", "--modversion", "libdpdk"], capture_output=True, text=True)
    assert f"DPDK {installed.stdout.strip()}\n" in ringway.out, ringway.out
    assert re.search(r"for (x86_64|aarch64)", ringway.out), ringway.out


@test(each=[(name,) for name in BAD_TEXTS])
def bad_text_is_refused_at_its_place(work, name):
    path = work / "config.yaml"
    path.write_bytes(BAD_TEXTS[name].encode("latin-1"))
    told = refusal(work, path)
    lines = told.splitlines()
    assert 1 <= len(lines) <= 101, f"{len(lines)} lines"
    for line in lines[:100]:
        assert re.match(re.escape(str(path)) + r":\d+:\d+: ", line), line
    assert all(re.fullmatch(r".*: and \d+ more", line) for line in lines[100:]), lines[100:]


@test(each=[(name,) for name in BAD_PATHS])
def bad_path_is_refused(work, name):
    path = work / "config.yaml"
    BAD_PATHS[name](path)
    told = refusal(work, path)
    assert told.startswith(f"{path}: ") and "; expected" in told and told.count("\n") == 1, told


@test()
def ten_problems_are_all_told(work):
    path = write_config(work, TEN_PROBLEMS)
    ringway = run(work, "--config", path, "--check")
    check_status(ringway, 78, "did you mean 'net_null'?", "did you mean 'rx_queues'?", "did you mean 'west'?")
    lines = [line.removeprefix(f"{path}:") for line in ringway.err.splitlines()]
    told = {(int(line.split(":")[0]), line.split(": ")[1]) for line in lines}
    assert told >= TEN_PLACES, f"not told: {TEN_PLACES - told}; told: {told}"


@test()
def missing_device_exits_69(work):
    config = {**NULLS, "ports": {"east": {"device": "net_pcap0,rx_pcap=/nonexistent"}, "west": {"device": "net_null0"}}}
    path = write_config(work, config)
    ringway = run(work, "--config", path)
    check_status(ringway, 69, "ports.east.device: ", "/nonexistent", "No such file or directory")
    assert re.search(re.escape(str(path)) + r":\d+:\d+: ports\.east\.device: ", ringway.err), ringway.err


@test()
def no_hugepages_exits_69(work):
    if any(int(size.read_text()) for size in HUGEPAGES.parent.glob("*/free_hugepages")):
        raise Skip("hugepages are free")
    config = {key: value for key, value in NULLS.items() if key != "eal"}
    check_status(run(work, "--config", write_config(work, config)), 69, "hugepages", "nr_hugepages", "no_huge")


@test(root, unprivileged)
def report_that_this_user_may_not_write_exits_77(work):
    ringway = forward(work, NULLS, "--duration", "0.1", prefix=AS_NOBODY, binary=reachable_binary(work))
    check_status(ringway, 77, f"cannot write {ringway.report_path}: ")
    assert not ringway.report_path.exists()


@test(root, unprivileged)
def check_needs_no_root_and_no_devices(work):
    config = {**NULLS, "ports": {"east": {"device": "0000:ff:1f.7"}, "west": {"device": "net_af_packet0,iface=none"}}}
    path = write_config(work, config)
    ringway = run(work, "--config", path, "--check", prefix=AS_NOBODY, binary=reachable_binary(work))
    check_status(ringway, 0)
    assert ringway.out == f"{path}: valid\n" and ringway.err == "", ringway.out + ringway.err


@test(root, unprivileged)
def forwards_without_any_privilege(work):
    os.chown(work, NOBODY, NOBODY)
    ringway = forward(work, NULLS, "--duration", "0.3", prefix=AS_NOBODY, binary=reachable_binary(work))
    assert check_balance(ringway)["received"] > 0, ringway.report
    assert ringway.report_path.stat().st_uid == NOBODY


@test(each=[(name,) for name in ("null", "rings", "pcap", "reflect")])
def plan_is_a_configuration_that_gives_the_same_plan(work, name):
    first = plan(work, write_config(work, plannable(work)[name]))
    second = plan(work, write_config(work, first, "first.yaml"))
    third = plan(work, write_config(work, second, "second.yaml"))
    settings = [[line for line in text.splitlines() if not line.lstrip().startswith("#")] for text in (first, second)]
    assert settings[0] == settings[1], f"{first}\nbecame\n{second}"  # a decision's reason goes once the file decides
    assert third == second, f"{second}\nbecame\n{third}"
    assert "# " in first


@test()
def planned_configuration_runs(work):
    """What --plan prints is edited and run by people, so it must run as it is."""
    ringway = forward(work, plan(work, write_config(work, NULLS)), "--duration", "0.2")
    assert check_balance(ringway)["received"] > 0


@test(each=[(form,) for form in ("yaml", "text", "dot", "mermaid")])
def plan_is_drawn(work, form):
    """Each form shows every lcore, queue and ring."""
    ringway = run(work, *planned_elsewhere(work), f"--plan={form}")
    check_status(ringway, 0)
    missing = [name for name in DRAWN if name not in ringway.out]
    assert not missing and ringway.out.isascii(), f"{missing} not in:\n{ringway.out}"


@test()
def plan_is_drawn_above_its_configuration(work):
    options = planned_elsewhere(work)
    picture = run(work, *options, "--plan=text").out
    assert max(map(len, picture.splitlines())) <= 118, picture
    comments = "".join(f"# {line}".rstrip() + "\n" for line in picture.splitlines())
    for words in (("--plan", *options), (*options, "--plan"), (*options, "--plan=yaml")):
        ringway = run(work, *words)
        check_status(ringway, 0)
        assert ringway.out.startswith(comments + "\n# The resolved"), ringway.out


@test(each=[("--plan=pdf",), ("--plan", "foo")])
def unknown_form_of_a_plan_is_named(work, *words):
    """The word itself; where it can only be meant as a form, also those that there are."""
    ringway = run(work, *planned_elsewhere(work), *words)
    check_status(ringway, 2, f"'{words[-1].removeprefix('--plan=')}'")
    if len(words) == 1:
        check_status(ringway, 2, "expected yaml, text, dot, mermaid or svg")


@test(graphviz)
def graphviz_takes_the_plan(work):
    """A driver may be called anything in an inventory."""
    facts = {"device": "net_null0", "driver": 'a"b\\c\n<d>|{e}&;', "socket": -1, "max_rx_queues": 1, "max_tx_queues": 1,
             "min_rx_descriptors": 1, "max_rx_descriptors": 4096, "rx_descriptor_align": 1, "min_tx_descriptors": 1,
             "max_tx_descriptors": 4096, "tx_descriptor_align": 1, "mtu": 1500, "min_mtu": 68, "max_mtu": 9000,
             "interface": "", "scatter": False, "multi_segs": False, "fast_free": False, "rss_types": 0,
             "rss_hash": False, "held_mbufs": 0}
    reflect = {"ports": {"east": {"device": "net_null0"}}, "forwarding": {"mode": "reflect", "ports": ["east"]},
               "eal": ORDINARY_MEMORY}
    for config, devices, names in ((PIPELINE, [], DRAWN),
                                   (reflect, [facts], ["RX east.0", "TX east.0", 'a"b\\c\\x0A<d>|{e}&;'])):
        ringway = run(work, *planned_elsewhere(work, config, {**SIX_LCORES, "devices": devices}), "--plan=svg")
        check_status(ringway, 0)
        drawing = xml.etree.ElementTree.fromstring(ringway.out)
        assert drawing.tag == "{http://www.w3.org/2000/svg}svg", drawing.tag
        texts = {text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")}
        assert texts >= set(names), f"not drawn: {set(names) - texts}"


@test(each=[("--version",), ("--help",)])
def words_that_cannot_be_printed_exit_1(work, option):
    with open("/dev/full", "wb") as full:
        check_status(run(work, option, stdout=full), 1, "standard output")


@test(graphviz)
def drawing_that_cannot_be_printed_exits_1(work):
    with open("/dev/full", "wb") as full:
        check_status(run(work, *planned_elsewhere(work), "--plan=svg", stdout=full), 1, "dot")


@test()
def drawing_without_graphviz_exits_69(work):
    ringway = run(work, *planned_elsewhere(work), "--plan=svg", prefix=("env", f"PATH={work}"))
    check_status(ringway, 69, "graphviz")
    assert ringway.out == ""


@test(root, unprivileged)
def saved_inventory_gives_the_same_plan_elsewhere(work):
    path = write_config(work, NULLS)
    inventory = work / "inventory.json"
    check_status(run(work, "--config", path, "--save-inventory", inventory), 0)
    direct = plan(work, path)
    assert plan(work, path, "--inventory", inventory, prefix=AS_NOBODY, binary=reachable_binary(work)) == direct
    inventory.write_text(inventory.read_text().replace("net_null1", "net_null9"))
    check_status(run(work, "--config", path, "--check", "--inventory", inventory), 69, "ports.west.device")


@test()
def arguments_before_the_separator_win_over_the_file(work):
    config = {**NULLS, "eal": {"memory": 300, "file_prefix": "from-file", "lcores": "0@0,1@0", "iova_mode": "va",
                               **ORDINARY_MEMORY}}
    given = ("-m", "128", "--no-huge", "--file-prefix=given", "--lcores", "0@0,3@0")
    ringway = run(work, *forwarding_options(work, config), "--duration", "0.1", eal=given)
    check_balance(ringway)
    lines = [line for line in ringway.err.splitlines() if "EAL arguments:" in line]
    assert len(lines) == 1, ringway.err
    words = lines[0].split("EAL arguments:")[1].split()
    options = [word.split("=")[0] for word in words if word.startswith("-")]
    assert len(options) == len(set(options)), options
    assert not any(word.startswith("-m") and word != "-m" for word in words), words
    assert tuple(words[-len(given):]) == given and "--iova-mode=va" in words, words
    assert not {"--file-prefix=from-file", "--lcores=0@0,1@0"} & set(words), words
    assert list(ringway.report["lcores"]) == ["3"], ringway.report["lcores"]


if __name__ == "__main__":
    main()
