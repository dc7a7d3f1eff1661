"""The two programs that are compared, set up alike and driven alike: `start`, `stop` and `quit` on standard input."""

import contextlib
import os
import re
import select
import subprocess
import tempfile
import time
from pathlib import Path

BURST = 32
DESCRIPTORS = 512
POOL = 8191
CACHE = 256
DATA_ROOM = 2048
HEADROOM = 128
MEMORY_MIB = 128
PREFIX = 'ringway_bench'  # nothing is shared under it: without hugepages, configuration files and telemetry
EQUAL = (f'two ports on one forwarding lcore, burst {BURST}, {DESCRIPTORS} RX and TX descriptors, one pool of {POOL} '
         f'mbufs of {DATA_ROOM} B with a cache of {CACHE}, ordinary pages, the same CPUs, drivers and libraries')

PATIENCE_S = 120  # under valgrind on a busy machine a start takes 10 s
CONFIGURATION = """\
ports:
  a: {{device: {driver}0, rx_descriptors: {descriptors}, tx_descriptors: {descriptors}}}
  b: {{device: {driver}1, rx_descriptors: {descriptors}, tx_descriptors: {descriptors}}}
forwarding: {forwarding}
lcores: {roles}
burst: {burst}
rings: {{size: 256}}
pool: {{size: {pool}, cache: {cache}, data_room: {data_room}}}
eal: {{lcores: "{lcores}", main_lcore: 0, memory: {memory}, no_huge: true, no_pci: true, file_prefix: {prefix}}}
"""
CROSS_CONNECT = '{mode: cross_connect, pairs: [[a, b]]}'
RUN_TO_COMPLETION = '{1: {rx: [a.0, b.0]}}'
RINGWAY_MODE = {  # forwarding and lcores
    'cross_connect': (CROSS_CONNECT, RUN_TO_COMPLETION),
    'pipeline': (CROSS_CONNECT, '{1: {rx: [a.0, b.0]}, 2: {work: true}, 3: {work: true}, 4: {tx: [a, b]}}'),
    'reflect': ('{mode: reflect, ports: [a, b]}', RUN_TO_COMPLETION),
}
IO = ('--forward-mode=io', '--port-topology=paired')
TESTPMD_MODE = {'cross_connect': IO, 'pipeline': IO, 'reflect': ('--forward-mode=macswap', '--port-topology=loop')}


class CannotMeasure(Exception):
    """A program that did not do what a measurement needs; the text says which and why."""


def lcores(waiting=()):
    """Main and forwarding lcore, on CPUs of their own where this process has two; and lcores that do nothing."""
    cpus = sorted(os.sched_getaffinity(0))
    return ','.join([f'0@{cpus[0]},1@{cpus[-1]}', *(f'{lcore}@{cpus[0]}' for lcore in waiting)])


class Program:
    """A forwarder between set-up and `quit`; nothing runs outside of its windows."""

    def __init__(self, name, command, ready, packets, first_start):
        self.name = name
        self.said = ''
        self.packets = re.compile(packets)
        self.start_word = first_start
        self.errors = tempfile.TemporaryFile('w+')  # a pipe that nobody reads could fill up
        self.process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors)
        try:
            self.wait_for(re.compile(ready))
            self.schedstat = self.find_schedstat()
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """Ends the process; nothing happens to one that has ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.errors.close()

    def find_schedstat(self):
        """The forwarding lcore's thread, by the name that EAL gives it."""
        for task in Path(f'/proc/{self.process.pid}/task').iterdir():
            if (task / 'comm').read_text().strip() == 'rte-worker-1':
                return task / 'schedstat'
        raise CannotMeasure(f'{self.name} has no thread rte-worker-1')

    def tell(self, word):
        with contextlib.suppress(BrokenPipeError):  # why it ended is told by who waits for the answer
            self.process.stdin.write(word.encode() + b'\n')

    def wait_for(self, pattern):
        """Reads until the pattern was said; returns the match and forgets everything up to it."""
        deadline = time.monotonic() + PATIENCE_S
        while not (match := pattern.search(self.said)):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            some = os.read(self.process.stdout.fileno(), 65536).decode(errors='replace') if readable else ''
            if not some:
                self.errors.seek(0)
                why = 'ended' if readable else f'did not answer for {PATIENCE_S} s'
                raise CannotMeasure(f'{self.name} {why}: {(self.said + self.errors.read())[-2000:]}')
            self.said += some
        self.said = self.said[match.end():]
        return match

    def cpu_ns(self):
        """CPU time of the forwarding thread and its time in the run queue; exact, since it sleeps between windows."""
        return [int(field) for field in self.schedstat.read_text().split()[:2]]

    def window(self, seconds):
        """Forwards for a while. Returns packets, and nanoseconds on the CPU and waiting for it."""
        ran, waited = self.cpu_ns()
        self.tell(self.start_word)
        self.start_word = 'start'
        time.sleep(seconds)
        self.tell('stop')
        packets = int(self.wait_for(self.packets)[1])
        ran_now, waited_now = self.cpu_ns()
        if packets == 0:
            raise CannotMeasure(f'{self.name} forwarded nothing in {seconds} s')
        return packets, ran_now - ran, waited_now - waited

    def quit(self):
        self.tell('quit')
        self.process.stdin.close()
        self.process.stdin = None
        self.process.communicate(timeout=PATIENCE_S)
        if self.process.returncode != 0:
            self.errors.seek(0)
            raise CannotMeasure(f'{self.name} exits with {self.process.returncode}: {self.errors.read()[-2000:]}')


def primed(driver):
    """Frames to put into each port: a ring brings back only what was sent into it."""
    return BURST if driver == 'net_ring' else 0


def ringway(forward, driver, mode, folder, wrapper=()):
    configuration = Path(folder) / f'{driver}.{mode}.yaml'
    forwarding, roles = RINGWAY_MODE[mode]
    configuration.write_text(CONFIGURATION.format(
        driver=driver, forwarding=forwarding, roles=roles, descriptors=DESCRIPTORS, burst=BURST, pool=POOL, cache=CACHE,
        data_room=DATA_ROOM, lcores=lcores(range(2, 1 + roles.count('}'))), memory=MEMORY_MIB, prefix=PREFIX))
    return Program('ringway', [*wrapper, forward, configuration, str(primed(driver))], r'ready\n', r'packets: (\d+)\n',
                   'start')


def testpmd(driver, mode, wrapper=()):
    eal = ['--lcores', lcores(), '--main-lcore', '0', '--no-huge', '--no-shconf', '-m', str(MEMORY_MIB), '--no-pci',
           '--no-telemetry', '--file-prefix', PREFIX, '--vdev', f'{driver}0', '--vdev', f'{driver}1']
    own = ['--interactive', '--no-flush-rx', f'--burst={BURST}', f'--rxd={DESCRIPTORS}', f'--txd={DESCRIPTORS}',
           f'--total-num-mbufs={POOL}', f'--mbcache={CACHE}', f'--mbuf-size={DATA_ROOM + HEADROOM}', '--nb-cores=1',
           *TESTPMD_MODE[mode]]
    # tx_first sends one burst into each port.
    return Program('testpmd', ['stdbuf', '-oL', *wrapper, 'dpdk-testpmd', *eal, '--', *own], r'testpmd> $',
                   r'Accumulated[^\n]*\n\s*RX-packets: (\d+)\s', 'start tx_first' if primed(driver) else 'start')
