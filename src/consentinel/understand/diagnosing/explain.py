"""What moved, one cause after another: the best slice is taken out and the rest is scanned again."""

from dataclasses import dataclass, replace

import numpy as np

from consentinel.core.rng import generator
from consentinel.core.stats import Interval
from consentinel.understand.diagnosing.scan import Windows, scanned
from consentinel.understand.diagnosing.slices import Floats, Ints, Rows, Slice, Slices, members, sliced

__all__ = ["Cause", "Moved", "contributions", "explained"]

NEAR = 1.92  # log likelihood within which two slices are not told apart: half of 3.84
DRAWS = 2000  # of bootstrap intervals
SEVERAL = 5  # of other slices that are listed


@dataclass(frozen=True)
class Cause:
    """A slice that moved: its rate before and after, by what factor, how much it adds to the change, and the share of
    the whole change that this is; p of the scan; slices with the same rows; slices that could be it as well."""

    slice: Slice
    before: float
    after: float
    factor: Interval
    added: Interval
    share: Interval
    p: float
    same: list[Slice]
    also: list[Slice]


@dataclass(frozen=True)
class Moved:
    """The change of everything and its causes, the clearest first; none where nothing moved more than by chance.

    Of a rate, the change of everything has two parts: rates that moved inside slices, and the mix of slices.
    """

    whole: Cause
    causes: list[Cause]
    p: float
    slices: int
    left: int


def explained(rows: Rows, windows: Windows, *, depth: int, alarm: float, level: float, draws: int, seed: int) -> Moved:
    """Return what moved in ROWS; the chance that anything is named when nothing moved is at most ALARM.

    Each cause is the slice that explains the change best alone (`scanned`); its rows after the change are then divided
    by its factor and the scan repeated, for at most five causes.
    """
    causes: list[Cause] = []
    first = now = sliced(rows, depth)
    p, counts = 1.0, rows.counts.copy()
    after_rows = windows.after[rows.at]
    for turn in range(5):
        scan = scanned(now, windows, draws=draws, seed=seed + turn)
        p = scan.p if turn == 0 else p
        if scan.p > alarm:
            break
        best = int(np.argmax(scan.scores))
        near = np.flatnonzero(scan.scores >= scan.scores[best] - NEAR)
        also = [now.slices[at] for at in near[np.argsort(-scan.scores[near])] if at != best][:SEVERAL]
        cause = _cause(now, best, first, windows, level, scan.p, seed + turn, also)
        causes.append(cause)
        inside = members(rows, cause.slice)
        if cause.factor.value > 0 and np.isfinite(cause.factor.value):
            counts[inside & after_rows] /= cause.factor.value
        else:
            counts[inside] = 0.0  # what came or went altogether has no level to be brought back to
        now = sliced(replace(rows, counts=counts), depth)
    whole = _cause(first, 0, first, windows, level, p, seed, [])
    return Moved(whole, causes, p, len(first.slices), first.left)


def contributions(rows: Rows, windows: Windows, *, level: float, seed: int) -> list[tuple[str, list[Cause]]]:
    """Return for each dimension what each of its values adds to the change, the most first."""
    one = sliced(rows, 1)
    found: dict[str, list[Cause]] = {name: [] for name in rows.codes}
    for at, name in enumerate(one.slices):
        for each in [name, *one.same[at]]:
            if each.of:
                found[each.of[0][0]].append(replace(_cause(one, at, one, windows, level, 1.0, seed, []), slice=each))
    return [(name, sorted(some, key=lambda cause: -abs(cause.added.value))) for name, some in found.items()]


def _cause(
    now: Slices, at: int, first: Slices, windows: Windows, level: float, p: float, seed: int, also: list[Slice]
) -> Cause:
    """Return the slice AT of NOW as a cause, with bootstrap intervals over steps; FIRST holds everything at 0."""
    rng = generator(seed, "understand.diagnosing.explain", str(now.slices[at]))
    early, late = np.flatnonzero(~windows.after), np.flatnonzero(windows.after)
    measured: list[tuple[Floats, Floats, Floats]] = []
    rate: tuple[Floats, Floats] = (np.zeros(1), np.zeros(1))
    for draws in (DRAWS, 0):  # at last without drawing: the values themselves
        when = [
            steps[None, :] if not draws else steps[rng.integers(0, len(steps), (draws, len(steps)))]
            for steps in (early, late)
        ]
        rate = _rates(now.counts[at], None if now.totals is None else now.totals[at], windows, when)
        whole = _rates(first.counts[0], None if first.totals is None else first.totals[0], windows, when)
        part = np.ones(len(rate[0]))
        if now.totals is not None and first.totals is not None:  # a rate counts for as much as its slice weighs after
            part = now.totals[at][when[1]].sum(axis=1) / np.maximum(first.totals[0][when[1]].sum(axis=1), 1e-12)
        added, moved = (rate[1] - rate[0]) * part, whole[1] - whole[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            measured.append((rate[1] / rate[0], added, added / moved))
    factor, gain, share = (
        _interval(float(value[0]), drawn, len(early) + len(late), level)
        for value, drawn in zip(measured[1], measured[0], strict=True)
    )
    before, after = (float(one[0]) for one in rate)
    return Cause(now.slices[at], before, after, factor, gain, share, p, now.same[at], also)


def _rates(counts: Floats, totals: Floats | None, windows: Windows, when: list[Ints]) -> tuple[Floats, Floats]:
    """Return the rate before and after, of each choice of steps in WHEN: a step, or a unit of the total."""
    weight = windows.weight if totals is None else totals
    before, after = (counts[steps].sum(axis=1) / np.maximum(weight[steps].sum(axis=1), 1e-12) for steps in when)
    return before, after


def _interval(value: float, drawn: Floats, n: int, level: float) -> Interval:
    """Return the percentile interval of DRAWN; a draw that is undefined counts against both ends."""
    tail = (1 - level) / 2
    low = float(np.quantile(np.where(np.isnan(drawn), -np.inf, drawn), tail, method="lower"))
    high = float(np.quantile(np.where(np.isnan(drawn), np.inf, drawn), 1 - tail, method="higher"))
    return Interval(value, low, high, n, level, "bootstrap of steps, percentile")
