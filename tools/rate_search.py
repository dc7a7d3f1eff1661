"""The largest load at which a device loses nothing (RFC 2544's throughput), by trials that may be disturbed.

After MLRsearch (draft-ietf-bmwg-mlrsearch), in two phases. Each goes from a start value outwards in growing steps until
one load passes and a higher one does not, then inwards by bisection until the two are as near as wanted. The first
decides a load by few trials; the second begins with what the first has found, decides by the majority of more, and so
verifies it, or goes below.
"""

import collections
import dataclasses
import math

CLEAN = 'clean'  # nothing was lost
LOST = 'lost'
INVALID = 'invalid'  # the load was not offered: the generator itself was too slow

FIRST_STEP = 0.1  # away from the start value; doubled each time
LOWEST = 1e-3  # of the start value: where nothing above it passes, nothing is found
MOST_LOADS = 100


@dataclasses.dataclass
class Found:
    """A load of None: nothing passed. Without `above` nothing failed."""
    load: float | None
    above: float | None  # the lowest load that did not pass
    why: str | None  # LOST or INVALID: why not. INVALID: `load` is no bound of the device but of its generator
    clean: int = 0  # of the trials that verified it
    verified: int = 0
    complete: bool = False  # False: the time was over first


class Bounds:
    """What has passed and what has not. What has not counts more: above it, nothing has passed."""

    def __init__(self, start, step, goal, failed=()):
        self._start, self._step, self._goal = start, step, goal
        self._passed = set()
        self._failed = dict(failed)
        self._begun = False

    @property
    def low(self):
        return max((load for load in self._passed if load < self.high), default=None)

    @property
    def high(self):
        return min(self._failed, default=math.inf)

    @property
    def why(self):
        return self._failed.get(self.high)

    @property
    def failed(self):
        return self._failed

    def add(self, load, verdict):
        if verdict == CLEAN:
            self._passed.add(load)
        else:
            self._failed[load] = verdict

    def next(self):
        """The load to try; None: the bounds are near enough, or there is no lower one."""
        if not self._begun:
            self._begun = True
            return self._start
        if self.low is not None and self.high < math.inf:
            return None if self.high <= self.low * (1 + self._goal) else math.sqrt(self.low * self.high)
        load = self.high / (1 + self._step) if self.low is None else self.low * (1 + self._step)
        self._step *= 2
        return load if load >= self._start * LOWEST else None


def close_in(bounds, decide, over):
    """True: as near as wanted; False: the time was over."""
    for _ in range(MOST_LOADS):
        if over():
            return False
        load = bounds.next()
        if load is None:
            return True
        bounds.add(load, decide(load))
    return False


def find(trial, start, goal, votes=2, verifications=5, over=lambda: False):
    """`trial(load)` returns a verdict; `goal` is how near the bounds are to be, relatively; `over()`: there is no time.

    In the first phase a load gets the verdict that is first to come `votes` times, in the second that of most of
    `verifications` trials.
    """
    clean = {}  # by load

    def first_to_come(load):
        count = collections.Counter()
        while True:
            verdict = trial(load)
            count[verdict] += 1
            if count[verdict] == votes:
                return verdict

    def of_most(load):
        count = collections.Counter(trial(load) for _ in range(verifications))
        clean[load] = count[CLEAN]
        if 2 * clean[load] > verifications:
            return CLEAN
        return LOST if count[LOST] >= count[INVALID] else INVALID

    bounds = Bounds(start, FIRST_STEP, goal)
    complete = close_in(bounds, first_to_come, over)
    if complete and bounds.low is not None:
        rough = bounds
        bounds = Bounds(rough.low, 2 * goal, goal, rough.failed)
        complete = close_in(bounds, of_most, over)
        if not clean:
            bounds = rough  # the time was over between the two
    above = bounds.high if bounds.high < math.inf else None
    verified = verifications if bounds.low in clean else 0
    return Found(bounds.low, above, bounds.why, clean.get(bounds.low, 0), verified, complete)
