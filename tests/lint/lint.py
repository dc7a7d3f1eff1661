"""Rules that the compiler does not check, as TAP: fast-path symbols, frees and copies, headers, format, sizes. Copies are
planted to see that they are found.

usage: lint.py SOURCE_ROOT ARCHIVE...    the archives are those of the fast path
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[1])
ARCHIVES = sys.argv[2:]
FAST_PATH = ("datapath", "stage", "forwarder", "traffic")  # folders of lib

# What fast-path code may call: ethdev's inline fast path, mbuf frees, one sleep when idle. No allocation, lock, log, throw
# or copy; hence no memcpy either. Assertions and sanitizers add theirs in builds that are not for production.
ALLOWED = {
    "_GLOBAL_OFFSET_TABLE_",
    "clock_nanosleep",
    "rte_eth_call_rx_callbacks",
    "rte_eth_call_tx_callbacks",
    "rte_eth_fp_ops",
    "rte_pktmbuf_free_bulk",
}
# What taking mbufs out of a pool calls; its inline code ends in a panic where no pool is.
POOL = {"__rte_panic", "per_lcore__lcore_id", "rte_mempool_ops_table"}
# What one archive may call besides: the generator, a stage and taps take mbufs out of a pool, taps ask a filter, the
# checker reads frames whose headers are split over segments, and CRC32C asks once for the CPU's flags.
ALSO_ALLOWED = {
    "libdatapath.a": POOL | {"rte_bpf_exec"},
    "libstage.a": POOL,
    "libtraffic.a": POOL | {"__rte_pktmbuf_read", "rte_cpu_get_flag_enabled"},
}
ALLOWED_PREFIXES = ("_ZN7ringway", "_ZNK7ringway")

# How bytes are copied: by calls that nobody else has a use for, and by algorithms that copy anything.
COPYING = r"rte_pktmbuf_(copy|clone)\s*\(|rte_memcpy\s*\(|mem(cpy|move)\s*\("
COPYING_ANYTHING = COPYING + r"|std::(ranges::)?copy"
PLANTED = ("memcpy(to, from, 64)", "std::memmove(to, from, 64)", "__builtin_memcpy(to, from, 64)",
           "rte_memcpy(to, from, 64)", "rte_pktmbuf_copy(from, pool, 0, 64)", "std::copy(from, from + 64, to)",
           "std::copy_n(from, 64, to)", "std::ranges::copy(from, to)")

# Who may free or copy packets, and where. At checker and sink the wire ends; own_headers.cc frees segments left empty,
# tap_lane.cc clones left half made.
ONLY_IN = {
    r"rte_pktmbuf_free\w*\s*\(": {"burst.h", "checker.cc", "own_headers.cc", "sink.h", "tap_lane.cc"},
    r"rte_mbuf_raw_free\s*\(|rte_mempool_put\w*\s*\(": set(),
    COPYING_ANYTHING: {"copy_payload.h"},
    r"\bvirtual\b|\bdynamic_cast\b|\bthrow\b|\bnew\b|std::function|shared_ptr|std::mutex|\bprintf\b": set(),
}


def sources(folders, *endings):
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in endings)


def code_only(text):
    return re.sub(r"//[^\n]*", "", text)


def fast_path_symbols():
    wrong = []
    for archive in ARCHIVES:
        name = pathlib.Path(archive).name
        allowed = ALLOWED | ALSO_ALLOWED.get(name, set())
        symbols = subprocess.run(["nm", "-u", archive], capture_output=True, text=True, check=True).stdout
        for line in symbols.splitlines():
            words = line.split()
            if len(words) == 2 and words[0] == "U" and words[1] not in allowed:
                if not words[1].startswith(ALLOWED_PREFIXES):
                    wrong.append(f"{name} calls {words[1]}")
    return wrong if ARCHIVES else ["no archive was given"]


def finding(root, path, pattern):
    """What a file must not hold, with its place; at most one."""
    text = code_only(path.read_text())
    found = re.search(pattern, text)
    if not found:
        return []
    line = text.count("\n", 0, found.start()) + 1
    return [f"{path.relative_to(root)}:{line}: {found.group(0).strip()} is not allowed here"]


def frees_and_copies(root=ROOT):
    wrong = []
    for path in sources([root / "lib" / folder for folder in FAST_PATH], ".h", ".cc"):
        for pattern, allowed in ONLY_IN.items():
            wrong += finding(root, path, pattern) if path.name not in allowed else []
    return wrong


def payload_copies(root=ROOT):
    """Outside the fast path nobody has business in a packet's bytes at all; runtime and captures hold packets."""
    hold_packets = [root / "lib" / folder for folder in (*FAST_PATH, "capture", "runtime")]
    wrong = []
    folders = [folder for folder in (root / "lib").iterdir() if folder.name != "ladder"]  # which is about copying
    for path in sources([*folders, root / "app"], ".h", ".cc"):
        copying = COPYING_ANYTHING if any(path.is_relative_to(folder) for folder in hold_packets) else COPYING
        wrong += finding(root, path, copying) if path.name != "copy_payload.h" else []
    return wrong


