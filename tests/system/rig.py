"""Hosts in network namespaces round a middle one, where ringway runs; frames by raw sockets."""

import contextlib
import ctypes
import os
import random
import socket
import struct
import subprocess
import time

from harness import Ringway, Skip, check_same

AF_XDP = 44  # not yet a name of module socket
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
EXPERIMENTAL = b"\x88\xb5"  # EtherType for local experiments
VLAN = b"\x81\0"
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
SO_RCVBUFFORCE = 33
TP_STATUS_VLAN_VALID = 1 << 4
AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata: status, lengths, offsets, VLAN's TCI and TPID
OFFLOADS = ("tx", "tso", "gso", "gro")


def need_af_xdp():
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW).close()
    except OSError as error:
        raise Skip(f"the kernel has no AF_XDP for us: {error}") from None


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


@contextlib.contextmanager
def inside(namespace):
    """Sockets opened here belong to the namespace, and stay in it."""
    setns = ctypes.CDLL(None, use_errno=True).setns
    with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{namespace}") as other:
        assert setns(other.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert setns(own.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


class Host:
    """A raw socket on a host's interface."""

    def __init__(self, namespace, interface="far"):
        self.namespace = namespace
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind((interface, 0))
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)

    def send(self, frames):
        for frame in frames:
            with contextlib.suppress(OSError):  # the interface may be down: the frame is lost, and missed later
                self.socket.send(frame)

    def receive(self, count, seconds=2.0):
        """Up to `count` frames, waiting for each at most the time."""
        frames = []
        self.socket.settimeout(seconds)
        while len(frames) < count:
            try:
                data, auxiliary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(AUXDATA.size))
            except (TimeoutError, BlockingIOError):
                break
            except OSError:  # told once after the interface went down
                continue
            frames.append(with_tag(data, auxiliary))
        return frames


def with_tag(data, auxiliary):
    """The frame as it was on the wire: the kernel takes the outer VLAN tag out and tells it beside the data."""
    status, _, _, _, _, tci, tpid = AUXDATA.unpack(auxiliary[0][2][:AUXDATA.size])
    if not status & TP_STATUS_VLAN_VALID:
        return data
    return data[:12] + struct.pack("!HH", tpid, tci) + data[12:]


class Rig:
    """`hosts` by name: each has an interface `far`, whose peer in the middle is `to_NAME`. Removed at the end."""

    def __init__(self, *hosts, mtu=1500):
        self.names, self.mtu = hosts, mtu
        self.middle = self.namespace("middle")

    @staticmethod
    def namespace(name):
        return f"ringway{os.getpid()}-{name}"

    def __enter__(self):
        try:
            self.add_namespace(self.middle)
            for name in self.names:
                self.add_namespace(self.namespace(name))
                command("ip", "-n", self.middle, "link", "add", f"to_{name}", "mtu", str(self.mtu), "type", "veth",
                        "peer", "name", "far", "mtu", str(self.mtu), "netns", self.namespace(name))
                self.bring_up(self.middle, f"to_{name}")
                self.bring_up(self.namespace(name), "far")
            self.hosts = {name: Host(self.namespace(name)) for name in self.names}
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        for host in self.hosts.values():
            host.socket.close()
        self.remove()

    def remove(self):
        for namespace in (self.middle, *map(self.namespace, self.names)):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)

    @staticmethod
    def add_namespace(namespace):
        command("ip", "netns", "add", namespace)
        for scope in ("all", "default"):  # no frames of the kernel's own
            command("ip", "netns", "exec", namespace, "sysctl", "-qw", f"net.ipv6.conf.{scope}.disable_ipv6=1")

    @staticmethod
    def bring_up(namespace, interface):
        """Without offloads: veth would pass frames without checksums, and far longer than the MTU."""
        switches = [word for offload in OFFLOADS for word in (offload, "off")]
        command("ip", "netns", "exec", namespace, "ethtool", "-K", interface, *switches)
        command("ip", "-n", namespace, "link", "set", interface, "up")

    def config(self, driver="net_af_packet", devargs="", **sections):
        """Every host's port, and the hosts joined two by two."""
        ports = {name: {"device": f"{driver}{i},iface=to_{name}{devargs}"} for i, name in enumerate(self.names)}
        pairs = [list(pair) for pair in zip(self.names[::2], self.names[1::2])]
        return {"ports": ports, "forwarding": {"mode": "cross_connect", "pairs": pairs}, "eal": {"no_huge": True},
                **sections}

    def ringway(self, work, *options):
        return Ringway(work, *options, prefix=("ip", "netns", "exec", self.middle))


def numbered_frames(rng, count, longest=1514, source=1):
    """Frames that differ, of every size from 60 up in turn; each eighth with a VLAN tag."""
    frames = []
    for number in range(count):
        size = 60 + number * 97 % (longest - 59)
        tag = VLAN + struct.pack("!H", rng.randrange(1, 4095)) if number % 8 == 7 else b""
        head = b"\x02\0\0\0\0\xff" + b"\x02\0\0\0\0" + bytes([source]) + tag + EXPERIMENTAL + struct.pack("!Q", number)
        frames.append(head + rng.randbytes(max(size - len(head), 0)))
    return frames


def random_ways(rig, count, longest=1514, seed=30):
    """A way from each host to its partner, with frames of its own."""
    partner = dict(zip(rig.names, [name for pair in zip(rig.names[1::2], rig.names[::2]) for name in pair]))
    rng = random.Random(seed)
    return [(rig.hosts[name], rig.hosts[partner[name]], numbered_frames(rng, count, longest, source))
            for source, name in enumerate(rig.names)]


def exchange(ways, chunk=64):
    """Sends each (sender, receiver, frames) in bursts, waiting for each to arrive: what is lost was not lost by
    a full queue of the kernel. Returns what each receiver got, late or unasked frames included."""
    got = [[] for _ in ways]
    for start in range(0, max(len(frames) for _, _, frames in ways), chunk):
        for sender, _, frames in ways:
            sender.send(frames[start:start + chunk])
        for (_, receiver, frames), arrived in zip(ways, got):
            due = min(start + chunk, len(frames))
            arrived += receiver.receive(due - len(arrived))
            if len(arrived) < due:
                return got
    time.sleep(0.2)
    for (_, receiver, _), arrived in zip(ways, got):
        arrived += receiver.receive(1000, 0.0)
    return got


def check_exchange(ways, got):
    for number, ((_, _, frames), arrived) in enumerate(zip(ways, got)):
        check_same(f"way {number}", frames, arrived)
