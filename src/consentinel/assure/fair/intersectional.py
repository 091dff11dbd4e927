"""Rates of every combination of attributes, small ones drawn towards all, and the worst gap between combinations."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from consentinel.assure.fair._rates import (
    CLASSIFIED,
    LEAST,
    RATES,
    Floats,
    Groups,
    comparable,
    grouped,
    interval,
    outcomes,
    rate_sums,
)
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import MISSING, Subject
from consentinel.core import gaps
from consentinel.core.pooling import pooled
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval
from consentinel.core.worst_gap import How

KINDS = CLASSIFIED
NEEDS = ("labels", "groups")

MOST = 40  # combinations that are compared two by two; there are 780 pairs of so many
SHOWN = 200  # combinations whose rates are shown
AGGREGATES = {
    "selection_rate": ("demographic_parity",),
    "true_positive_rate": ("equal_opportunity", "equalized_odds"),
    "false_positive_rate": ("equalized_odds",),
    "accuracy": ("accuracy",),
}


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield pooled rates of the combinations of two and more attributes, and the worst gaps between combinations."""
    names = subject.attributes()
    if len(names) < 2:
        yield Measure("intersections", None, why=f"one attribute ({names[0]}) has no combinations: give another")
        return
    rows = outcomes(subject)
    above, below = rate_sums(rows)
    labels = {name: subject.attribute(name) for name in names}
    parts = list(combinations(names, 2)) + ([tuple(names)] if len(names) > 2 else [])
    for part in parts:
        groups = grouped(" & ".join(part), _joined([labels[name] for name in part]))
        for rate in AGGREGATES if rows.two_way else ("accuracy",):
            at = [list(RATES).index(rate)]
            yield from _pooled(rate, groups, above[:, at], below[:, at], plan)
        if rows.two_way:
            for name in ("demographic_parity", "equal_opportunity", "equalized_odds"):
                yield from _worst(name, groups, above, below, plan)
        yield from _worst("accuracy", groups, above, below, plan)


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    """Return the combination each unit is in, MISSING where one of its attributes is."""
    lost = np.any([column == MISSING for column in columns], axis=0)
    joined = np.array([" & ".join(map(str, labels)) for labels in zip(*columns, strict=True)], dtype=object)
    joined[lost] = MISSING
    return joined


def _pooled(rate: str, groups: Groups, above: Floats, below: Floats, plan: Plan) -> Iterator[Measure]:
    """Yield RATE of every combination, drawn towards that of all."""
    shares = by_group(above, below, groups.code, len(groups.names))
    seen = np.flatnonzero(np.isfinite(shares.value[:-1]))
    if len(seen) < 2 or len(seen) > SHOWN:
        why = f"{len(seen)} combinations of {groups.attribute} have it; between 2 and {SHOWN} can be pooled"
        yield Measure(rate, None, groups.attribute, why=why)
        return
    found = pooled(shares.value[seen], gaps.variances(shares, plan.level)[seen], plan.level)
    for place, at in enumerate(seen):
        value, low, high = (min(max(float(one[place]), 0.0), 1.0) for one in (found.value, found.low, found.high))
        units = int(shares.units[at])
        estimate = Interval(value, low, high, units, plan.level, "partial pooling, robust empirical Bayes")
        why = f"unpooled {shares.value[at]:.3f}; intervals hold {plan.level:.0%} of the combinations on average"
        yield Measure(rate, estimate, groups.slice(int(at)), better=RATES[rate], why=why)


def _worst(name: str, groups: Groups, above: Floats, below: Floats, plan: Plan) -> Iterator[Measure]:
    """Yield the worst gap NAME between combinations."""
    used = [list(RATES).index(rate) for rate, names in AGGREGATES.items() if name in names]
    kept, few = comparable(groups, below[:, used])
    count = len(kept.names)
    left = f"{len(few)} combinations with fewer than {LEAST} units behind it are left out" if few else ""
    if not 2 <= count <= MOST:
        why = f"{count} combinations of {groups.attribute} are large enough; between 2 and {MOST} can be compared"
        yield Measure(f"{name}_difference", None, groups.attribute, "between combinations", why=why)
        return
    shares = by_group(above[:, used], below[:, used], kept.code, count)
    pairs = gaps.between(count, *np.eye(len(used)))
    draws = max(500, min(plan.draws, 200_000 // len(pairs[0])))
    how: How
    for how in ("difference", "ratio"):
        if how == "ratio" and not (pairs[1] @ shares.value > 0).any():
            continue  # the values above say that nobody has it
        found = gaps.worst(shares, pairs, how, plan.level, draws=draws, seed=plan.seed)
        estimate = interval(found, int(shares.units.max()), plan.level, "inverted tests of the worst pair")
        yield Measure(
            f"{name}_{how}", estimate, groups.attribute, "between combinations", float(how == "ratio"), float(found.p),
            float(found.detectable), "higher" if how == "ratio" else "lower", left,
        )  # fmt: skip
