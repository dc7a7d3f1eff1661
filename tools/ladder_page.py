"""Runs ringway-ladder and writes the page of its results.

usage: ladder_page.py PROGRAM FOLDER [options of ringway-ladder]
"""

import datetime
import html
import json
import signal
import string
import subprocess
import sys
from pathlib import Path

TEMPLATE = Path(__file__).with_suffix('.html')
FILES = {'index.html': 'the page', 'results.json': 'every figure', 'table.txt': 'the table', 'chart.svg': 'the chart',
         'chart.png': 'the same for those who need pixels'}

# Groups: title, what it is about, and what CPU time is told for.
GROUPS = {
    'file': ('Files to sockets', 'A file is sent over TCP on this machine; -veth: from one network namespace to another.', 'byte'),
    'process': ('One process to another', 'Blocks go from one process to another on the same machine.', 'byte'),
    'packet': ('Frames between two wires', 'A forwarder takes each frame from one interface to another.', 'frame'),
    'waiting': ('Ways to wait for a message', 'How a thread learns that there is something to do.', 'message'),
}
PREFIXES = (('G', 'thousand million ', 1e9), ('M', 'million ', 1e6), ('k', 'thousand ', 1e3), ('', '', 1))


def figure(value):
    """Three significant digits."""
    if value == 0 or value >= 1000:
        return f'{value:,.0f}'
    if value < 0.0005:
        return '<0.001'
    return f'{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}'


def speed_text(value, item):
    letter, word, factor = next((prefix for prefix in PREFIXES if value >= prefix[2]), PREFIXES[-1])
    return f'{figure(value / factor)} ' + (f'{letter}B/s' if item == 'byte' else f'{word}{item}s/s')


def pair(left, right):
    return f'{figure(left)} / {figure(right)}'


def columns_of(item):
    """Heading and text of each column, for a rung that ran."""
    def items(rung):
        return rung['bytes' if item == 'byte' else 'packets'] or 1

    def speed(rung):
        return speed_text(items(rung) / rung['seconds'] if rung['seconds'] else 0, item)

    def calls(rung):
        if rung['syscalls'] is None:
            return 'not counted'
        return figure(rung['syscalls_per_mib'] if item == 'byte' else rung['syscalls'] / items(rung))

    return {
        'copies a byte': lambda rung: f'{rung["copies_per_byte"]:.4g}',
        f'system calls a {"MiB" if item == "byte" else item}': calls,
        'counted by the': lambda rung: rung['syscalls_counted_by'],
        'switches, own will / forced': lambda rung: f'{rung["voluntary_switches"]:,} / {rung["involuntary_switches"]:,}',
        'faults, minor / major': lambda rung: f'{rung["minor_faults"]:,} / {rung["major_faults"]:,}',
        f'CPU, ns a {item}': lambda rung: figure(1e9 * (rung['user_s'] + rung['system_s']) / items(rung)),
        'of that, program / kernel': lambda rung: pair(*(1e9 * rung[key] / items(rung) for key in ('user_s', 'system_s'))),
        'throughput': speed,
        'latency, p50 / p99, µs': lambda rung: (pair(rung['latency_p50_us'], rung['latency_p99_us'])
                                               if rung['latency_p50_us'] else 'not measured'),
    }


def ran(rung):
    return rung['bytes'] is not None


def waiting_text(load):
    return (f'{figure(load["per_second"])} messages/s, latency p50 {figure(load["latency_p50_us"])} µs, p99 '
            f'{figure(load["latency_p99_us"])} µs; {load["cpu_share"]:.1%} of a CPU, '
            f'{figure(load["cpu_us_per_message"])} µs of it a message')


def words_of(rung):
    """What is to be said of a rung: (what, text, whether it is bad)."""
    if not ran(rung):
        yield ('failed' if rung['failed'] else 'did not run'), rung['skipped_because'], True
    else:
        if rung['failed']:
            yield 'failed', 'bytes differ', True
        if rung['fell_back']:
            yield 'fell back', rung['fell_back'], True
    yield 'may be used', rung['use'], False
    yield 'may not, or costs', rung['limit'], False
    if ran(rung):
        yield 'copies shown by', rung['copies_shown_by'], False
        for note in rung['notes']:
            yield 'seen', note, False
        for load in rung['waiting']:
            yield f'at {load["load"]} load', waiting_text(load), False


