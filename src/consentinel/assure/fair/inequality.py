"""How unequally a classifier treats people one by one: generalized entropy, Theil, Atkinson, and consistency."""

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from consentinel.assure.fair._rates import CLASSIFIED, Floats, Outcomes, outcomes, totals
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core import gaps
from consentinel.core.rng import generator
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval

KINDS = CLASSIFIED
NEEDS = ("labels",)

NEIGHBOURS = 5
# an index is a function of the means of these terms of a benefit; each with its derivatives
Means = Callable[[Floats], tuple[float, Floats]]


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the inequality of benefits (said less true, plus one) and how alike similar rows are answered."""
    rows = outcomes(subject)
    if not rows.two_way:
        yield Measure("theil_index", None, why="no label counts as yes: name one with --positive")
        return
    yield from _indices(rows, plan)
    yield from _consistency(subject, plan)


def _indices(rows: Outcomes, plan: Plan) -> Iterator[Measure]:
    """Yield the indices with intervals by the delta method on their logarithm, units as clusters.

    Source: Speicher and others 2018 (benefits, generalized entropy); Atkinson 1970.
    """
    benefit = 1.0 + rows.said - rows.true
    with np.errstate(divide="ignore", invalid="ignore"):
        logged = np.where(benefit > 0, benefit * np.log(benefit), 0.0)
    terms = {"square": benefit**2, "logged": logged, "root": np.sqrt(benefit)}
    indices: dict[str, tuple[str, Means]] = {
        "generalized_entropy_index": ("square", _entropy),
        "theil_index": ("logged", _theil),
        "coefficient_of_variation": ("square", _variation),
        "atkinson_index": ("root", _atkinson),
    }
    people = len(np.unique(rows.unit))
    for name, (term, index) in indices.items():
        sums = totals(rows.unit, rows.people, [np.ones(len(benefit)), benefit, terms[term]])
        n = sums[:, 0].sum()
        means = sums[:, 1:].sum(axis=0) / n
        if means[0] <= 0:
            yield Measure(name, None, why="nobody has any benefit: every yes is denied")
            continue
        value, slopes = index(means)
        spread = float(np.sqrt(((((sums[:, 1:] - sums[:, :1] * means) @ slopes) / n) ** 2).sum()))
        if value <= 1e-15:
            yield Measure(name, None, why="every row has the same benefit: there is no inequality to measure")
            continue
        reach = math.exp(NormalDist().inv_cdf((1 + plan.level) / 2) * spread / value)
        estimate = Interval(value, value / reach, value * reach, people, plan.level, "delta method on the logarithm")
        yield Measure(name, estimate, better="lower")


def _entropy(means: Floats) -> tuple[float, Floats]:
    mean, square = means
    return (square / mean**2 - 1) / 2, np.array([-square / mean**3, 0.5 / mean**2])


def _variation(means: Floats) -> tuple[float, Floats]:
    value, slopes = _entropy(means)
    root = math.sqrt(max(2 * value, 0.0))
    return root, slopes / root if root else slopes


def _theil(means: Floats) -> tuple[float, Floats]:
    mean, logged = means
    return logged / mean - math.log(mean), np.array([-logged / mean**2 - 1 / mean, 1 / mean])


def _atkinson(means: Floats) -> tuple[float, Floats]:
    mean, root = means  # aversion 1/2
    return 1 - root**2 / mean, np.array([root**2 / mean**2, -2 * root / mean])


def _consistency(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield one less the mean distance of a row's answer from those of its nearest rows.

    Source: Zemel and others 2013.
    """
    names = [
        field.name for field in subject.rows.schema
        if field.name != "label" and (pa.types.is_integer(field.type) or pa.types.is_floating(field.type))
    ]  # fmt: skip
    n = subject.rows.num_rows
    if not names or n <= NEIGHBOURS:
        why = (
            f"it needs number columns in the rows, and more than {NEIGHBOURS} rows: there is no way to say who is alike"
        )
        yield Measure("consistency", None, why=why)
        return
    taken = np.arange(n)
    if n > 4 * plan.rows:
        taken = np.sort(generator(plan.seed, "assure.fair.consistency").choice(n, 4 * plan.rows, replace=False))
    table = np.stack([np.asarray(subject.rows[name].cast(pa.float64())) for name in names], axis=1)[taken]
    table = np.nan_to_num(table - np.nanmean(table, axis=0))
    spread = table.std(axis=0)
    said = np.array(subject.answers["label"].cast(pa.string()).to_pylist(), dtype=object)[taken] == subject.positive
    alike = agreement(table / np.where(spread > 0, spread, 1.0), said)
    unit, people = subject.unit[taken], subject.groups.num_rows
    shares = by_group(
        totals(unit, people, [alike]), totals(unit, people, [np.ones(len(alike))]), np.full(people, -1), 0
    )
    found = gaps.values(shares, plan.level)
    estimate = Interval(
        float(found.value[0]), float(found.low[0]), float(found.high[0]), int(shares.units[0]), plan.level,
        "clustered shares, Wilson arms",
    )  # fmt: skip
    why = f"{len(taken):,} rows, {NEIGHBOURS} nearest by {len(names)} scaled columns; neighbours are taken as given"
    yield Measure("consistency", estimate, better="higher", why=why)


def agreement(table: Floats, said: np.ndarray, neighbours: int = NEIGHBOURS) -> Floats:
    """Return for each row of TABLE (n, d) how near its answer SAID is to the mean of its NEIGHBOURS nearest rows.

    A row is one of its own neighbours, as in Zemel's measure as others compute it.
    """
    answer, out = said.astype(np.float64), np.empty(len(said))
    square = (table**2).sum(axis=1)
    for start in range(0, len(table), 512):
        part = table[start : start + 512]
        far = square[None, :] - 2 * part @ table.T
        near = np.argpartition(far, neighbours - 1, axis=1)[:, :neighbours]
        out[start : start + 512] = 1 - np.abs(answer[start : start + 512] - answer[near].mean(axis=1))
    return out
