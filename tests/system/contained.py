"""Commands of docker/README.md and containers for the tests, in a lab of their own (tools/lab/containers)."""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.request

from harness import Ringway, root, write_config

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = os.environ.get("CONTAINERS")  # a folder to be used and not removed: for work on these tests
FOLDER = pathlib.Path(KEPT or f"/var/tmp/ringway-containers-{os.getpid()}")
LAB = (str(ROOT / "tools" / "lab" / "containers"), "--folder", str(FOLDER))
PROGRAMS = ("podman", "buildah", "crun", "podman-compose", "mmdebstrap", "iptables")
ARCHIVE = "http://deb.debian.org/debian/dists/bookworm/InRelease"
USER = 65532
CAPABILITIES = {"setgid": 6, "setuid": 7, "net_admin": 12, "net_raw": 13, "ipc_lock": 14, "sys_admin": 21}
BUILD_S, COMMAND_S = 2400, 120

run_so_far = set()  # commands of the README


def engine():
    """Whether images can be built and containers run here."""
    if reason := root():
        return reason
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"not installed: {' '.join(missing)}"
    try:
        urllib.request.urlopen(ARCHIVE, timeout=20).close()
    except OSError as error:
        return f"no packages for an image from {ARCHIVE}: {error}"
    return None


def remove():
    if FOLDER.exists() and not KEPT:
        subprocess.run([*LAB, "--remove"])


@functools.cache
def commands():
    """Those of docker/README.md, each on one line."""
    text = (ROOT / "docker" / "README.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def from_readme(*words):
    """The one command of the README that has all the words."""
    found = [line for line in commands() if all(word in line for word in words)]
    assert len(found) == 1, f"{len(found)} commands of docker/README.md have {words}: {found}"
    run_so_far.add(found[0])
    return found[0]


def shell(line, seconds=COMMAND_S, status=0):
    """What a command prints, run from the top of the tree; it must end with the status."""
    done = subprocess.run([*LAB, "sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    tail = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
    assert done.returncode == status, f"{line}: exit status {done.returncode}, expected {status}:\n{tail}"
    return done.stdout + done.stderr


@functools.cache
def image():
    """The image, built once."""
    return shell(from_readme("docker build -t ringway -f"), BUILD_S)


class Container(Ringway):
    """A command of the README that runs ringway, with a configuration; `rig`: whose middle `--network host` is."""

    def __init__(self, work, line, config, rig=None, before="true"):
        image()
        write_config(work, config, "ringway.yaml")
        netns = ("env", f"LAB_NETNS={rig.middle}") if rig else ()
        super().__init__(work, "-c", f"{before} && cd {work} && exec {line}", prefix=(*netns, *LAB), binary="sh")

    def __exit__(self, *_):
        shell("docker rm --force --ignore --time 0 ringway")
        self.process.wait(COMMAND_S)

    @property
    def report(self):
        return json.loads(self.out)

    @property
    def pid(self):
        return shell("docker inspect --format '{{.State.Pid}}' ringway").strip()

    def threads(self):
        """What the kernel says about each."""
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return {task.name: dict(re.findall(r"^(\w+):\s*(.*)$", (task / "status").read_text(), re.MULTILINE))
                for task in tasks}

    def stop(self):
        shell("docker stop --time 60 ringway")
        return self.finish()


def check_confined(container, *capabilities):
    """Not root, no more capabilities than these for ever, and a root file system that is only read."""
    bounds = sum(1 << CAPABILITIES[name] for name in capabilities)
    threads = container.threads()
    assert len(threads) > 1, threads
    for thread, status in threads.items():
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(USER)}, f"{thread}: {status}"
        assert int(status["CapBnd"], 16) & ~bounds == 0, f"{thread}: CapBnd {status['CapBnd']}, expected {bounds:x}"
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), f"{thread}: {status}"
    mounts = [line.split() for line in pathlib.Path(f"/proc/{container.pid}/mountinfo").read_text().splitlines()]
    options = [mount[5].split(",") for mount in mounts if mount[4] == "/"]
    assert options and all("ro" in one for one in options), options
