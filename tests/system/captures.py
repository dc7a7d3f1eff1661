"""Captures that hold the hard cases: frames that a parser could trip over, or a forwarder cut."""

import contextlib
import functools
import random

from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption, fragment
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrRouting
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE, PPPoED
from scapy.layers.sctp import SCTP
from scapy.packet import Raw
from scapy.utils import RawPcapReader, RawPcapWriter

ETHERNET = 1  # link type
MACS = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
BODY = UDP(sport=1000, dport=2000) / Raw(bytes(range(40)))
CUT_UP_TO = 128  # bytes: beyond it there are no headers to cut

CONVERSATIONS = 8  # of each kind
FLOW_FRAMES = 12  # at least, of each flow
NO_TAG, ONE_TAG, TWO_TAGS, OLD_TWO_TAGS = b"", b"\x81\0\0\5", b"\x88\xa8\0\6\x81\0\0\7", b"\x91\0\0\6\x81\0\0\7"
BEHIND_HEADERS = bytes(256)  # more than a parser walks through before it gives up

# How a capture may be written: byte order and resolution of its time stamps.
FORMS = {"little_us": ("<", False), "big_us": (">", False), "little_ns": ("<", True), "big_ns": (">", True)}


def write(path, frames, form="little_us"):
    endianness, nano = FORMS[form]
    with RawPcapWriter(str(path), linktype=ETHERNET, endianness=endianness, nano=nano, snaplen=262144) as writer:
        writer.write_header(None)
        for frame in frames:
            writer.write_packet(frame, sec=1, usec=2)


def read(path):
    with contextlib.closing(RawPcapReader(str(path))) as reader:
        return [frame for frame, _ in reader]


def ipv4():
    yield from (MACS / IP() / ICMP(), MACS / IP() / TCP(options=[("Timestamp", (1, 2))]), MACS / ARP())
    for options in (b"\x01" * 40, b"\x94\x04\0\0", b"\x83\0", b"\x07\xff\x04", b"\x44\x28\x05\0" + bytes(36), bytes(4)):
        yield MACS / IP(options=IPOption(options)) / BODY
    for piece in fragment(IP(id=7) / UDP() / Raw(bytes(3000)), fragsize=504):
        yield MACS / piece
    yield MACS / IP(frag=8191, flags="MF") / Raw(bytes(64))
    yield MACS / IP(frag=1) / Raw(bytes(8))
    for length in (0, 19, 20, 21, 60, 1500, 65535):  # below and beyond the frame's 68 bytes
        yield MACS / IP(len=length) / BODY
    for ihl in range(16):
        yield MACS / IP(ihl=ihl) / BODY
    yield MACS / IP(ihl=15)
    yield from (MACS / IP(ttl=ttl) / BODY for ttl in (0, 1))
    yield MACS / IP(version=6) / BODY


def ipv6():
    hop_by_hop, routing, destination, authentication, nothing = 0, 43, 60, 51, 59
    padding = b"\x01\x04\0\0\0\0"
    for depth in (1, 2, 8, 9, 100):
        chain = bytes([destination, 0]) + padding
        yield MACS / IPv6(nh=hop_by_hop) / Raw(chain * (depth - 1) + bytes([17, 0]) + padding) / BODY
    for kind in (hop_by_hop, routing, destination, authentication):
        yield MACS / IPv6(nh=kind) / Raw(bytes([kind, 0]))  # a header that names itself and then ends
        yield MACS / IPv6(nh=kind) / Raw(bytes([nothing, 255]) + bytes(30))  # past the end
        yield MACS / IPv6(nh=kind) / Raw(bytes([kind, 0]) * 60)
    yield MACS / IPv6() / IPv6ExtHdrRouting(addresses=["2001:db8::1"] * 3) / BODY
    yield MACS / IPv6() / IPv6ExtHdrFragment(offset=8191, m=1) / Raw(bytes(40))
    yield MACS / IPv6(plen=0) / BODY
    yield MACS / IPv6(plen=65535) / BODY


