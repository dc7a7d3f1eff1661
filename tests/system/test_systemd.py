#!/usr/bin/env python3
"""The unit under a real systemd: one that runs as the first process of namespaces of its own, over the machine's files."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from harness import ORDINARY_MEMORY, RINGWAY, SILENT, SLOWDOWN, main, root, test, write_config
from rig import command, need_af_xdp

UNITS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "systemd"
CGROUPS = pathlib.Path("/sys/fs/cgroup")
MOST_EXPOSED = 1.5

# What becomes PID 1: an overlay keeps the machine's own files as they are. /dev is the machine's, so nobody manages it.
INIT = """set -e
mount -t tmpfs tmpfs {work}; mkdir {work}/upper {work}/work {work}/root
mount -t overlay overlay -o lowerdir=/,upperdir={work}/upper,workdir={work}/work {work}/root
cd {work}/root
mount -t proc proc proc; mount --rbind /sys sys; umount -R sys/fs/cgroup; mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev; mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs tmp
mkdir -p {cgroup}; echo $$ > {cgroup}/cgroup.procs
rm -f etc/systemd/system/*.wants/*; touch etc/fstab
for unit in systemd-udevd systemd-udev-trigger systemd-udev-settle systemd-modules-load systemd-sysctl; do
  ln -sf /dev/null etc/systemd/system/$unit.service
done
for driver in af_packet af_xdp; do
  mkdir etc/systemd/system/ringway@$driver.service.d
  cp {units}/$driver.conf etc/systemd/system/ringway@$driver.service.d
done
rm -f usr/bin/ringway; cp {binary} usr/bin/ringway; cp {units}/*.service etc/systemd/system/; mkdir -p etc/ringway
cp {configs}/*.yaml etc/ringway/
echo 'ringway:x:64999:64999::/:/usr/sbin/nologin' >> etc/passwd; echo 'ringway:x:64999:' >> etc/group
exec env -i container=ringway-test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . unshare -C \
  /lib/systemd/systemd --unit=basic.target --show-status=0
"""


class Systemd:
    """The first process of a system of its own, and what it is asked."""

    def __init__(self, work, configs):
        self.folder, self.configs = work / "system", work / "configs"
        self.configs.mkdir()
        self.folder.mkdir()
        for name, config in configs.items():
            write_config(self.configs, config, f"{name}.yaml")
        self.cgroup = f"sys/fs/cgroup/ringway-test-{os.getpid()}"
        script = INIT.format(work=self.folder, cgroup=self.cgroup, binary=pathlib.Path(RINGWAY).resolve(), units=UNITS,
                             configs=self.configs)
        command = ("setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "--pid", "--fork", "--kill-child",
                   "--mount-proc", "bash", "-c", script)
        with open(work / "systemd.log", "wb") as log:
            self.outer = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.log = work / "systemd.log"

    def __enter__(self):
        deadline = time.monotonic() + 60
        while self.ask("systemctl", "is-active", "basic.target", check=False) != "active":
            assert self.outer.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"systemd does not come up: {self.log.read_text()}"
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(self.first(), signal.SIGKILL)  # and the kernel ends all others of its namespace
        self.outer.wait()
        for top in CGROUPS.rglob(pathlib.Path(self.cgroup).name):
            for folder in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
                folder.rmdir()
            top.rmdir()

    def first(self):
        """Its process id outside."""
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text()
        return int(children)

    def ask(self, *words, check=True):
        """What a command inside prints."""
        try:
            inside = ("nsenter", "-t", str(self.first()), "-m", "-p", "-C", "-r", "-w", "--", *words)
        except ValueError:
            return ""
        done = subprocess.run(inside, capture_output=True, text=True)
        assert done.returncode == 0 or not check, f"{' '.join(words)}: {done.stderr}{done.stdout}"
        return done.stdout.strip()

    def show(self, unit):
        """The unit's properties that matter here."""
        keys = "ActiveState,SubState,MainPID,NRestarts,ExecMainStatus,Result"
        return dict(line.split("=", 1) for line in self.ask("systemctl", "show", unit, "-p", keys).splitlines())

    def wait_for(self, unit, seconds=20 * SLOWDOWN, **wanted):
        """Waits until the properties are as wanted: a value, or a function of it."""
        deadline = time.monotonic() + seconds
        while True:
            told = self.show(unit)
            if all(value(told[key]) if callable(value) else told[key] == value for key, value in wanted.items()):
                return told
            journal = self.ask("journalctl", "--no-pager", "-n", "20", "-u", unit, check=False)
            assert time.monotonic() < deadline, f"{told}, expected {wanted}:\n{journal}"
            time.sleep(0.05)

    def status(self, unit):
        """What the kernel says of the unit's main process."""
        pid = self.show(unit)["MainPID"]
        lines = self.ask("cat", f"/proc/{pid}/status").splitlines()
        return dict(line.split(":\t", 1) for line in lines)


def systemd():
    """Whether one can be started here."""
    if not pathlib.Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    cannot = root()
    if cannot:
        return cannot
    done = subprocess.run(("unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c",
                           "umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup"),
                          capture_output=True, text=True)
    return None if done.returncode == 0 else f"no control groups for a system of its own: {done.stderr.strip()}"


def at_least(number):
    return lambda text: int(text) >= number


ENDS = {"ports": {name: {"device": "lab"} for name in ("left", "right")},
        "forwarding": {"mode": "cross_connect", "pairs": [["left", "right"]]},
        "traffic": {"packets": 1000}, "eal": {**ORDINARY_MEMORY, "lcores": "0@0,1@0,2@0"}}
UNIT = "ringway@silent"


@test(systemd)
def the_unit_starts_is_supervised_and_stops(work):
    with Systemd(work, {"silent": SILENT, "ends": ENDS, "wrong": "ports: {}\n"}) as system:
        system.ask("systemctl", "start", UNIT)
        running = system.wait_for(UNIT, ActiveState="active", SubState="running")
        status = system.status(UNIT)
        assert status["Uid"].split()[0] == "64999" and status["CapEff"] == status["CapBnd"] == "0" * 16, status
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        # Killed, and back.
        system.ask("systemctl", "kill", "--signal=KILL", UNIT)
        again = system.wait_for(UNIT, SubState="running", NRestarts="1")
        assert again["MainPID"] != running["MainPID"]
        # Hung, and back: nobody tells the watchdog any more.
        system.ask("kill", "-STOP", again["MainPID"])
        system.wait_for(UNIT, SubState="running", NRestarts="2")
        # Stopped as asked.
        system.ask("systemctl", "stop", UNIT)
        assert system.show(UNIT) | {"MainPID": "", "NRestarts": ""} == {
            "ActiveState": "inactive", "SubState": "dead", "MainPID": "", "NRestarts": "", "ExecMainStatus": "0",
            "Result": "success"}, system.show(UNIT)
        # Status 0, and nobody had asked for an end: a crash.
        system.ask("systemctl", "start", "ringway@ends")
        system.wait_for("ringway@ends", NRestarts=at_least(2))
        system.ask("systemctl", "stop", "ringway@ends")
        # A configuration that is wrong is not tried again.
        system.ask("systemctl", "start", "ringway@wrong", check=False)
        system.wait_for("ringway@wrong", ActiveState="failed", NRestarts="0", ExecMainStatus="78")
        time.sleep(1)
        system.wait_for("ringway@wrong", seconds=0.1, ActiveState="failed", NRestarts="0")
        assert "ports: is an empty mapping" in system.ask("journalctl", "--no-pager", "-u", "ringway@wrong")


@contextlib.contextmanager
def veth_pair():
    """Two interfaces of this network namespace, which the service shares, joined by a wire."""
    names = [f"rws{os.getpid()}{end}" for end in "ab"]
    command("ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1])
    try:
        for name in names:
            command("ip", "link", "set", name, "up")
        yield names
    finally:
        command("ip", "link", "del", names[0])


@test(systemd, each=[("af_packet",), ("af_xdp",)])
def the_unit_opens_kernel_interfaces_with(work, driver):
    if driver == "af_xdp":
        need_af_xdp()
    with veth_pair() as names:
        ports = {f"p{i}": {"device": f"net_{driver}{i},iface={name}"} for i, name in enumerate(names)}
        config = {**SILENT, "ports": ports, "forwarding": {"mode": "reflect", "ports": ["p0", "p1"]}}
        with Systemd(work, {driver: config}) as system:
            system.ask("systemctl", "start", f"ringway@{driver}", check=False)
            system.wait_for(f"ringway@{driver}", SubState="running")
            status = system.status(f"ringway@{driver}")
            assert status["CapEff"] == "0" * 16 and status["Seccomp"] == "2", status
            system.ask("systemctl", "stop", f"ringway@{driver}")
            system.wait_for(f"ringway@{driver}", ActiveState="inactive", ExecMainStatus="0")


@test(lambda: None if shutil.which("systemd-analyze") else "systemd is not installed")
def the_unit_is_sound_and_little_exposed(work):
    unit = work / "ringway@.service"
    unit.write_text((UNITS / unit.name).read_text().replace("/usr/bin/ringway", str(pathlib.Path(RINGWAY).resolve())))
    verified = subprocess.run(("systemd-analyze", "verify", "--man=no", f"{work}/ringway@x.service"),
                              capture_output=True, text=True)
    own = [line for line in verified.stderr.splitlines() if "ringway" in line]
    assert not own, own
    rated = subprocess.run(("systemd-analyze", "security", "--offline=true", "--no-pager", unit), capture_output=True,
                           text=True)
    exposure = re.search(r"Overall exposure level for \S+: (\d+\.\d)", rated.stdout)
    assert exposure and float(exposure[1]) <= MOST_EXPOSED, rated.stdout + rated.stderr


if __name__ == "__main__":
    main()
