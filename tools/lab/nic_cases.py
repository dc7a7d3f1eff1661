"""What is asked of ringway on bound NICs: each case gets the lab, tells what it saw, and fails by an exception."""

import random
import time

from harness import check_balance, check_flows, check_same
from nic_lab import Forwarder
from nic_wire import Load, Way, drain, exchange, flow_frame, flows_of_frames, listen, pump
from rig import numbered_frames

FRAMES = 2000  # each way
AFTER = 300  # frames each way, to see that it goes on
PACE_S = 0.003  # between frames where there is no window
IN_VAIN = 40  # frames that nothing may come of: fewer than a way may have under way
DRIVERS = {'e1000e': 'net_e1000_em', 'e1000': 'net_e1000_em', 'virtio': 'net_virtio', 'multi': 'net_virtio, RSS'}
THREE_LCORES = '--lcores 0@0,1@0,2@1,3@1'
REPLUG_S = 180  # some 1 s each step on a quiet machine

CASES = {}


def case(function):
    CASES[function.__name__.replace('_', ' ')] = function
    return function


def ways_between(lab, one, other, count, seed, longest=1514):
    """Numbered frames both ways."""
    rng = random.Random(seed)
    return [Way(f'{a} to {b}', lab.wires[a], lab.wires[b], numbered_frames(rng, count, longest, source))
            for source, (a, b) in enumerate([(one, other), (other, one)])]


def check_ways(lab, ways):
    """All that is sent arrives once, unaltered, in order."""
    seconds = exchange(ways)
    for way in ways:
        check_same(way.name, way.frames, way.got)
    told = ', '.join(f'{way.name} {len(way.got)}' for way in ways)
    a_second = sum(len(way.got) for way in ways) / seconds
    lab.log(f'{told}: every frame compared, none lost, in order; {a_second:.0f} a second')


def end(lab, forwarder, **drops):
    balance = check_balance(forwarder.signal('TERM'), **drops)
    lab.log(f'SIGTERM: exit status {forwarder.status}, received {balance["received"]}, '
            f'transmitted {balance["transmitted"]}, dropped {balance["dropped"]}')
    return forwarder.report


@case
def nics_are_planned_by_their_drivers(lab):
    for name in DRIVERS:
        bound = lab.driver_of(lab.addresses[name])
        assert bound == 'vfio-pci', f'{name} is bound to {bound}'
    plan = Forwarder(lab, ['e1000e', 'e1000'], ['virtio', 'multi'], ports={'multi': {'rx_queues': 2}}).plan()
    ports = plan[plan.index('\nports:'):plan.index('\nforwarding:')]
    for name, driver in DRIVERS.items():
        line = ports.split(f'  {name}:\n')[1].split('\n')[0].strip()
        assert line.startswith(f'# driver {driver}'), f'{name}: {line}'
        lab.log(f'{name}: {line.removeprefix("# ")}')


@case
def e1000e_and_e1000_forward_and_SIGTERM_ends_in_balance(lab):
    with Forwarder(lab, ['e1000e', 'e1000']) as forwarder:
        check_ways(lab, ways_between(lab, 'e1000e', 'e1000', FRAMES, 1))
        report = end(lab, forwarder)
        told = {name: (port['rx_packets'], port['tx_packets']) for name, port in report['ports'].items()}
        assert told == {'e1000e': (FRAMES, FRAMES), 'e1000': (FRAMES, FRAMES)}, told


@case
def virtio_and_e1000e_forward(lab):
    with Forwarder(lab, ['virtio', 'e1000e']) as forwarder:
        check_ways(lab, ways_between(lab, 'virtio', 'e1000e', FRAMES, 2))
        assert end(lab, forwarder)['balance']['received'] == 2 * FRAMES


@case
def two_queues_and_their_lcores_share_the_flows(lab):
    """Each lcore of the two has a queue of its own, so its count is the queue's; a third has the other port."""
    frames, flows = flows_of_frames(random.Random(3), 32, FRAMES)
    one, other = lab.wires['multi'], lab.wires['virtio']
    spread, back = Way('multi to virtio', one, other, frames), Way('virtio to multi', other, one, frames)
    with Forwarder(lab, ['multi', 'virtio'], on=THREE_LCORES, ports={'multi': {'rx_queues': 2}},
                   lcores={1: {'rx': ['multi.0']}, 2: {'rx': ['multi.1']},
                           3: {'rx': ['virtio.0'], 'tx': ['virtio']}}) as forwarder:
        exchange([spread, back])
        check_flows(spread.name, flows, frames, spread.got)
        check_same(back.name, frames, back.got)
        report = end(lab, forwarder)
    packets = [report['lcores'][lcore]['packets'] for lcore in ('1', '2', '3')]
    lab.log(f'{len(flows)} flows: queue 0 had {packets[0]} frames (lcore 1), queue 1 had {packets[1]} (lcore 2); every '
            'frame compared, none lost, each flow in order')
    assert sum(packets[:2]) == FRAMES and packets[2] == 2 * FRAMES and min(packets) > FRAMES // 10, report['lcores']


@case
def link_goes_down_and_up(lab):
    with Forwarder(lab, ['virtio', 'e1000e']) as forwarder:
        for name, other in (('e1000e', 'virtio'), ('virtio', 'e1000e')):
            flap(lab, forwarder, name, other)
        end(lab, forwarder)


