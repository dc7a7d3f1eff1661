"""Cables to the NICs of a guest: the host's end sends and receives frames. And frames to be sent, and exchanges of them."""

import contextlib
import ctypes
import fcntl
import select
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI = 0x400454ca, 0x0002, 0x0100, 0x1000
ETH_P_ALL = 3
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SO_RCVBUFFORCE = 33
WINDOW = 48  # frames of a way that are on it at most: what queues on the way hold, so that none of them overflows
STALL_S = 30  # nothing arrives for so long: frames are lost
LATE_S = 0.3  # how long to wait for frames that should not come


class SocketWire:
    """Each datagram is a frame. Neither end drops any: where the other's queue is full it waits."""

    def __init__(self, name):
        self.socket, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.files = [far]
        self.netdev = {'type': 'dgram', 'id': name, 'local': {'type': 'fd', 'str': str(far.fileno())}}

    def close(self):
        self.socket.close()


@contextlib.contextmanager
def new_namespace():
    """A network namespace without a name; it is gone with the last file that was opened in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open('/proc/thread-self/ns/net') as own:
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), 'unshare(CLONE_NEWNET)')
        try:
            yield
        finally:
            if libc.setns(own.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), 'setns')


class TapWire:
    """A TAP interface with several queues, for NICs that have them; a raw socket on it is the host's end. Needs root."""

    def __init__(self, name, queues):
        with new_namespace():
            Path('/proc/sys/net/ipv6/conf/default/disable_ipv6').write_text('1')  # no frames of the kernel's own
            request = struct.pack('16sH22x', b'tap0', IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE)
            self.files = [open('/dev/net/tun', 'r+b', buffering=0) for _ in range(queues)]
            for file in self.files:
                fcntl.ioctl(file, TUNSETIFF, request)
            subprocess.run(['ip', 'link', 'set', 'tap0', 'up'], check=True)
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind(('tap0', 0))
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.socket.setblocking(False)
        fds = ':'.join(str(file.fileno()) for file in self.files)
        self.netdev = {'type': 'tap', 'id': name, 'fds': fds, 'vhost': False}

    def close(self):
        self.socket.close()
        for file in self.files:
            file.close()


class Way:
    """Frames from one wire to another, of which at most WINDOW are under way."""

    def __init__(self, name, sender, receiver, frames=()):
        self.name, self.sender, self.receiver = name, sender.socket, receiver.socket
        self.frames, self.sent, self.got = list(frames), 0, []

    def may_send(self):
        return self.sent < len(self.frames) and self.sent - len(self.got) < WINDOW

    def complete(self):
        return len(self.got) >= len(self.frames)

    def send(self):
        with contextlib.suppress(BlockingIOError):
            while self.may_send():
                self.sender.send(self.frames[self.sent])
                self.sent += 1

    def receive(self):
        before = len(self.got)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.got.append(self.receiver.recv(65536))
        return len(self.got) > before


def pump(ways, seconds):
    """Moves frames on all ways; True when any arrived within the time."""
    readable, writable, _ = select.select([way.receiver for way in ways], [way.sender for way in ways if way.may_send()],
                                          [], seconds)
    for way in ways:
        if way.sender in writable:
            way.send()
    return any([way.receive() for way in ways if way.receiver in readable])


def exchange(ways):
    """Sends every way's frames and takes in what arrives, until all have or nothing does any more. Returns the seconds
    it took."""
    began = last = time.monotonic()
    while not all(way.complete() for way in ways) and time.monotonic() - last < STALL_S:
        if pump(ways, 0.5):
            last = time.monotonic()
    listen(ways, LATE_S)
    return last - began


def listen(ways, seconds):
    """Takes in what arrives within the time."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        pump(ways, left)


def drain(wires):
    """Throws away what comes from earlier, until nothing does."""
    ways = [Way('drain', wire, wire) for wire in wires]
    while pump(ways, LATE_S):
        pass


class Load(threading.Thread):
    """Traffic on ways for as long as the with block lasts; `make(number)` makes a frame. What was sent has then arrived,
    or will not."""

    def __init__(self, ways, make):
        super().__init__(daemon=True)
        self.ways, self.make, self.over = ways, make, threading.Event()

    def run(self):
        while not self.over.is_set():
            for way in self.ways:
                if len(way.frames) - way.sent < WINDOW:
                    way.frames += [self.make(number) for number in range(len(way.frames), len(way.frames) + WINDOW)]
            pump(self.ways, 0.1)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        for way in self.ways:
            del way.frames[way.sent:]
        exchange(self.ways)


def flow_frame(rng, source_port, number, size):
    """A UDP datagram over IPv4; its flow is that of the port."""
    total = size - 14
    addresses = bytes([10, 1, 0, 1, 10, 2, 0, 1])
    head = struct.pack('!BBHHHBB', 0x45, 0, total, number & 0xffff, 0, 64, 17)
    checksum = sum(struct.unpack('!9H', head + addresses))
    checksum = ~((checksum & 0xffff) + (checksum >> 16)) & 0xffff
    udp = struct.pack('!HHHHQ', source_port, 5000, total - 20, 0, number)
    frame = b'\x02\0\0\0\0\xff' + b'\x02\0\0\0\0\x01' + b'\x08\0' + head + struct.pack('!H', checksum) + addresses + udp
    return frame + rng.randbytes(size - len(frame))


def flows_of_frames(rng, flows, count, longest=1514):
    """Numbered frames of every size from 60 up, dealt out to the flows in turn: all in order, and by flow."""
    ports = rng.sample(range(1024, 65536), flows)
    frames = [flow_frame(rng, ports[number % flows], number, 60 + number * 97 % (longest - 59)) for number in range(count)]
    return frames, [frames[flow::flows] for flow in range(flows)]
