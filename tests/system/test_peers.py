#!/usr/bin/env python3
"""Every kind of port against something that is not ours: dpdk-testpmd, or the kernel."""

import contextlib
import importlib.machinery
import importlib.util
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.append(str(TOOLS))

import captures  # noqa: E402
from harness import (ORDINARY_MEMORY, RINGWAY, Ringway, Skip, check_balance, check_same, check_status,  # noqa: E402
                     forward, forwarding_options, main, root, run, test, write_config)
from rig import Rig, command, exchange, inside, numbered_frames, random_ways  # noqa: E402

SHARED_MEMORY = {**ORDINARY_MEMORY, "single_file_segments": True}
REFLECT = {"mode": "reflect", "ports": ["peer"]}
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23


def load_peers():
    loader = importlib.machinery.SourceFileLoader("testpmd_peer", str(TOOLS / "lab" / "testpmd_peer"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("testpmd_peer", loader))
    loader.exec_module(module)
    return module


peers = load_peers()


def testpmd():
    return None if shutil.which(peers.TESTPMD) else f"{peers.TESTPMD} is not installed (Debian: dpdk-dev)"


def tun():
    return root() or (None if os.path.exists("/dev/net/tun") else "there is no /dev/net/tun")


@contextlib.contextmanager
def testpmd_at(work, name, *vdevs, **how):
    peer = peers.Testpmd(work, name, vdevs, **how)
    try:
        yield peer
    finally:
        peer.close()


def one_port(device, eal=ORDINARY_MEMORY, **keys):
    return {"ports": {"peer": {"device": device, **keys}}, "forwarding": REFLECT, "eal": eal}


# -- dpdk-testpmd as generator and sink

@test(testpmd, each=[(kind,) for kind in peers.kinds("")])
def testpmd_and_ringway_agree_on_every_packet_over(work, kind):
    if kind.startswith("af_") and root():
        raise Skip(root())
    done = subprocess.run([TOOLS / "lab" / "testpmd_peer", "--kind", kind, "--seconds", "1", "--ringway", RINGWAY],
                          capture_output=True, text=True, timeout=200)
    numbers = done.stdout.splitlines()[-1].split()
    assert done.returncode == 0 and numbers[0] == kind, done.stdout + done.stderr
    assert int(numbers[1]) >= 1000 and int(numbers[6]) == 0, done.stdout


@test()
def testpmd_peer_tells_what_is_missing(work):
    balance = {"received": 100, "transmitted": 90, "dropped": 10, "unaccounted": 0}
    report = {"balance": balance, "drops": {"tx_full": 10, "runt": 0}}
    assert peers.account(100, report, 90) == ((100, 100, 90, 10, 90, 0), {"tx_full": 10})
    assert peers.account(101, report, 90)[0][-1] == 1
    assert peers.account(100, report, 88)[0][-1] == 2


@test(testpmd, each=(("memif",), ("vhost",)))
def peer_may_go_and_come_again_over(work, kind):
    path = work / "peer.sock"
    own, other = {"memif": (f"net_memif0,role=server,socket={path},socket-abstract=no",
                            f"net_memif0,role=client,socket={path},socket-abstract=no"),
                  "vhost": (f"net_vhost0,iface={path}", f"net_virtio_user0,path={path}")}[kind]
    with Ringway(work, *forwarding_options(work, one_port(own))) as ringway:
        ringway.wait_for("link down")
        sent = returned = 0
        for number in range(2):
            with testpmd_at(work, f"peer{number}", other, eal=["--single-file-segments"]) as peer:
                ringway.wait_for("link up") if number == 0 else time.sleep(1.5)
                peers.exchange(peer, 0.3, bursts=False)
                back, out = peer.packets()
                sent, returned = sent + out, returned + back
                assert back > 0, f"nothing came back from peer {number}"
            time.sleep(1)
        ringway.stop()
        balance = check_balance(ringway, tx_full=ringway.report["drops"]["tx_full"])
        assert (balance["received"], balance["transmitted"]) == (sent, returned), (balance, sent, returned)


@test(testpmd)
def zero_copy_memif_loses_its_server_and_keeps_its_balance(work):
    path = work / "peer.sock"
    own = f"net_memif0,role=client,zero-copy=yes,socket={path},socket-abstract=no"
    with testpmd_at(work, "server", f"net_memif0,role=server,socket={path},socket-abstract=no") as peer:
        with Ringway(work, *forwarding_options(work, one_port(own, SHARED_MEMORY))) as ringway:
            ringway.wait_for("link up")
            peers.exchange(peer, 0.3, bursts=False)
            back, sent = peer.packets()
            peer.close()
            ringway.wait_for("link down")
            balance = check_balance(ringway.stop(), tx_full=ringway.report["drops"]["tx_full"])
            assert (balance["received"], balance["transmitted"]) == (sent, back), (balance, sent, back)
            kept = ringway.report["pools"]["socket0"]["held_by_driver"]
            assert 0 < kept <= 2048, f"{kept} mbufs kept: none, or more than both rings hold"


@test(testpmd)
def long_frames_among_short_ones_pass_memif_in_buffers_that_hold_them(work):
    rng = random.Random(52)
    frames = [head + rng.randbytes(8000 if rng.random() < 0.3 else 60)
              for head in numbered_frames(rng, 3000, longest=60)]
    captures.write(work / "in.pcap", frames)
    path, out = work / "peer.sock", work / "out.pcap"
    config = {"ports": {"in": {"device": f"net_pcap0,rx_pcap={work}/in.pcap", "mtu": 9000},
                        "out": {"device": f"net_memif0,role=client,bsize=9022,socket={path},socket-abstract=no",
                                "mtu": 9000, "when_full": "wait"}},
              "forwarding": {"mode": "cross_connect", "pairs": [{"from": "in", "to": "out"}]},
              "rings": {"wait_ms": 60000}, "eal": ORDINARY_MEMORY}
    with testpmd_at(work, "server", f"net_memif0,role=server,socket={path},socket-abstract=no",
                    f"net_pcap0,tx_pcap={out}") as peer:
        peer.say("start", "RX queue")
        ringway = forward(work, config, "--stop-when-idle", "2")
        assert check_balance(ringway)["transmitted"] == len(frames)
        peer.stop()
    check_same("memif", frames, captures.read(out))


# -- bonds

@test(root)
def active_backup_bond_speaks_through_its_first_member_alone(work):
    with Rig("a", "b") as rig:
        members = [f"net_af_packet{i},iface=to_{name}" for i, name in enumerate(rig.names)]
        config = one_port("net_bonding0,mode=1", members=members)
        with rig.ringway(work, *forwarding_options(work, config)) as ringway:
            ringway.wait_for("link up")
            assert ringway.err.count("net_af_packet tells no bond of a lost link") == 2, ringway.err
            frames = numbered_frames(random.Random(51), 200)
            got = []
            for begin in range(0, len(frames), 50):
                for host in rig.hosts.values():
                    host.send(frames[begin:begin + 50])
                got += rig.hosts["a"].receive(50)
            check_same("a", [frame[6:12] + frame[:6] + frame[12:] for frame in frames], got)
            assert rig.hosts["b"].receive(1, 0.2) == [], "the backup has sent"
            assert check_balance(ringway.stop())["received"] == 200


def actors(peer):
    """The states of testpmd's own members, of two; its partner's are told anew every 30 s only."""
    states = re.findall(r"Actor detail info:.*?port state: ([A-Z ]*)", peer.say("show bonding lacp info 2"), re.DOTALL)
    return states if len(states) == 2 else ["unknown"]


@test(root, testpmd)
def lacp_brings_both_members_up_with_testpmds_bond(work):
    with Rig("a", "b") as rig:
        members = [f"net_af_packet{i},iface=to_{name}" for i, name in enumerate(rig.names)]
        config = one_port("net_bonding0,mode=4", members=members)
        far = Rig.namespace("lacp")
        rig.add_namespace(far)
        try:
            for name in rig.names:  # both far ends into one namespace, for one bond
                rig.hosts[name].socket.close()
                command("ip", "-n", rig.namespace(name), "link", "set", "far", "name", f"far_{name}", "netns", far)
                rig.bring_up(far, f"far_{name}")
            vdevs = [f"net_af_packet{i},iface=far_{name}" for i, name in enumerate(rig.names)]
            peer = peers.Testpmd(work, "lacp", [*vdevs, "net_bonding0,mode=4,slave=net_af_packet0,slave=net_af_packet1"],
                                 far, arguments=["--portmask=0x4"])
            try:
                with rig.ringway(work, *forwarding_options(work, config)) as ringway:
                    peer.say("set fwd flowgen")  # a bond speaks LACP only while somebody sends through it
                    peer.say("start", "RX queue")
                    deadline = time.monotonic() + 30
                    while not all("DISTRIBUTING" in state for state in actors(peer)):
                        assert time.monotonic() < deadline, f"testpmd's members are {actors(peer)}"
                        time.sleep(0.5)
                    ringway.wait_for("link up, 20000 Mbit/s", 30)  # two members of 10000
                    before = peer.packets(2)
                    time.sleep(0.5)
                    received, sent = (now - then for now, then in zip(peer.packets(2), before))
                    peer.stop()
                    assert received > 1000 and sent > 1000, (received, sent)
                    check_balance(ringway.stop(), tx_full=ringway.report["drops"]["tx_full"])
            finally:
                peer.close()
        finally:
            command("ip", "netns", "del", far)


# -- the kernel

@test(tun)
def tap_interfaces_of_this_host_are_joined(work):
    namespace = Rig.namespace("tap")
    Rig.add_namespace(namespace)
    try:
        names = [f"rw{os.getpid()}l", f"rw{os.getpid()}r"]
        config = {"ports": {side: {"device": f"net_tap{i},iface={name}"}
                            for i, (side, name) in enumerate(zip(("left", "right"), names))},
                  "forwarding": {"mode": "cross_connect", "pairs": [["left", "right"]]}, "eal": ORDINARY_MEMORY}
        with Ringway(work, *forwarding_options(work, config), prefix=("ip", "netns", "exec", namespace)) as ringway:
            ringway.wait_until_forwarding()
            ends = []
            with inside(namespace):
                for name in names:
                    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                    end.bind((name, 0))
                    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
                    end.settimeout(2)
                    ends.append(end)
            rng = random.Random(50)
            frames = [frame for frame in numbered_frames(rng, 1000) if frame[12:14] != b"\x81\0"]
            for sender, receiver in (ends, ends[::-1]):
                got = []
                for begin in range(0, len(frames), 64):
                    for frame in frames[begin:begin + 64]:
                        sender.send(frame)
                    got += [receiver.recv(65536) for _ in frames[begin:begin + 64]]
                check_same("tap", frames, got)
            for end in ends:
                end.close()
            assert check_balance(ringway.stop())["received"] == 2 * len(frames)
        gone = subprocess.run(["ip", "-n", namespace, "link", "show", names[0]], capture_output=True)
        assert gone.returncode != 0, "the interface is still there"
    finally:
        command("ip", "netns", "del", namespace)


@test(root)
def pcap_interfaces_pass_frames_unaltered_and_do_not_hear_themselves(work):
    with Rig("a", "b") as rig:
        config = rig.config()
        for i, name in enumerate(rig.names):
            config["ports"][name] = {"device": f"net_pcap{i},rx_iface_in=to_{name},tx_iface=to_{name}"}
        with rig.ringway(work, *forwarding_options(work, config)) as ringway:
            ringway.wait_until_forwarding()
            ways = random_ways(rig, 500)
            for number, ((_, _, frames), arrived) in enumerate(zip(ways, exchange(ways))):
                check_same(f"way {number}", frames, arrived)
            assert check_balance(ringway.stop())["received"] == 1000


@test()
def null_and_ring_need_nothing(work):
    config = write_config(work, (TOOLS.parent / "config" / "memory.yaml").read_text())
    ringway = run(work, "--config", config, "--duration", "1", "--report", work / "report.json", prefix=())
    drops = ringway.report["drops"]
    balance = check_balance(ringway, tx_full=drops["tx_full"], shutdown=drops["shutdown"])
    by_drivers = sum(port["rx_packets"] for port in ringway.report["ports"].values())
    assert by_drivers == balance["received"] > 1000, (by_drivers, balance)


# -- refusals

REFUSALS = {
    "unknown devarg of tap": ("net_tap0,ifcae=x", {}, 78, "net_tap takes no 'ifcae'; did you mean 'iface'?"),
    "unknown devarg of memif": ("net_memif0,rol=server", {}, 78, "net_memif takes no 'rol'; did you mean 'role'?"),
    "interface of af_packet": ("net_af_packet0,iface=nope", {}, 69, "no interface of this network namespace is named"),
    "interface of pcap": ("net_pcap0,rx_iface_in=nope,tx_iface=nope", {}, 69, "is named 'nope'"),
    "memif without its server": ("net_memif0,role=client,socket={work}/none,socket-abstract=no", {}, 69,
                                 "expected it to be started first"),
    "abstract memif without its server": ("net_memif0,socket=ringway-none", {}, 69, "expected it to be started first"),
    "vhost in no folder": ("net_vhost0,iface={work}/none/sock", {}, 69, "is no folder; expected one for the socket"),
    "vhost where something is": ("net_vhost0,iface={work}/config.yaml", {}, 69, "is there already"),
    "virtio-user without its vhost": ("net_virtio_user0,path={work}/none", {}, 69, "connect error"),
    "queues of vhost": ("net_vhost0,iface={work}/sock", {"rx_queues": 2}, 69, "or the device with queues=2"),
    "long frames over memif": ("net_memif0,role=server,socket={work}/sock,socket-abstract=no", {"mtu": 9000}, 78,
                               "expected the device with bsize=9022"),
    "bond without members": ("net_bonding0,mode=1", {}, 78, "joins no devices; expected members: [DEVICE, ...]"),
    "bond of what takes no MAC": ("net_bonding0,mode=1", {"members": ["net_vhost0,iface={work}/sock"]}, 69,
                                  "net_vhost cannot take the bond's MAC address"),
    "bond of what is not there": ("net_bonding0,mode=1", {"members": ["net_af_packet0,iface=nope"]}, 69,
                                  "ports.peer.members[0]: 'net_af_packet0,iface=nope': no interface"),
}


@test(each=[(name,) for name in REFUSALS])
def is_refused(work, name):
    device, keys, status, words = REFUSALS[name]
    keys = {key: [device.format(work=work) for device in value] if key == "members" else value
            for key, value in keys.items()}
    told = forward(work, one_port(device.format(work=work), **keys))
    check_status(told, status, words)


@test(tun)
def tap_takes_no_other_number_of_tx_queues(work):
    told = forward(work, one_port(f"net_tap0,iface=rw{os.getpid()}q", rx_queues=2, tx_queues=1))
    check_status(told, 69, "takes as many as RX queues only; expected 2")


if __name__ == "__main__":
    main()