def body_of(rung, columns):
    """The two rows of a rung: figures, words."""
    name = f'<th scope="row">{html.escape(rung["name"])} <small>{html.escape(rung["title"])}</small></th>'
    if ran(rung):
        cells = ''.join(f'<td data-label="{html.escape(label)}">{html.escape(text(rung))}</td>'
                        for label, text in columns.items())
    else:
        cells = '<td></td>' * len(columns)
    words = ''.join(f'<div{" class=alarm" * bad}><dt>{what}</dt><dd>{html.escape(text)}</dd></div>'
                    for what, text, bad in words_of(rung))
    return (f'<tbody>\n<tr class="figures">{name}{cells}</tr>\n'
            f'<tr><td class="words" colspan="{len(columns) + 1}"><dl>{words}</dl></td></tr>\n</tbody>')


def section_of(group, rungs, said):
    """`said`: sentences that compare the group's rungs."""
    title, about, item = GROUPS.get(group, (group, '', 'byte'))
    columns = columns_of(item)
    heads = ''.join(f'<th scope="col">{html.escape(label)}</th>' for label in ('rung', *columns))
    bodies = '\n'.join(body_of(rung, columns) for rung in rungs)
    about = '\n'.join(f'<p>{html.escape(text)}</p>' for text in (about, *said))
    return (f'<h2>{html.escape(title)}</h2>\n{about}\n'
            f'<table>\n<thead><tr>{heads}</tr></thead>\n{bodies}\n</table>')


def summary_of(rungs):
    counts = {
        'ran, with every byte as it was sent': sum(ran(rung) and not rung['failed'] for rung in rungs),
        'of them fell back to something else': sum(ran(rung) and bool(rung['fell_back']) for rung in rungs),
        'could not run here, and say why': sum(not ran(rung) and not rung['failed'] for rung in rungs),
        'FAILED': sum(rung['failed'] for rung in rungs),
    }
    told = '; '.join(f'{count} {what}' for what, count in counts.items() if count)
    return f'{len(rungs)} rungs: {told}.'


def page(results, chart, when):
    """The page as text. The chart goes in as it is: it is this program's own drawing."""
    machine, load, rungs = results['machine'], results['load'], results['rungs']
    groups = {}
    for rung in rungs:
        groups.setdefault(rung['group'], []).append(rung)
    said = {'waiting': results['where_each_waiting_wins']}
    plural = '' if machine['cpus'] == 1 else 's'
    return string.Template(TEMPLATE.read_text()).substitute(
        machine=html.escape(f'{machine["cpu"]}, {machine["cpus"]} CPU{plural}; {machine["kernel"]}'),
        load=html.escape(f'{load["bytes"] >> 20:,} MiB in blocks of {load["block"] >> 10:,} KiB, or {load["packets"]:,} frames '
                         f'of {load["packet_bytes"]:,} bytes; {load["samples"]:,} samples for latencies'),
        when=html.escape(when), summary=html.escape(summary_of(rungs)), chart=chart,
        groups='\n\n'.join(section_of(group, members, said.get(group, ())) for group, members in groups.items()))


def main():
    if len(sys.argv) < 3 or sys.argv[1].startswith('-'):
        print(__doc__, file=sys.stderr)
        return 2
    program, folder, options = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the program goes first
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (folder / name).unlink(missing_ok=True)  # of an earlier run
        command = [program, *options, '--json', folder / 'results.json', '--chart', folder / 'chart.svg', '--chart',
                   folder / 'chart.png']
        when = f'{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC'
        with open(folder / 'table.txt', 'w') as table:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=table, check=False).returncode
        print((folder / 'table.txt').read_text(), end='')
        if not (folder / 'chart.png').exists():  # it said why
            return status or 1
        (folder / 'index.html').write_text(page(json.loads((folder / 'results.json').read_text()),
                                                (folder / 'chart.svg').read_text(), when))
    except OSError as error:
        print(f'ladder: {error}', file=sys.stderr)
        return 1
    print(f'\nin {folder}:\n' + '\n'.join(f'  {name:13} {what}' for name, what in FILES.items()))
    return status


if __name__ == '__main__':
    sys.exit(main())
