"""One site: which properties what its recipients got depends on, without a false claim at more than a set rate.

Fields that held the same pattern of values over the visits are one pattern: a clean site has few, however many
recipients it has. A pattern is tested over all scenarios together and in each scenario alone. How much of the error
rate a hypothesis may spend is its weight; the weights of a site add up to 1 and follow from the patterns alone: a
pattern that would show a dependence clearly needs little of it, one that could not show any gets none (Tarone 1990).
A claim needs weight times e >= 1 / error (weighted Bonferroni), so that the chance of any false claim about a clean
site is at most the error, whatever hangs together.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.detect._difference_evalue import log_e, log_promise

__all__ = ["FOLLOW_ERROR", "SITE_ERROR", "STAGE", "Claims", "Examined", "Site", "examine", "firsts", "site_error"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SITE_ERROR = 0.005  # chance of any false claim about a clean site, over all its stages
STAGE = 12  # repeats of a scenario after which one may look and stop, or go on for as many more
FOLLOW_ERROR = 0.05  # chance that a dependence shown over all scenarios is told of a scenario that has none
IN_LINE = math.log(8)  # how far a hypothesis may stay below its promise and still be worth more repeats
LEAST_STILL = 6  # visits from which a field that never changes in a scenario is taken as fixed there


@dataclass(frozen=True, slots=True)
class Site:
    """The visits of one site with drawn profiles, and what its fields held.

    scenario (t,) numbers the scenario of each visit; draw (t,) is equal where visits had the very same draw; levels
    (j, t) holds the level of each property, -1 where not known; pools (j,) how many levels it was drawn from, and
    support (j,) the log chance that so many were seen; values (f, t) numbers what a field held, -1 where it was absent.
    """

    scenario: Ints
    draw: Ints
    levels: Ints
    pools: Ints
    support: Floats
    values: Ints


@dataclass(frozen=True, slots=True)
class Claims:
    """Dependences as columns: FIELD of SCENARIO depends on property OF; `pair` numbers the rejected hypothesis."""

    field: Ints
    scenario: Ints
    of: Ints
    pair: Ints


@dataclass(frozen=True, slots=True)
class Examined:
    """What a site gave: claims that pass its own gate, and what could be tested.

    `pairs` (p,) is the log of weight times e of each rejected hypothesis; `testable` (f, s) says where a field could be
    decided, alone or with the other scenarios; `needed` (f, s) is the least log e that a claim about it there needs.
    """

    claims: Claims
    pairs: Floats
    m: int  # hypotheses with a weight
    repeats: int  # most visits of one scenario
    visits: int  # of all scenarios
    testable: Flags
    needed: Floats
    open: int  # hypotheses in line with a dependence that more repeats may show
    spread: float  # a hypothesis of log promise x needs a log e of x / 2 + spread


def site_error(repeats: int) -> float:
    """Return the error rate that a site may spend after REPEATS visits of a scenario: half of what is left a stage.

    Stages of STAGE repeats spend 1/2, 1/4, 1/8, ... of SITE_ERROR, so that any number of them together stays below.
    """
    return SITE_ERROR / 2.0 ** max(1, math.ceil(repeats / STAGE))


def examine(site: Site) -> Examined:
    """Test every field of SITE against every property."""
    n_scenarios = int(site.scenario.max(initial=-1)) + 1
    repeats = int(np.bincount(site.scenario).max(initial=0))
    scopes = [np.ones(len(site.scenario), bool), *(site.scenario == s for s in range(n_scenarios))]
    patterns, of_field = _patterns(site, scopes)
    logs, promise = _measured(site, patterns)
    weight, spread = _weights(promise, site_error(repeats))
    needed = np.where(weight > -np.inf, -weight - math.log(site_error(repeats)), np.inf)
    rejected = logs >= needed
    unit, of = np.nonzero(rejected)
    least = np.append(needed.min(axis=1, initial=np.inf), np.inf)[of_field]  # (f, scope); pattern -1 is none
    together = np.where(of_field[:, 1:] >= 0, least[:, :1], np.inf)
    least = np.minimum(least[:, 1:], together)
    return Examined(
        claims=_claims(site, of_field, logs, rejected),
        pairs=(logs + weight)[unit, of],
        m=int((weight > -np.inf).sum()),
        repeats=repeats,
        visits=len(site.scenario),
        testable=np.isfinite(least),
        needed=least,
        open=int(((logs >= promise[..., 0] - IN_LINE) & (promise[..., 0] > 2 * IN_LINE) & ~rejected).sum()),
        spread=spread,
    )


def _measured(site: Site, patterns: Ints) -> tuple[Floats, Floats]:
    """Log e-values (u, j) and log promises (u, j, 2) of PATTERNS against the properties."""
    logs = np.zeros((len(patterns), len(site.levels)))
    promise = np.full((*logs.shape, 2), -np.inf)
    for pool in np.unique(site.pools[site.pools > 1]).tolist():
        at = np.flatnonzero(site.pools == pool)
        logs[:, at] = log_e(patterns, site.levels[at], pool) + site.support[at]
        promise[:, at] = log_promise(patterns, pool)[:, None] + site.support[at, None]
    return logs, promise


def _weights(promise: Floats, error: float) -> tuple[Floats, float]:
    """Log weights (u, j), in all 1 at most: by the square root of the promise, none where it could not suffice.

    Also returned: what is added to half the log promise to get the log e that a claim needs.
    """
    order = np.argsort(-promise, axis=None, kind="stable")
    falling = promise.ravel()[order]
    falling = falling[: np.isfinite(falling).sum()]
    total = np.logaddexp.accumulate(-falling / 2) if len(falling) else falling
    kept = np.flatnonzero(falling / 2 >= total - math.log(error))
    found = np.full(promise.size, -np.inf)
    if not len(kept):
        return found.reshape(promise.shape)[..., 0], math.inf
    whole, some = float(total[kept[-1]]), order[: kept[-1] + 1]
    found[some] = -promise.ravel()[some] / 2 - whole
    return np.logaddexp.reduce(found.reshape(promise.shape), axis=-1), whole - math.log(error)


def _patterns(site: Site, scopes: list[Flags]) -> tuple[Ints, Ints]:
    """Distinct patterns (u, t), and the pattern of each field in each scope (f, s), -1 where it shows nothing."""
    n_visits = site.values.shape[1]
    seen: dict[bytes, int] = {}
    kept: list[Ints] = []
    of_field = np.full((len(site.values), len(scopes)), -1, np.int64)
    still = _still(site)
    for n, scope in enumerate(scopes):
        first = firsts(_once_a_draw(np.where(scope & ~still, site.values, -1), site.draw))
        present = (first >= 0).sum(axis=1)
        distinct = (first == np.arange(n_visits)).sum(axis=1)
        for f in np.flatnonzero((distinct > 1) & (distinct < present)).tolist():
            key = first[f].tobytes()
            if key not in seen:
                seen[key] = len(kept)
                kept.append(first[f])
            of_field[f, n] = seen[key]
    first = np.array(kept, np.int64).reshape(-1, n_visits)
    rank = np.cumsum(first == np.arange(n_visits), axis=1) - 1  # 0, 1, ... in order of first appearance
    return np.where(first < 0, -1, np.take_along_axis(rank, np.maximum(first, 0), axis=1)), of_field


def _still(site: Site) -> Flags:
    """Where (f, t) a field held one value in all visits of a scenario: a fixed word there says nothing of a profile."""
    found = np.zeros(site.values.shape, bool)
    for s in np.unique(site.scenario).tolist():
        at = np.flatnonzero(site.scenario == s)
        held = site.values[:, at]
        some = held.max(axis=1, keepdims=True)
        same = ((held == some) | (held < 0)).all(axis=1) & ((held >= 0).sum(axis=1) >= LEAST_STILL)
        found[np.ix_(same, at)] = True
    return found


def _once_a_draw(values: Ints, draw: Ints) -> Ints:
    """VALUES with only the first visit that has the field where several visits had the same draw."""
    names, n = np.unique(draw, return_counts=True)
    values = values.copy()
    for name in names[n > 1].tolist():
        at = np.flatnonzero(draw == name)
        there = values[:, at] >= 0
        values[:, at] = np.where(there & (np.cumsum(there, axis=1) > 1), -1, values[:, at])
    return values


def firsts(values: Ints) -> Ints:
    """Return for each row and visit (f, t) the first visit that held the same value; -1 where there was none."""
    found = np.full(values.shape, -1, np.int64)
    for t in range(values.shape[1] - 1, -1, -1):
        found[(values == values[:, t : t + 1]) & (values >= 0)] = t
    return found


def _claims(site: Site, of_field: Ints, logs: Floats, rejected: Flags) -> Claims:
    """What rejected patterns say about fields and scenarios."""
    number = np.full(rejected.shape, -1, np.int64)
    number[rejected] = np.arange(int(rejected.sum()))
    told: dict[tuple[int, int, int], int] = {}
    for scope in range(1, of_field.shape[1]):
        fields = np.flatnonzero(of_field[:, scope] >= 0)
        for at, j in zip(*np.nonzero(rejected[of_field[fields, scope]]), strict=True):
            told[int(fields[at]), scope - 1, int(j)] = int(number[of_field[fields[at], scope], j])
    fields = np.flatnonzero(of_field[:, 0] >= 0)
    at, of = np.nonzero(rejected[of_field[fields, 0]])
    if len(at):
        fields = fields[at]
        there = _follows(site, fields, of, of_field, logs)
        for row, s in zip(*np.nonzero(there), strict=True):
            pair = int(number[of_field[fields[row], 0], of[row]])
            told.setdefault((int(fields[row]), int(s), int(of[row])), pair)
    rows = np.array([(*key, pair) for key, pair in sorted(told.items())], np.int64).reshape(-1, 4)
    return Claims(*rows.T)


def _follows(site: Site, fields: Ints, of: Ints, of_field: Ints, logs: Floats) -> Flags:
    """For each dependence over all scenarios (field, property), the scenarios (r, s) that have it by themselves.

    Evidence of a scenario is the mean of two e-values: that of the field there alone, and the one that all scenarios
    together have over all others, which knows from the others which value stands for which level.
    """
    n_scenarios = of_field.shape[1] - 1
    distinct, at = np.unique(fields, return_inverse=True)
    some = Site(site.scenario, site.draw, site.levels, site.pools, site.support, site.values[distinct])
    found = np.zeros((len(fields), n_scenarios), bool)
    for s in range(n_scenarios):
        rest, of_rest = _patterns(some, [site.scenario != s])
        without = np.append(_measured(some, rest)[0], np.zeros((1, len(site.levels))), axis=0)[of_rest[at, 0], of]
        alone = np.append(logs, np.zeros((1, logs.shape[1])), axis=0)[of_field[fields, 1 + s], of]
        every = logs[of_field[fields, 0], of]
        e = np.logaddexp(alone, every - without) - math.log(2)
        present = ((site.values[fields] >= 0) & (site.scenario == s)).any(axis=1)
        found[:, s] = present & (e >= math.log(n_scenarios / FOLLOW_ERROR))
    return found
