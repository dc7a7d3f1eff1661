"""What the tools with traffic inside share: configurations for the CPUs at hand, edits of their text, runs."""

import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The two that are compared: run to completion, and a pipeline over rings.
TEMPLATES = {'rtc': ROOT / 'config' / 'lab_rtc.yaml', 'rings': ROOT / 'config' / 'demo.yaml'}

# What lcores 1, 2, ... do, by the number of CPUs from which on they do it: with enough of them, one lcore a role. They
# have the CPUs in turn, from the second on; the first is the main lcore's, which sleeps.
LAYOUTS = {
    'rtc': {1: ('rx', 'generate check'), 3: ('rx', 'generate', 'check')},
    'rings': {1: ('rx work tx', 'work generate check'),
              3: ('rx work tx', 'work', 'generate check'),
              4: ('rx tx', 'work', 'work', 'generate check'),
              5: ('rx', 'work', 'work', 'tx', 'generate check'),
              6: ('rx', 'work', 'work', 'tx', 'generate', 'check')},
}
ROLES = {'rx': 'rx: [left.0, right.0]', 'work': 'work: true', 'tx': 'tx: [left, right]',
         'generate': 'generate: [left, right]', 'check': 'check: [left, right]'}

PAIR = re.compile(r'''["']?(\w+)["']?\s*:\s*("[^"]*"|'[^']*'|[^\s,{}#]+)''')
PATIENCE_S = 60  # of a run, above the time that its traffic takes


class CannotMeasure(Exception):
    """Why there is no result."""


def build_folder():
    """As tools/demo chooses it: nobody else's, since that cannot be written to."""
    own = ROOT / 'build'
    if os.access(ROOT, os.W_OK) and (not own.exists() or os.access(own, os.W_OK)):
        return own
    cache = os.environ.get('XDG_CACHE_HOME') or os.environ.get('TMPDIR') or '/tmp'
    return Path(cache) / f'ringway-build-{os.getuid()}'


def program():
    """The program that is run unless another is named."""
    return os.environ.get('RINGWAY') or build_folder() / 'app' / 'ringway' / 'ringway'


def require_program(path):
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise CannotMeasure(f'{path} is no program; meson setup build && ninja -C build app/ringway/ringway makes it')


def make_folder(path):
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CannotMeasure(f'{path}: {problem.strerror}; name another folder with --output') from problem
    if not os.access(path, os.W_OK):
        raise CannotMeasure(f'{path}: this user may not write there; name another folder with --output')


def section_at(text, name):
    """Where a section begins and ends in the text, comments behind it left out; None: it is not there."""
    begin = re.search(rf'''^["']?{name}["']?[ \t]*:''', text, re.MULTILINE)
    if not begin:
        return None
    following = re.compile(r'''^["'\w]''', re.MULTILINE).search(text, begin.end())
    lines = text[begin.start():following.start() if following else len(text)].splitlines(keepends=True)
    while len(lines) > 1 and re.match(r'\s*(#|$)', lines[-1]):
        lines.pop()
    return begin.start(), begin.start() + len(''.join(lines))


def with_section(text, name, section):
    """The text with a section in place of the one of that name, or at its end."""
    if place := section_at(text, name):
        return text[:place[0]] + section + text[place[1]:]
    return text + ('' if text.endswith('\n') else '\n') + '\n' + section


def keys_of(text, name):
    """The keys of a section that has plain values only; {} where there is no such section."""
    if text.lstrip().startswith('{'):
        return dict(whole_of(text).get(name, {}))
    place = section_at(text, name)
    if not place:
        return {}
    values = text[place[0]:place[1]].split(':', 1)[1]
    return dict(PAIR.findall(re.sub(r'(?m)(^|[ \t])#.*', '', values)))


def whole_of(text):
    """A configuration in braces: JSON is read, other flow mappings are not."""
    try:
        return json.loads(text)
    except ValueError as problem:
        raise CannotMeasure(f'a configuration in braces must be JSON: {problem}; or write its sections as '
                            '`traffic: {...}`, each from the start of a line') from problem


def with_keys(text, name, **keys):
    """The text with keys of a section of plain values set, or taken out where None; other keys and sections stay."""
    merged = {key: value for key, value in {**keys_of(text, name), **keys}.items() if value is not None}
    if text.lstrip().startswith('{'):
        return json.dumps({**whole_of(text), name: merged}, indent=1)
    pairs = ', '.join(f'{key}: {value}' for key, value in merged.items())
    return with_section(text, name, f'{name}: {{{pairs}}}\n')


def configuration(kind, cpus):
    """One of the two, for these CPUs."""
    layout = LAYOUTS[kind]
    roles = layout[max(least for least in layout if least <= len(cpus))]
    lcores = ''.join(f'  {lcore}: {{{", ".join(ROLES[role] for role in all_of.split())}}}\n'
                     for lcore, all_of in enumerate(roles, 1))
    places = ','.join(f'{lcore}@{cpus[lcore % len(cpus)]}' if lcore else f'0@{cpus[0]}'
                      for lcore in range(len(roles) + 1))
    text = with_section(TEMPLATES[kind].read_text(), 'lcores', 'lcores:\n' + lcores)
    return with_keys(text, 'eal', lcores=f'"{places}"')


def allowed_cpus():
    return sorted(os.sched_getaffinity(0))


def lab_ports(text):
    """How many lab ports a configuration has."""
    return len(re.findall(r'''\bdevice["']?\s*:\s*["']?lab\b''', re.sub(r'(?m)(^|\s)#.*', '', text)))


def last_words(text):
    return '\n'.join(text.strip().splitlines()[-5:])


def run(ringway, config, report, seconds):
    """A run to the end of its traffic, which takes the given time; returns the report."""
    command = [str(ringway), '--config', str(config), '--format', 'json', '--report', str(report)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=seconds + PATIENCE_S)
    except subprocess.TimeoutExpired as problem:
        raise CannotMeasure(f'{" ".join(command)} is not over after {problem.timeout:.0f} s') from problem
    if done.returncode != 0:
        raise CannotMeasure(f'{" ".join(command)} exits with {done.returncode}:\n{last_words(done.stderr)}')
    return json.loads(Path(report).read_text())
