"""Choose the event that tells two inputs apart best on one half of the outputs; count it on the other half.

As the event is fixed before the second half is looked at, its counts are binomial, whatever was tried on the first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core.progress import each
from consentinel.protect.auditing._bounds import ceiling, event_p, limits, loss, lower_bounds
from consentinel.protect.auditing._finding import Finding, Plan, Release, rows
from consentinel.protect.auditing._gaussian import gaussian_epsilon

__all__ = ["Scores", "Tested", "View", "as_numbers", "judged", "tested", "tested_pairs"]

Floats = NDArray[np.float64]
Scores = Callable[[NDArray[Any]], Floats]  # outputs -> one score each
View = Callable[[NDArray[Any], NDArray[Any]], Iterator[tuple[str, Scores]]]  # (first, second half used to learn) ->
ATOMS, BINS, PRIOR, TRIED, NAN = 512, 128, 2.0, 100, 1.7e308


@dataclass(frozen=True)
class Tested:
    """One event on one pair of inputs: k of n times on the side where it is likelier, k2 of n2 on the other."""

    event: str
    k: int
    n: int
    k2: int
    n2: int


def as_numbers(scores: NDArray[Any]) -> Floats:
    """Return SCORES as float64 in which NaN is a value like any other, so that an event can be made of it."""
    numbers = scores.astype(np.float64)
    return np.where(np.isnan(numbers), NAN, numbers)


def tested(first: NDArray[Any], second: NDArray[Any], plan: Plan, views: Sequence[View]) -> Tested:
    """Return the best event for telling outputs FIRST from SECOND, chosen on one half and counted on the other.

    Arguments: outputs on two neighbouring inputs, shape (n,) or (n, k); VIEWS make scores of outputs. One quarter of
    the outputs teaches scores and orders the intervals of each by likelihood ratio, the next chooses among the events
    that this gives (tails, and where the ratio is high), the rest counts.
    """
    learn, choose, count = ([first[at], second[at2]] for at, at2 in _parts(len(first), len(second)))
    strict = plan.alpha / TRIED  # so that the best of many events is not the luckiest of the small ones
    best: tuple[float, str, Scores, Floats, NDArray[np.intp], bool] | None = None
    for view in views:
        for name, scores in view(*learn):
            taught, judged_on = ([as_numbers(scores(part)) for part in parts] for parts in (learn, choose))
            edges = _edges(np.concatenate(taught))
            known, fresh = ([_counts(part, edges) for part in parts] for parts in (taught, judged_on))
            for swapped in (False, True):
                way = -1 if swapped else 1
                many, few = fresh[::way]
                for order in _orders(*known[::way]):
                    ends = _ends(len(order))
                    hits, hits2 = (np.cumsum(counted[order])[ends] for counted in (many, few))
                    bounds = lower_bounds(plan.claim, hits, int(many.sum()), hits2, int(few.sum()), strict)
                    at = int(bounds.argmax())
                    if best is None or bounds[at] > best[0]:
                        best = (float(bounds[at]), name, scores, edges, order[: ends[at] + 1], swapped)
    assert best is not None, "a view gives at least one score"
    _, name, scores, edges, chosen, swapped = best
    sides = [(int(_counts(as_numbers(scores(part)), edges)[chosen].sum()), len(part)) for part in count]
    (k, n), (k2, n2) = sides[::-1] if swapped else sides
    return Tested(f"{name} in a set of {len(chosen)} of {len(edges) + 1} intervals", k, n, k2, n2)


def _parts(n: int, n2: int) -> list[tuple[slice, slice]]:
    """Return the slices of either sample that teach, choose and count."""
    return [(slice(n * a // 4, n * b // 4), slice(n2 * a // 4, n2 * b // 4)) for a, b in ((0, 1), (1, 2), (2, 4))]


def tested_pairs(release: Release, plan: Plan, views: Sequence[View], label: str) -> list[Tested]:
    """Return the best event on each pair of the plan's inputs."""

    def outputs(data: NDArray[Any]) -> NDArray[Any]:
        return rows(np.asarray(release(data, plan.n)), plan.n)

    return [tested(outputs(one), outputs(two), plan, views) for one, two in each(plan.pairs, label)]


def judged(found: Sequence[Tested], plan: Plan) -> Finding:
    """Return the finding of several events, one for each pair of inputs; the error rate is shared among them."""
    claim, share = plan.claim, plan.alpha / len(found)
    lows = [float(lower_bounds(claim, t.k, t.n, t.k2, t.n2, share)) for t in found]
    ps = [event_p(claim, t.k, t.n, t.k2, t.n2) for t in found]
    at = max(range(len(found)), key=lambda i: (-ps[i], lows[i]))
    test, low, p = found[at], lows[at], min(1.0, ps[at] * len(found))
    (p_low, p_high), (q_low, q_high) = limits(test.k, test.n, share / 2), limits(test.k2, test.n2, share / 2)
    if claim.measure == "mu":
        ends = [gaussian_epsilon(min(float(m), 1e3), claim.delta) for m in (low, loss("mu", p_high, q_low, 0.0))]
    else:
        ends = [float(loss("epsilon", *pq, claim.delta)) for pq in ((p_low, q_high), (p_high, q_low))]
    most = ceiling(claim, test.n, test.n2, share)
    counts = f"{test.k:,} of {test.n:,} against {test.k2:,} of {test.n2:,}"
    why = f"{test.event}: {counts}"
    if p <= plan.alpha:
        verdict = "refuted"
    elif most <= claim.amount:
        verdict = "insufficient"
        why = f"{test.n + test.n2:,} outputs can show {claim.measure} {most:.3g} at most, below the claim; {why}"
    else:
        verdict = "consistent"
    return Finding(
        ends[0], (ends[0], ends[1]), p, verdict, why, claim.epsilon, low, claim.amount, claim.measure,
        sum(t.n + t.n2 for t in found), plan.alpha,
    )  # fmt: skip


def _edges(scores: Floats) -> Floats:
    """Return edges of intervals of a score: the commonest values alone, quantiles between them."""
    every = np.sort(scores)
    values, counts = np.unique(every, return_counts=True)
    repeated = np.flatnonzero(counts >= 3)
    atoms = values[repeated[np.argsort(-counts[repeated], kind="stable")[:ATOMS]]]
    tails = np.geomspace(1, max(2, len(every) / 64), 16).astype(np.intp)
    ranks = np.concatenate([np.linspace(0, len(every) - 1, BINS).astype(np.intp), tails, len(every) - 1 - tails])
    return np.unique(np.concatenate([atoms, np.nextafter(atoms, np.inf), every[np.clip(ranks, 0, len(every) - 1)]]))


def _counts(scores: Floats, edges: Floats) -> NDArray[np.int64]:
    return np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)


def _ends(intervals: int) -> NDArray[np.intp]:
    """Return where beginnings of an order end: all of them where they are few, else the small ones and a spread."""
    few = np.arange(min(intervals, 100))
    return np.unique(np.concatenate([few, np.linspace(0, intervals - 1, 150).astype(np.intp)]))


def _orders(many: NDArray[np.int64], few: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Yield orders of the intervals whose beginnings are the events to try."""
    yield np.arange(len(many))
    yield np.arange(len(many))[::-1]
    share = few.sum() / max(1, many.sum())
    yield np.argsort(-(many + PRIOR) / (few + PRIOR * share), kind="stable")