def encapsulated():
    yield MACS / Dot1AD(vlan=100) / Dot1Q(vlan=200) / IP() / BODY
    for depth in range(1, 11):
        frame = MACS
        for vlan in range(depth):
            frame = frame / Dot1Q(vlan=vlan, prio=7)
        yield frame / IP() / BODY
        yield frame / Dot1Q(vlan=4095)  # nothing behind the last tag
    for depth in (1, 3, 16):
        labels = MACS
        for label in range(depth):
            labels = labels / MPLS(label=16 + label, s=label == depth - 1, ttl=1)
        yield labels / IP() / BODY
    yield MACS / MPLS(label=16, s=0) / MPLS(label=17, s=0)  # no bottom of the stack
    yield MACS / PPPoED(code=9, len=4) / Raw(b"\x01\x01\xff\xff")
    yield MACS / PPPoE(sessionid=1) / PPP() / IP() / BODY
    yield MACS / PPPoE(sessionid=1, len=65535) / PPP() / IP() / BODY


def whole_frames():
    return [bytes(frame) for frame in (*ipv4(), *ipv6(), *encapsulated())]


@functools.cache
def hard_frames():
    """Every hard case, whole and cut at every length at which headers can end."""
    whole = whole_frames()
    return whole + [frame[:length] for frame in whole for length in range(min(len(frame), CUT_UP_TO))]


def short_frames(rng):
    return [rng.randbytes(length) for length in range(61)]


def long_frames(rng, longest, *around):
    """Sizes from 60 up to the longest in steps, and on both sides of every limit that is near."""
    sizes = set(range(60, longest + 1, 61)) | {longest}
    for limit in (1514, 1518, 1522, 9014, 9018, 9022, *around):
        sizes |= {limit - 1, limit, limit + 1}
    return [rng.randbytes(size) for size in sorted(sizes) if size <= longest]


def random_frames(rng, count):
    return [rng.randbytes(rng.randrange(14, 1600)) for _ in range(count)]


def packets(a, b):
    """What host a sends to host b: of each flow one packet, or several where they belong together."""
    ipv4, ipv6 = IP(src=f"10.0.0.{a}", dst=f"10.0.0.{b}"), IPv6(src=f"2001:db8::{a:x}", dst=f"2001:db8::{b:x}")
    for ip in (ipv4, ipv6):
        for transport in (TCP, UDP, SCTP):
            yield [ip / transport(sport=1000 + a, dport=1000 + b)]
    yield [ipv4 / ICMP()]
    yield [ipv6 / ICMPv6EchoRequest()]
    yield fragment(ipv4 / UDP(sport=a, dport=b) / Raw(bytes(1000)), fragsize=504)
    yield [ipv6 / IPv6ExtHdrFragment(nh=17, offset=offset, m=1) / Raw(bytes(64)) for offset in (0, 8, 16)]
    yield [Raw(bytes(46))]  # no IP: the MAC addresses and the ethertype are the flow


def heads(a, b):
    """Of each flow from a to b its packets in frames without tags and with those that make no difference."""
    ether = Ether(src=f"02:00:00:00:00:{a:02x}", dst=f"02:00:00:00:00:{b:02x}")
    for flow in packets(a, b):
        frames = [bytes(ether / packet) for packet in flow]
        yield [frame[:12] + tags + frame[12:] for frame in frames for tags in (NO_TAG, ONE_TAG, TWO_TAGS, OLD_TWO_TAGS)]


def numbered(heads_of_flow):
    """A flow: each frame is one of a kind."""
    count = max(FLOW_FRAMES, 2 * len(heads_of_flow))
    return [heads_of_flow[i % len(heads_of_flow)] + BEHIND_HEADERS + i.to_bytes(4, "big") for i in range(count)]


@functools.cache
def flows(symmetric=False):
    """Flows, each a list of frames that have to stay in order: conversations between hosts, whose directions are one
    flow if `symmetric`, and each hard case."""
    hosts = random.Random(1).sample(range(1, 255), 2 * CONVERSATIONS)
    all_heads = [[frame] for frame in whole_frames()]
    for a, b in zip(hosts[::2], hosts[1::2]):
        there, back = list(heads(a, b)), list(heads(b, a))
        if symmetric:
            all_heads += [[head for pair in zip(*ways) for head in pair] for ways in zip(there, back)]
        else:
            all_heads += there + back
    return [numbered(heads_of_flow) for heads_of_flow in all_heads]


def mixed(rng, flows, others):
    """All frames in random order, but those of each flow in theirs."""
    turns = [turn for flow in flows for turn in [iter(flow)] * len(flow)] + [iter([frame]) for frame in others]
    rng.shuffle(turns)
    return [next(turn) for turn in turns]
