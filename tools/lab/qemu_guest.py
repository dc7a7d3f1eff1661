"""A Debian guest in QEMU: the host's kernel, and its packages by its root, seen read-only; commands go in, text comes out.

Software emulation with an emulated IOMMU, so PCI devices can be bound to vfio-pci in it. No disk image: an initial RAM disk
mounts the host's root over 9p and lays a RAM file system over it.
"""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

QEMU = 'qemu-system-x86_64'
PROGRAMS = {QEMU: 'qemu-system-x86', 'busybox': 'busybox-static', 'cpio': 'cpio', 'modprobe': 'kmod'}
KERNELS = 'linux-image-amd64'
MODULES = ('virtio_pci', '9pnet_virtio', '9p', 'overlay')  # what it takes to reach the host
CMDLINE = ('console=ttyS0 panic=-1 intel_iommu=on iommu=pt mitigations=off no_timer_check tsc=reliable '
           'random.trust_cpu=on hugepages={hugepages}')  # no_timer_check: on a busy host that check panics
END_OF_ANSWER = '\x1e'

INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
for file in $($B cat /modules/order); do $B insmod /modules/$file; done
$B mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 root /ro
$B mount -t tmpfs tmpfs /rw; $B mkdir -p /rw/upper /rw/work
$B mount -t overlay overlay -o lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work /new
for folder in proc sys dev; do $B mount --move /$folder /new/$folder; done
$B mount -t tmpfs tmpfs /new/run; $B cp /agent /new/run/agent
exec $B switch_root /new /bin/bash /run/agent
"""

# Runs each line that comes, answers with what it prints, a separator and its status.
AGENT = r"""export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
mkdir /dev/hugepages; mount -t hugetlbfs hugetlbfs /dev/hugepages
stty -F /dev/ttyS1 raw -echo
exec 3<>/dev/ttyS1
printf '\036%d\n' 0 >&3
while IFS= read -r line <&3; do
  eval "$line" < /dev/null >&3 2>&1 3>&-
  printf '\036%d\n' $? >&3
done
"""


class CannotRun(Exception):
    """What the machine lacks."""


class GuestError(Exception):
    """The guest did not do as it was told."""


def newest_kernel():
    """The newest kernel with modules that may be read: its file and release; (None, reason) where there is none."""
    images = sorted(Path('/boot').glob('vmlinuz-*'), key=lambda path: list(map(int, re.findall(r'\d+', path.name))))
    if not images:
        return None, f'no kernel in /boot; as root: apt-get install {KERNELS}'
    release = images[-1].name.removeprefix('vmlinuz-')
    for path in (images[-1], Path('/lib/modules', release, 'modules.dep')):
        if not os.access(path, os.R_OK):
            return None, f'{path} cannot be read'
    return images[-1], release


def lacking():
    """Why no guest can be run here; None: it can."""
    missing = sorted(package for program, package in PROGRAMS.items() if not shutil.which(program))
    if missing:
        return f'a program is missing; as root: apt-get install {" ".join(missing)}'
    kernel, reason = newest_kernel()
    return None if kernel else reason


def module_files(release):
    """The kernel's modules that are wanted first, each after those that it needs."""
    told = [subprocess.run(['modprobe', '-S', release, '-D', module], capture_output=True, text=True, check=True).stdout
            for module in MODULES]
    return list(dict.fromkeys(re.findall(r'^insmod (\S+)', ''.join(told), re.MULTILINE)))


def make_initrd(folder, release):
    """The initial RAM disk, packed."""
    tree = folder / 'initrd'
    for name in ('bin', 'modules', 'dev', 'proc', 'sys', 'ro', 'rw', 'new'):
        (tree / name).mkdir(parents=True)
    shutil.copy(shutil.which('busybox'), tree / 'bin' / 'busybox')
    files = module_files(release)
    for file in files:
        shutil.copy(file, tree / 'modules')
    (tree / 'modules' / 'order').write_text('\n'.join(Path(file).name for file in files) + '\n')
    (tree / 'init').write_text(INIT)
    (tree / 'init').chmod(0o755)
    (tree / 'agent').write_text(AGENT)
    names = '\n'.join(str(path.relative_to(tree)) for path in sorted(tree.rglob('*')))
    packed = subprocess.run(['cpio', '--quiet', '-o', '-H', 'newc'], cwd=tree, input=names.encode(),
                            stdout=subprocess.PIPE, check=True).stdout
    (folder / 'initrd.cpio').write_bytes(packed)
    return folder / 'initrd.cpio'


