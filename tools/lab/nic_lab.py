"""PCI NICs bound to vfio-pci in a guest, ringway on them, and the host at the far end of every cable."""

import json
import os
import re
import shlex
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT / 'tests' / 'system')]
sys.dont_write_bytecode = True

import qemu_guest  # noqa: E402
from harness import RINGWAY  # noqa: E402
from nic_wire import SocketWire, TapWire  # noqa: E402
from qemu_guest import GuestError  # noqa: E402

BOOT_S = 600  # some 15 s on a quiet machine; 200 s were seen on a busy one
START_S = 300  # of ringway; some 5 s on a quiet machine, 60 s on a busy one
HUGEPAGES = 96

# By name: what QEMU makes each of. Those with a `bus` can be unplugged; e1000 is no PCI Express device.
VIRTIO = {'driver': 'virtio-net-pci', 'iommu_platform': True, 'disable-legacy': 'on'}
NICS = {
    'e1000e': {'driver': 'e1000e', 'bus': 'slot1'},
    'e1000': {'driver': 'e1000', 'addr': '0x14'},
    'virtio': {**VIRTIO, 'bus': 'slot2'},
    'multi': {**VIRTIO, 'bus': 'slot3', 'mq': True, 'rss': True, 'vectors': 6},
}
SLOTS = {'slot1': '10', 'slot2': '11', 'slot3': '12'}  # root ports, and their PCI device numbers
QUEUES = 2  # of `multi`


def lacking():
    """Why the lab cannot be set up here; None: it can."""
    if os.geteuid() != 0:
        return 'needs root'
    if not os.path.exists('/dev/net/tun'):
        return 'the kernel has no TAP devices'
    return qemu_guest.lacking()


class Lab:
    """A guest with all the NICs, from start to close()."""

    def __init__(self, log=print):
        self.log = log
        self.folder = tempfile.TemporaryDirectory(prefix='ringway-nics-')
        self.wires = {name: TapWire(name, QUEUES) if name == 'multi' else SocketWire(name) for name in NICS}
        self.guest = None
        try:
            self.boot()
        except BaseException:
            self.close()
            raise

    def boot(self):
        began = time.monotonic()
        devices = []
        for number, (slot, place) in enumerate(SLOTS.items(), 1):
            devices += ['-device', f'pcie-root-port,id={slot},addr=0x{place},chassis={number},slot={number}']
        for name in NICS:
            devices += ['-netdev', json.dumps(self.wires[name].netdev), '-device', json.dumps(self.device(name))]
        files = [file.fileno() for wire in self.wires.values() for file in wire.files]
        self.guest = qemu_guest.Guest(Path(self.folder.name), devices, files, hugepages=HUGEPAGES)
        self.guest.wait_until_booted(BOOT_S)
        self.run('modprobe vfio-pci')
        self.addresses = {name: self.bind(name) for name in NICS}
        self.hugepages = self.free_hugepages()
        self.log(f'{self.run("uname -r").strip()} booted in {time.monotonic() - began:.0f} s, '
                 f'{self.hugepages} hugepages free')

    @staticmethod
    def device(name):
        return {**NICS[name], 'id': f'nic-{name}', 'netdev': name, 'romfile': ''}

    def close(self):
        if self.guest:
            self.guest.close()
        for wire in self.wires.values():
            wire.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, command, **how):
        return self.guest.run(command, **how)

    def bind(self, name):
        """Binds a NIC to vfio-pci, and says so; returns its address."""
        place = SLOTS.get(NICS[name].get('bus'))
        address = self.run(f'(cd /sys/bus/pci/devices/0000:00:{place}.0 && echo 0000:*:00.0)' if place else
                           f'echo 0000:00:{int(NICS[name]["addr"], 16):02x}.0').strip()
        driver = f'/sys/bus/pci/devices/{address}/driver'
        # The kernel may be about to bind it to a driver of its own.
        self.run(f'echo vfio-pci > {driver}_override; until readlink {driver} | grep -q /vfio-pci; do '
                 f'[ ! -e {driver} ] || echo {address} > {driver}/unbind; echo {address} > /sys/bus/pci/drivers_probe; '
                 'sleep 0.2; done')
        bound = self.driver_of(address)
        self.log(f'{name}: {NICS[name]["driver"]} at {address} is bound to {bound}')
        return address

    def driver_of(self, address):
        return self.run(f'basename $(readlink /sys/bus/pci/devices/{address}/driver)').strip()

    def unplug(self, name):
        self.guest.qmp('device_del', id=f'nic-{name}')

    def wait_until_unplugged(self, name, seconds):
        self.guest.wait_for_event('DEVICE_DELETED', seconds, device=f'nic-{name}')

    def plug(self, name, seconds=60):
        """Puts a NIC back, and waits until the guest's kernel has found it."""
        self.guest.qmp('device_add', **self.device(name))
        self.run(f'for i in $(seq {2 * seconds}); do [ -e /sys/bus/pci/devices/{self.addresses[name]} ] && break; '
                 f'sleep 0.5; done; [ $i -lt {2 * seconds} ]', seconds=2 * seconds)

    def set_link(self, name, up):
        """Plugs the cable in or out."""
        self.guest.qmp('set_link', name=name, up=up)

    def free_hugepages(self):
        return int(self.run("awk '/HugePages_Free/ {print $2}' /proc/meminfo"))


