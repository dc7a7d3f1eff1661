"""A configuration that loops a capture into both ports of a cross-connect.

net_pcap loads a looped capture into mbufs, one frame each, so the mbufs must hold its longest frame.
"""
import struct

from lab_ports import CannotMeasure

NOT_PCAP_FRAMES, NOT_PCAP_BYTES = 50000, 9216  # pcapng and others: assume so many jumbo frames
MOST_BYTES = 65407  # a data room that still fits 16 bits with its headroom
MOST_MTU = 65513


def survey(path):
    """Frames in a capture, and the bytes of the longest."""
    with open(path, "rb") as capture:
        magic = capture.read(24)[:4]
        order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
        if magic not in order:
            return NOT_PCAP_FRAMES, NOT_PCAP_BYTES
        frames = longest = 0
        while len(header := capture.read(16)) == 16:
            caught = struct.unpack(order[magic] + "IIII", header)[2]
            frames += 1
            longest = max(longest, caught)
            capture.seek(caught, 1)
    return frames, longest


def configuration(path):
    """Its text."""
    if any(character in path for character in '"\\,\n '):
        raise CannotMeasure(f"{path}: DPDK takes no path with quotes, commas, backslashes or spaces; "
                            "copy the capture elsewhere")
    frames, longest = survey(path)
    if frames == 0:
        raise CannotMeasure(f"{path}: holds no frames")
    if longest > MOST_BYTES:
        raise CannotMeasure(f"{path}: has a frame of {longest} bytes; an mbuf holds at most {MOST_BYTES}")
    data_room = max(2048, longest)
    mbufs = (1 << (2 * frames + 4000).bit_length()) - 1  # each port holds the capture; rounded as the planner does
    pages = -(-(data_room + 512) // 4096)  # an mbuf takes whole ordinary pages
    memory = mbufs * pages * 4096 // (1 << 20) + 64
    mtu = min(max(1500, longest - 14), MOST_MTU)
    return f"""\
ports:
  left: {{device: "net_pcap0,rx_pcap={path},infinite_rx=1", mtu: {mtu}}}
  right: {{device: "net_pcap1,rx_pcap={path},infinite_rx=1", mtu: {mtu}}}
forwarding: {{mode: cross_connect, pairs: [[left, right]]}}
pool: {{data_room: {data_room}}}
eal: {{no_huge: true, memory: {memory}}}
"""
