"""The page of the ladder's results, as a browser shows it: on a desk and on a phone, and nothing is fetched for it."""

import html
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import zlib

from harness import LADDER, main, test

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import ladder_page  # noqa: E402

BROWSER = shutil.which("chromium-headless-shell") or shutil.which("chromium")
DESK, PHONE = (1280, 1800), (500, 1800)  # pixels; chromium itself makes no narrower window
RAN = {
    "title": "by <b>hand</b>", "use": "where A & B", "limit": "not where \"C\"", "failed": False, "skipped_because": "",
    "verified": True, "copies_per_byte": 2.0, "copies_shown_by": "definition", "fell_back": "", "notes": ["seen <i>"],
    "syscalls": 1024, "syscalls_counted_by": "kernel", "syscalls_by_program": 1024, "syscalls_per_mib": 32.0,
    "bytes": 1 << 25, "packets": 512, "voluntary_switches": 7, "involuntary_switches": 3, "minor_faults": 11,
    "major_faults": 0, "user_s": 0.01, "system_s": 0.03, "seconds": 0.05, "latency_p50_us": 12.5, "latency_p99_us": 99.0,
    "waiting": [],
}
TOLD = ("title", "use", "limit", "failed")
DID_NOT = {**dict.fromkeys(RAN), **{key: RAN[key] for key in TOLD}, "verified": False}
SENTENCE = "At 1000 messages a second <nobody> wins."
RESULTS = {
    "machine": {"cpu": "CPU <one>", "cpus": 1, "kernel": "Linux 6.1"},
    "load": {"bytes": 1 << 25, "block": 1 << 16, "packets": 20000, "packet_bytes": 1514, "samples": 100},
    "rungs": [
        {"name": "plain", "group": "file", **RAN},
        {"name": "a-name-that-is-longer-than-any-other-has-to-be", "group": "file", **RAN, "fell_back": "copied <all>"},
        {"name": "refused", "group": "process", **DID_NOT, "skipped_because": "needs <CAP_SYS_ADMIN>" + "_wide" * 99},
        {"name": "frames", "group": "packet", **RAN, "latency_p50_us": 0, "syscalls": None, "syscalls_per_mib": None},
        {"name": "differs", "group": "packet", **RAN, "failed": True},
        {"name": "broken", "group": "waiting", **DID_NOT, "failed": True, "skipped_because": "it ended by a signal"},
    ],
    "where_each_waiting_wins": [SENTENCE],
}


def browser():
    return None if BROWSER else "needs chromium-headless-shell or chromium"


def browse(work, page, size):
    """Shows a page; returns its DOM, what was fetched for it, and the rows of its picture."""
    picture, log = work / "picture.png", work / "net.json"
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
               "--no-first-run", "--disable-background-networking", "--disable-component-update", f"--user-data-dir={work / 'profile'}",
               f"--window-size={size[0]},{size[1]}", f"--log-net-log={log}", f"--screenshot={picture}", "--dump-dom",
               page.as_uri()]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and picture.exists(), done.stderr
    fetched = set(re.findall(r'"url":"([^"]*)"', log.read_text())) - {page.as_uri()}
    return done.stdout, fetched, rows_of(picture, size)


def rows_of(picture, size):
    """The filtered lines of a PNG, which has the size."""
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert (width, height) == size, f"{width} x {height}"
    at, packed = 8, b""
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if name == b"IDAT" else b""
        at += 12 + length
    pixels = zlib.decompress(packed)
    line = 1 + width * depth // 8 * {2: 3, 6: 4}[kind]
    assert len(pixels) == line * height
    return [pixels[i:i + line] for i in range(0, len(pixels), line)]


def check_shown(work, page, size, *words):
    dom, fetched, rows = browse(work, page, size)
    assert not fetched, f"the page fetches {fetched}"
    assert len(set(rows)) > size[1] / 4, f"only {len(set(rows))} lines of the picture differ"
    text = html.unescape(re.sub(r"<style.*?</style>|<[^>]*>", " ", dom, flags=re.DOTALL))
    for word in words:
        assert word in text, f"no '{word}' in:\n{text}"


