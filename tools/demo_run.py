"""Runs what tools/demo shows, shows it, and keeps its results.

usage: demo_run.py --ringway FILE --output DIR --seconds N (rtc | rings | --capture FILE)...
"""

import argparse
import datetime
import json
import signal
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import demo_config  # noqa: E402
import lab_ports  # noqa: E402
from lab_ports import CannotMeasure  # noqa: E402

NAMES = {'rtc': 'run to completion', 'rings': 'pipeline over rings'}
RESOURCE_MISSING = 69
COLUMN = 22


def plan(options, config, form):
    """What --plan prints in that form; None: it needs a program that is not installed."""
    command = [options.ringway, '--config', config, f'--plan={form}']
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if form == 'svg' and done.returncode == RESOURCE_MISSING:
        return None
    if done.returncode != 0:
        raise CannotMeasure(f'{" ".join(map(str, command))} exits with {done.returncode}:\n'
                            f'{lab_ports.last_words(done.stderr)}')
    return done.stdout


def forward(options, config, *more):
    """Runs it in full view; returns its exit status."""
    command = [options.ringway, '--config', str(config), '--stats', '1', '--format', 'text',
               '--report', str(config.with_suffix('.json')), *more]
    print(f'running: {" ".join(command)}', flush=True)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it comes to ringway, too, which stops in order
    status = process.wait()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return status


def keep_plan(options, config):
    """The plan and its picture, into files; prints the picture and returns the files' meanings by name."""
    kept = {config.with_suffix('.plan.yaml').name: "the plan with each decision's reason, itself a configuration",
            config.with_suffix('.txt').name: 'the picture'}
    config.with_suffix('.plan.yaml').write_text(plan(options, config, 'yaml'))
    picture = plan(options, config, 'text')
    config.with_suffix('.txt').write_text(picture)
    svg = plan(options, config, 'svg')
    if svg:
        config.with_suffix('.svg').write_text(svg)
        kept[config.with_suffix('.svg').name] = 'the picture, as SVG'
    print(f'\nthe way of a packet\n\n{picture}')
    if not svg:
        print('the picture as SVG is left out: it needs Graphviz; apt install graphviz')
    return kept


def show(options, name, text, *more):
    """Forwards, and keeps and tells the results; returns ringway's exit status."""
    config = options.output / f'{name}.yaml'
    config.write_text(text)
    config.with_suffix('.json').unlink(missing_ok=True)  # results of an earlier run are no results of this one
    status = forward(options, config, *more)
    if not config.with_suffix('.json').exists():
        raise CannotMeasure(f'{options.ringway} exits with {status}')
    kept = {config.name: 'the configuration', config.with_suffix('.json').name: 'the report'}
    if config.with_suffix('.hdr').exists():
        kept[config.with_suffix('.hdr').name] = 'latency, as HdrHistogram writes it'
    kept |= keep_plan(options, config)
    print(f'in {options.output}:')
    for file, meaning in kept.items():
        print(f'  {file:18} {meaning}')
    return status


def show_pipeline(options, kind):
    text = lab_ports.configuration(kind, lab_ports.allowed_cpus())
    text = lab_ports.with_keys(text, 'traffic', duration=options.seconds)
    print(f'{NAMES[kind]}, {options.seconds:g} s; one frame in a hundred is bad on purpose\n')
    return show(options, kind, text, '--latency', str(options.output / f'{kind}.hdr'))


def column(path):
    """One run's figures, in the order of the table."""
    report = json.loads(path.read_text())
    traffic, drops = report['traffic'], report['drops']
    latency = {name: f'{traffic["latency_ns"][key] / 1e3:.1f}'
               for name, key in (('p50', 'p50'), ('p99', 'p99'), ('p99.9', 'p99_9'))}
    return {
        'run at': f'{datetime.datetime.fromtimestamp(path.stat().st_mtime):%H:%M:%S}',
        'Mpps': f'{traffic["received"] / report["duration_s"] / 1e6:.3f}',
        **{f'latency {name}, us': value for name, value in latency.items()},
        'packets copied': str(report['copies']['packets']),
        'dropped, ring full': str(drops['ring_full']),
        'dropped, output full': str(drops['tx_full']),
        'dropped, bad frames': str(drops['frame_too_short'] + drops['frame_too_long']),
        'unaccounted': str(report['balance']['unaccounted']),
    }


def compare(options):
    """Side by side, what there is of the two."""
    columns = {name: column(options.output / f'{kind}.json') for kind, name in NAMES.items()
               if (options.output / f'{kind}.json').exists()}
    print('\n' + ' ' * COLUMN + ''.join(f'{name:>{COLUMN}}' for name in columns))
    for row in next(iter(columns.values())):
        print(f'{row:{COLUMN}}' + ''.join(f'{values[row]:>{COLUMN}}' for values in columns.values()))
    print('traffic comes as fast as it is taken, so latency is that of full queues; tools/selftest measures below that')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('kinds', nargs='*', help='rtc, rings')
    parser.add_argument('--ringway', required=True)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--seconds', type=float, required=True)
    parser.add_argument('--capture')
    return parser.parse_args()


def main():
    options = parse_arguments()
    try:
        lab_ports.require_program(options.ringway)
        lab_ports.make_folder(options.output)
        if options.capture:
            status = show(options, 'capture', demo_config.configuration(options.capture), '--duration',
                          f'{options.seconds:g}')
        else:
            statuses = [show_pipeline(options, kind) for kind in options.kinds]
            compare(options)
            status = max(statuses)
    except (CannotMeasure, OSError) as problem:
        print(f'tools/demo: {problem}', file=sys.stderr)
        return 1
    last = 'capture' if options.capture else options.kinds[-1]
    print(f'next: README.md, tools/selftest, or {options.ringway} --config {options.output / last}.yaml --plan')
    return status


if __name__ == '__main__':
    sys.exit(main())