class Line:
    """One end of a socket pair whose other end QEMU has: text with a time limit."""

    def __init__(self, guest):
        self.guest = guest
        self.socket, self.far = socket.socketpair()
        self.text = ''

    def until(self, mark, seconds):
        """What comes before the mark, which is taken out as well."""
        deadline = time.monotonic() + seconds
        while mark not in self.text:
            if not select.select([self.socket], [], [], max(0, deadline - time.monotonic()))[0]:
                raise GuestError(f'no answer within {seconds} s: {self.text[-500:]!r}\n{self.guest.console()}')
            data = self.socket.recv(65536)
            if not data:
                raise GuestError(f'QEMU ended: {self.text[-500:]!r}\n{self.guest.console()}')
            self.text += data.decode(errors='replace')
        told, self.text = self.text.split(mark, 1)
        return told

    def send(self, text):
        self.socket.sendall(text.encode())


class Guest:
    """A guest with these devices; `files` are those that QEMU is to have. close() ends it, and so does our end."""

    def __init__(self, folder, devices, files=(), cpus=2, memory_mib=1024, hugepages=128):
        self.console_path = folder / 'console'
        self.errors_path = folder / 'qemu'
        self.control, self.monitor = Line(self), Line(self)
        self.events, self.deaf = [], False
        kernel, release = newest_kernel()
        if not kernel:
            raise CannotRun(release)
        lines = {name: line.far.fileno() for name, line in (('control', self.control), ('monitor', self.monitor))}
        command = [
            QEMU, '-accel', 'tcg,thread=multi', '-cpu', 'max', '-machine', 'q35', '-smp', str(cpus), '-m', str(memory_mib),
            '-nodefaults', '-nographic', '-no-reboot', '-no-user-config',
            '-device', 'intel-iommu,intremap=on,caching-mode=on',
            '-kernel', str(kernel), '-initrd', str(make_initrd(folder, release)),
            '-append', CMDLINE.format(hugepages=hugepages),
            '-serial', f'file:{self.console_path}',
            '-fsdev', 'local,id=root,path=/,security_model=none,readonly=on,multidevs=remap',
            '-device', 'virtio-9p-pci,fsdev=root,mount_tag=root',
            '-chardev', f'socket,id=control,fd={lines["control"]}', '-serial', 'chardev:control',
            '-chardev', f'socket,id=monitor,fd={lines["monitor"]}', '-mon', 'chardev=monitor,mode=control',
            *devices]
        with open(self.errors_path, 'wb') as errors:
            self.process = subprocess.Popen(  # a guest must not outlive us, whatever ends us
                ['setpriv', '--pdeathsig', 'KILL', *command], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                pass_fds=[*lines.values(), *files])
        for line in (self.control, self.monitor):
            line.far.close()

    def wait_until_booted(self, seconds):
        self.answer(seconds)
        self.qmp('qmp_capabilities')

    def close(self):
        self.process.kill()
        self.process.wait()
        for line in (self.control, self.monitor):
            line.socket.close()

    def console(self):
        """The last words of QEMU and of the guest's kernel."""
        texts = [path.read_text(errors='replace')[-3000:] for path in (self.errors_path, self.console_path)
                 if path.exists()]
        return '\n'.join(text.strip() for text in texts if text.strip())

    def run(self, command, seconds=120, status=0):
        """Runs a line of shell in the guest and returns what it printed."""
        assert '\n' not in command, command
        if self.deaf:
            raise GuestError('it has not answered before; a late answer would be taken for this one')
        self.control.send(command + '\n')
        text, ended = self.answer(seconds)
        if status is not None and ended != status:
            raise GuestError(f'{command}: exit status {ended}: {text.strip()}')
        return text

    def answer(self, seconds):
        self.deaf = True
        text, status = self.control.until(END_OF_ANSWER, seconds), int(self.control.until('\n', seconds))
        self.deaf = False
        return text, status

    def qmp(self, command, **arguments):
        """Has QEMU's monitor do something; what it tells in between is kept in `events`."""
        self.monitor.send(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        while True:
            told = json.loads(self.monitor.until('\n', 120))
            if 'error' in told:
                raise GuestError(f'{command} {arguments}: {told["error"]["desc"]}')
            if 'return' in told:
                return told['return']
            self.events.append(told)

    def wait_for_event(self, name, seconds, **data):
        """Takes the first event of that name and data, once it has come."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.events:
                if event.get('event') == name and data.items() <= event['data'].items():
                    self.events.remove(event)
                    return
            self.events.append(json.loads(self.monitor.until('\n', max(0, deadline - time.monotonic()))))