def planted_copies():
    """Each way to copy, put into a tree of its own, is told with file and line, and nothing else is."""
    wrong = []
    with tempfile.TemporaryDirectory(prefix="ringway-lint-") as folder:
        tree = pathlib.Path(folder)
        for part in ("lib", "app"):
            shutil.copytree(ROOT / part, tree / part)
        for name, checks in (("lib/datapath/source.h", [frees_and_copies, payload_copies]),
                             ("lib/runtime/runtime.cc", [payload_copies])):
            whole = (tree / name).read_text()
            line = whole.count("\n") + 1
            for planted in PLANTED:
                (tree / name).write_text(f"{whole}inline void planted() {{ {planted}; }}\n")
                for check in checks:
                    told = check(tree)
                    if len(told) != 1 or not told[0].startswith(f"{name}:{line}: "):
                        wrong.append(f"{planted} in {name}:{line}: {check.__name__} tells {told}")
            (tree / name).write_text(whole)
    return wrong


def headers_alone():
    """Headers with a .cc of their own are its first include; the others are compiled here."""
    flags = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True, check=True).stdout
    flags = [re.sub("^-I", "-isystem", flag) for flag in flags.split()]
    wrong = []
    for path in sources([ROOT / "lib", ROOT / "app"], ".h"):
        own = path.with_suffix(".cc")
        if own.exists():
            first = re.search(r'#include\s+"([^"]+)"', own.read_text())
            if not first or not str(path).endswith("/" + first.group(1)):
                wrong.append(f"{own.relative_to(ROOT)}: its own header is not the first include")
            continue
        command = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror",
                   f"-I{ROOT / 'lib'}", *flags, "-include", str(path), "-x", "c++", "/dev/null"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            wrong.append(f"{path.relative_to(ROOT)} does not compile alone: {result.stderr.splitlines()[:3]}")
    return wrong


def formatted():
    files = [str(path) for path in sources([ROOT / "lib", ROOT / "app", ROOT / "tests"], ".h", ".cc")]
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], capture_output=True, text=True)
    return [line for line in result.stderr.splitlines() if "error:" in line][:5]


def small_files():
    wrong = []
    for path in sources([ROOT / "lib", ROOT / "app", ROOT / "tests", ROOT / "tools"], ".h", ".cc", ".py", ""):
        if path.is_file() and "corpus" not in path.parts:
            lines = len(path.read_bytes().splitlines())
            if lines > 420:
                wrong.append(f"{path.relative_to(ROOT)} has {lines} lines")
    return wrong


def main():
    checks = [fast_path_symbols, frees_and_copies, payload_copies, planted_copies, headers_alone, formatted, small_files]
    failed = 0
    print(f"1..{len(checks)}")
    for number, check in enumerate(checks, 1):
        name = check.__name__.replace("_", " ")
        if check is formatted and not shutil.which("clang-format"):
            print(f"ok {number} - {name} # SKIP clang-format is not installed")
            continue
        wrong = check()
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
        for line in wrong:
            print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