def page_by_hand(work):
    chart = '<svg class="ladder" viewBox="0 0 1200 100"><rect width="1200" height="100" fill="#888"/></svg>'
    page = work / "index.html"
    page.write_text(ladder_page.page(RESULTS, chart, "now & here"))
    return page


@test(browser, each=[DESK, PHONE])
def page_shows_every_rung_and_reason(work, *size):
    check_shown(work, page_by_hand(work), size, *(rung["name"] for rung in RESULTS["rungs"]), "by <b>hand</b>",
                "where A & B", 'not where "C"', "seen <i>", "copied <all>", SENTENCE, "not counted",
                RESULTS["rungs"][2]["skipped_because"], "it ended by a signal", "bytes differ", "CPU <one>, 1 CPU; Linux 6.1", "now & here",
                "6 rungs: 3 ran, with every byte as it was sent; 1 of them fell back to something else; "
                "1 could not run here, and say why; 2 FAILED.",
                "32 MiB in blocks of 64 KiB, or 20,000 frames of 1,514 bytes", "1.19", "0.298 / 0.894", "671 MB/s",
                "12.5 / 99.0", "not measured", "7 / 3", "11 / 0", "10.2 thousand frames/s", "78,125", "system calls a frame")


@test(browser)
def page_is_no_wider_than_a_phone(work):
    page = page_by_hand(work)
    page.write_text(page.read_text() + "<script>document.title = document.documentElement.scrollWidth - innerWidth"
                                       "</script>")
    dom, _, _ = browse(work, page, PHONE)
    assert re.search("<title>(.*?)</title>", dom)[1] == "0", re.search("<title>(.*?)</title>", dom)[0]


@test(browser)
def a_page_that_fetches_is_found_out(work):
    """What the other tests rely on."""
    page = work / "index.html"
    page.write_text('<img src="http://127.0.0.1:9/planted.png">')
    _, fetched, rows = browse(work, page, PHONE)
    assert fetched == {"http://127.0.0.1:9/planted.png"}, fetched
    assert len(set(rows)) < PHONE[1] / 4, "a page with nothing on it"


def run_tool(*arguments):
    return subprocess.run([ROOT / "tools" / "ladder", *map(str, arguments)], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=120)


@test()
def tool_writes_table_chart_and_page(work):
    names = ["read_write", "sendfile"]
    done = run_tool("--quick", "--only", names[0], "--only", names[1], "--ladder", LADDER, work / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    for name, meaning in ladder_page.FILES.items():
        assert (work / "out" / name).stat().st_size > 0 and f"  {name:13} {meaning}\n" in done.stdout, done.stdout
    results = json.loads((work / "out" / "results.json").read_text())
    assert [rung["name"] for rung in results["rungs"]] == names, results
    assert all(name in (work / "out" / "table.txt").read_text() for name in names)
    chart = (work / "out" / "chart.svg").read_text()
    assert chart in (work / "out" / "index.html").read_text()
    assert all(f">{name}</text>" in chart for name in names), chart
    if BROWSER:
        check_shown(work, work / "out" / "index.html", DESK, *names, results["machine"]["kernel"], "Files to sockets")


@test()
def tool_leaves_no_page_of_an_earlier_run(work):
    (work / "index.html").write_text("old")
    done = run_tool("--only", "no-such-rung", "--ladder", LADDER, work)
    assert done.returncode == 2 and "no-such-rung" in done.stderr, done.stdout + done.stderr
    assert not (work / "index.html").exists()


@test()
def chart_must_be_of_a_kind(work):
    done = subprocess.run([LADDER, "--chart", "chart.gif"], capture_output=True, text=True)
    assert done.returncode == 2 and "'chart.gif'; expected a name that ends in .svg or .png" in done.stderr, done.stderr


if __name__ == "__main__":
    main()