def send_in_vain(lab, sender, receiver):
    way = Way('in vain', lab.wires[sender], lab.wires[receiver], numbered_frames(random.Random(4), IN_VAIN))
    while way.may_send():
        pump([way], 1)
    listen([way], 2)
    assert not way.got, f'of {way.sent} frames from {sender} {len(way.got)} reached {receiver}'


def flap(lab, forwarder, name, other):
    told = {state: f"port '{name}': link {state}" for state in ('down', 'up')}
    known = {state: forwarder.count(text) for state, text in told.items()}
    lab.set_link(name, False)
    forwarder.wait_for(told['down'], times=known['down'] + 1)
    send_in_vain(lab, name, other)
    lab.set_link(name, True)
    forwarder.wait_for(told['up'], times=known['up'] + 1)
    lab.log(f'{name}: link down and up were told; nothing came in between')
    check_ways(lab, ways_between(lab, name, other, AFTER, 5))


@case
def a_bond_goes_on_with_its_other_member(lab):
    """Active backup: whoever was up first carries all. Its cable is pulled while frames come."""
    members = ['e1000e', 'virtio']
    trunk = {'device': 'net_bonding0,mode=1', 'members': [lab.addresses[name] for name in members]}
    with Forwarder(lab, ['trunk', 'e1000'], ports={'trunk': trunk}) as forwarder:
        frames = numbered_frames(random.Random(9), FRAMES)
        ways = [Way(f'e1000 to {name}', lab.wires['e1000'], lab.wires[name]) for name in members]
        carrier = None
        try:
            for number, frame in enumerate(frames):
                ways[0].sender.send(frame)
                listen(ways, PACE_S)
                if number == FRAMES // 4:
                    carrier = max(members, key=lambda name: len(ways[members.index(name)].got))
                    lab.set_link(carrier, False)
            listen(ways, 1)
        finally:
            if carrier:
                lab.set_link(carrier, True)
        first, second = sorted((way.got for way in ways), key=lambda got: got[:1] != frames[:1])
        check_same('by the first member', frames[:len(first)], first)
        check_same('by the second member', frames[FRAMES - len(second):], second)
        lost = FRAMES - len(first) - len(second)
        assert len(first) >= FRAMES // 4 and 0 <= lost < FRAMES // 4, (len(first), len(second))
        lab.log(f'{len(first)} frames by {carrier}, then {len(second)} by the other; {lost} were lost with the cable')
        forwarder.signal('TERM')
        check_balance(forwarder, tx_full=forwarder.report['drops']['tx_full'])


@case
def SIGKILL_costs_no_hugepage_and_the_next_run_forwards(lab):
    pair = ['e1000e', 'virtio']
    with Forwarder(lab, pair) as forwarder:
        used = lab.hugepages - lab.free_hugepages()
        load = [Way('load', lab.wires[a], lab.wires[b]) for a, b in (pair, pair[::-1])]
        with Load(load, lambda number: flow_frame(random.Random(number), 1024 + number % 8, number, 200)):
            time.sleep(1)
            before = [len(way.got) for way in load]
            forwarder.signal('KILL')
    assert all(before) and forwarder.status == 137, (before, forwarder.status)
    assert used > 0 and lab.free_hugepages() == lab.hugepages, (used, lab.free_hugepages(), lab.hugepages)
    lab.log(f'SIGKILL after {sum(before)} frames: {used} hugepages were in use, all are free again')
    drain([lab.wires[name] for name in pair])
    with Forwarder(lab, pair) as forwarder:
        drain([lab.wires[name] for name in pair])
        check_ways(lab, ways_between(lab, *pair, AFTER, 6))
        end(lab, forwarder)


@case
def NICs_are_replugged_while_other_ports_forward(lab):
    with Forwarder(lab, ['e1000e', 'virtio'], ['e1000', 'multi']) as forwarder:
        others = [Way(f'{a} to {b}', lab.wires[a], lab.wires[b]) for a, b in (('e1000', 'multi'), ('multi', 'e1000'))]
        with Load(others, lambda number: flow_frame(random.Random(number), 1024 + number % 8, number, 60 + number % 1400)):
            for times, (name, other) in enumerate([('e1000e', 'virtio'), ('virtio', 'e1000e')], 1):
                replug(lab, forwarder, name, other, times)
        for way in others:
            check_same(way.name, way.frames, way.got)
        told = ', '.join(f'{way.name} {len(way.got)}' for way in others)
        lab.log(f'meanwhile {told}: every frame compared, none lost')
        end(lab, forwarder, port_lost=2 * IN_VAIN)


def replug(lab, forwarder, name, other, times):
    """What is sent to the port while it is away is dropped by name; afterwards both ways forward."""
    began = time.monotonic()
    lab.unplug(name)
    lab.wait_until_unplugged(name, REPLUG_S)
    let_go = time.monotonic() - began
    send_in_vain(lab, other, name)
    forwarder.wait_until_dropped('port_lost', times * IN_VAIN)
    lab.plug(name)
    lab.bind(name)
    forwarder.wait_for(f"port '{name}': {lab.addresses[name]} is back\n", REPLUG_S)
    forwarder.wait_for(f"port '{name}': link up", REPLUG_S, times=2)
    lab.log(f'{name}: let go of {let_go:.1f} s after it was unplugged; {IN_VAIN} frames to it were dropped by name; it is '
            'back')
    check_ways(lab, ways_between(lab, name, other, AFTER, 8))