class Forwarder:
    """A run of ringway in the guest on ports joined two by two: NICs, or what `ports` says. Leaving the with block ends
    it."""

    def __init__(self, lab, *pairs, on='-l 0-1', ports=None, **sections):
        self.lab, self.names = lab, [name for pair in pairs for name in pair]
        devices = {name: {'device': lab.addresses.get(name), **(ports or {}).get(name, {})} for name in self.names}
        config = {'ports': devices, 'forwarding': {'mode': 'cross_connect', 'pairs': pairs}, **sections}
        lab.run(f'mkdir -p /run/lab; rm -f /run/lab/*; echo {shlex.quote(json.dumps(config))} > /run/lab/config.yaml')
        addresses = [address for port in devices.values() for address in port.get('members', [port['device']])]
        allowed = ' '.join(f'-a {address}' for address in addresses)
        self.command = f'{shlex.quote(os.path.realpath(RINGWAY))} {on} {allowed} -- --config /run/lab/config.yaml'
        self.pid = None

    def __enter__(self):
        self.pid = int(self.lab.run(f'{self.command} --report /run/lab/report.json > /run/lab/out 2> /run/lab/err & '
                                    'echo $!'))
        try:
            for name in self.names:
                self.wait_for(f"port '{name}': link up", START_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.lab.run(f'kill -KILL {self.pid}; wait {self.pid}', status=None)

    def plan(self):
        return self.lab.run(f'{self.command} --plan', seconds=START_S)

    @property
    def out(self):
        return self.lab.run('cat /run/lab/out')

    @property
    def err(self):
        return self.lab.run('cat /run/lab/err')

    @property
    def report(self):
        return json.loads(self.lab.run('cat /run/lab/report.json'))

    def alive(self):
        return self.lab.run(f'kill -0 {self.pid} && echo yes', status=None).startswith('yes')

    def count(self, text):
        return self.err.count(text)

    def wait_until_dropped(self, reason, packets, seconds=180):
        """Waits until it says that so many packets in all were dropped by that reason."""
        deadline = time.monotonic() + seconds
        while not re.search(rf'^ +{reason} +{packets}$', self.err, re.MULTILINE):
            if time.monotonic() > deadline:
                raise GuestError(f'no {packets} packets dropped as {reason} within {seconds} s:\n{self.err}')
            self.lab.run(f'kill -USR1 {self.pid}; sleep 0.5')

    def wait_for(self, text, seconds=180, times=1):
        """Waits until it has said so, that often."""
        deadline = time.monotonic() + seconds
        while self.count(text) < times:
            if not self.alive():
                raise GuestError(f'ringway ended before "{text}":\n{self.err}')
            if time.monotonic() > deadline:
                raise GuestError(f'no "{text}" ({times} times) within {seconds} s:\n{self.err}')
            time.sleep(0.2)

    def signal(self, name):
        """Ends it; its exit status is in `status`."""
        self.status = int(self.lab.run(f'kill -{name} {self.pid}; wait {self.pid}; echo $?').split()[-1])
        return self
