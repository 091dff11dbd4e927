"""How good a classifier is on texts it was not trained on: folds that keep groups whole, measures with intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.core.resample import cluster_bootstrap, cluster_totals, mean, ratio
from consentinel.core.rng import generator
from consentinel.core.stats import Interval
from consentinel.understand.classifying import calibration
from consentinel.understand.classifying.model import Answer, trained
from consentinel.understand.classifying.taxonomy import Taxonomy

__all__ = ["Measure", "blocks", "difference", "examined", "folds", "macro_f1", "measures", "micro_f1"]

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """One number: what it is, of which class (empty: of all), and its interval."""

    name: str
    label: str
    found: Interval


def folds(groups: NDArray[np.int64], many: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each row, shape (n,), such that no group is in two. Raises UsageError for too few groups."""
    count = int(groups.max(initial=-1)) + 1
    if not 2 <= many <= count:
        raise UsageError(f"{many} folds of {count} different texts or groups; give 2 or more, and no more than those")
    place: NDArray[np.int64] = generator(seed, "understand.classify.folds").permutation(count)[groups] % many
    return place


def blocks(days: Floats, many: int) -> NDArray[np.int64]:
    """Return the fold of each row by time, shape (n,): MANY of about one size, none with a day of an earlier one.

    Raises UsageError where there are not so many days.
    """
    edges = np.quantile(days, np.arange(1, many) / many, method="higher") if many >= 2 else days[:0]
    place = np.searchsorted(edges, days, side="right").astype(np.int64)
    if len(np.unique(place)) < many or many < 2:
        raise UsageError(f"{many} folds by time of {len(np.unique(days))} days; give 2 or more folds, and fewer")
    return place


def examined(
    part: str, texts: Sequence[str], targets: Mask, taxonomy: Taxonomy, fold: NDArray[np.int64], *, single: bool,
    level: float, seed: int, days: Floats | None = None,
) -> Iterator[tuple[NDArray[np.int64], Answer]]:  # fmt: skip
    """Yield for each fold its rows and what a classifier trained on the other folds says of them.

    With DAYS (n,), folds are blocks of time: each but the first is said by what was labelled before it.
    """
    for one in np.unique(fold)[0 if days is None else 1 :]:
        rows, others = np.flatnonzero(fold == one), np.flatnonzero(fold != one if days is None else fold < one)
        known = [texts[row] for row in others.tolist()]
        weights = None if days is None else calibration.recency(days[others])
        made, _ = trained(part, known, targets[others], taxonomy, single=single, level=level, seed=seed, card={},
                          weights=weights)  # fmt: skip
        yield rows, made.answer([texts[row] for row in rows.tolist()])


def measures(answer: Answer, targets: Mask, ids: Sequence[str], groups: NDArray[np.int64], seed: int) -> list[Measure]:
    """Return the measures of ANSWER against TARGETS with 95% intervals that draw whole groups."""
    made = [
        Measure("micro F1", "", micro_f1(answer.given, targets, groups, seed)),
        Measure("macro F1", "", macro_f1(answer.given, targets, groups, seed)),
    ]
    wrong = (answer.given != targets).any(axis=1)
    made.append(Measure("all labels right", "", cluster_bootstrap(~wrong, groups, mean, seed=seed)))
    inside = np.stack([(answer.sets & targets).sum(axis=1), targets.sum(axis=1)], axis=1).astype(np.float64)
    made.append(Measure("true classes in their set", "", cluster_bootstrap(inside, groups, ratio, seed=seed)))
    size = answer.sets.sum(axis=1).astype(np.float64)
    made.append(Measure("classes in a set", "", cluster_bootstrap(size, groups, mean, seed=seed)))
    off = calibration.error(answer.p, targets)
    made.append(Measure("calibration error", "", Interval(off, float("nan"), float("nan"), len(targets), 0.95, "")))
    for at, name in enumerate(ids):
        if targets[:, at].any():
            counts = _counts(answer.given[:, [at]], targets[:, [at]], groups)
            found = cluster_bootstrap(counts, np.arange(len(counts)), _macro, seed=seed)
            made.append(Measure("F1", name, found))
    return made


def micro_f1(given: Mask, targets: Mask, groups: NDArray[np.int64], seed: int) -> Interval:
    """Return the F1 of all labels pooled, with an interval that draws whole groups."""
    pairs = np.stack([2 * (given & targets).sum(axis=1), given.sum(axis=1) + targets.sum(axis=1)], axis=1)
    totals = cluster_totals(pairs, groups)
    return cluster_bootstrap(totals, np.arange(len(totals)), ratio, seed=seed)


def macro_f1(given: Mask, targets: Mask, groups: NDArray[np.int64], seed: int) -> Interval:
    """Return the mean of the F1 of the classes, with an interval that draws whole groups."""
    counts = _counts(given, targets, groups)
    return cluster_bootstrap(counts, np.arange(len(counts)), _macro, seed=seed)


def difference(ours: Mask, theirs: Mask, targets: Mask, groups: NDArray[np.int64], kind: str, seed: int) -> Interval:
    """Return the F1 of OURS less that of THEIRS on the same rows; KIND is micro, macro or a class's place."""
    columns = slice(None) if kind in ("micro", "macro") else [int(kind)]
    both = [_counts(said[:, columns], targets[:, columns], groups) for said in (ours, theirs)]
    half = both[0].shape[1]
    reduce = _micro if kind == "micro" else _macro

    def apart(values: Floats, weights: Floats) -> Floats:
        return reduce(values[:, :half], weights) - reduce(values[:, half:], weights)

    return cluster_bootstrap(np.concatenate(both, axis=1), np.arange(len(both[0])), apart, seed=seed)


def _counts(given: Mask, targets: Mask, groups: NDArray[np.int64]) -> Floats:
    """Return per group twice the hits of each class, then given and true together: shape (groups, 2 * classes)."""
    hits = 2.0 * (given & targets)
    return cluster_totals(np.concatenate([hits, given * 1.0 + targets], axis=1), groups)


def _macro(values: Floats, weights: Floats) -> Floats:
    sums = weights @ values
    k = sums.shape[1] // 2
    hits, all_ = sums[:, :k], sums[:, k:]
    return np.asarray(np.where(all_ > 0, hits / np.maximum(all_, 1), 0).mean(axis=1), np.float64)


def _micro(values: Floats, weights: Floats) -> Floats:
    sums = weights @ values
    k = sums.shape[1] // 2
    return np.asarray(sums[:, :k].sum(axis=1) / np.maximum(1, sums[:, k:].sum(axis=1)), np.float64)
