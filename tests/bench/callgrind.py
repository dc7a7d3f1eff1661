"""Instructions of one forwarding loop, from a callgrind profile of its thread."""

import collections
import dataclasses
import re
from pathlib import Path

COST = re.compile(r'(?:[+-]?\d+|\*) (\d+)')
NAME = re.compile(r'(c?ob|c?fn)=\((\d+)\)(?: (.*))?')


@dataclasses.dataclass
class Profile:
    """Costs in instructions of everything that a thread ran."""
    own: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # (object, function): self cost
    calls: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # (from, to), each such a pair:
    # inclusive cost


def read_profile(path):
    """Reads one thread's file of --separate-threads=yes (format: Valgrind manual, "Callgrind Format Specification")."""
    profile = Profile()
    names = {'ob': {}, 'fn': {}}  # names are written once, and numbers stand for them from then on
    now = {}
    of_call = False
    for line in Path(path).read_text().splitlines():
        if match := NAME.match(line):
            key, number, name = match.groups()
            known = names[key[-2:]]
            if name:
                known[number] = name
            now[key] = known[number]
        elif line.startswith('calls='):
            of_call = True
        elif match := COST.match(line):
            cost = int(match[1])
            if of_call:
                callee = now.pop('cob', now['ob']), now['cfn']
                profile.calls[(now['ob'], now['fn']), callee] += cost
            else:
                profile.own[now['ob'], now['fn']] += cost
            of_call = False
    return profile


def crossing(profile, source, target):
    """Inclusive cost of the calls from one object into another; both are parts of file names."""
    return sum(cost for ((caller, _), (callee, _)), cost in profile.calls.items()
               if source in Path(caller).name and target in Path(callee).name)
