"""What the probes of classifiers share: who said yes, who should have, whose each row is, and rates of groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from consentinel.assure.measure import Better
from consentinel.assure.subject import MISSING, Subject
from consentinel.core.stats import Interval
from consentinel.core.worst_gap import Gap

__all__ = [
    "CLASSIFIED", "LEAST", "RATES", "Floats", "Groups", "Outcomes", "comparable", "grouped", "interval", "outcomes",
    "rate_sums", "totals",
]  # fmt: skip

CLASSIFIED = ("tabular", "text", "vision", "graph")
LEAST = 5  # units that a rate needs behind it before a group is compared
METHOD = "clustered shares, Wilson arms"
RATES: dict[str, Better] = {
    "selection_rate": "", "true_positive_rate": "higher", "false_positive_rate": "lower",
    "false_negative_rate": "lower", "true_negative_rate": "higher", "precision": "higher", "accuracy": "higher",
}  # fmt: skip

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcomes:
    """Rows whose truth is known: what was said and true (yes or no), whether the label is right, score of yes, unit."""

    said: Bools
    true: Bools
    right: Bools
    score: Floats
    unit: NDArray[np.intp]
    people: int
    two_way: bool  # whether there is a label that counts as yes


@dataclass(frozen=True)
class Groups:
    """The groups of an attribute that may be compared, and the place of each unit's, -1 for none of them."""

    attribute: str
    names: list[str]
    code: NDArray[np.intp]
    missing: Bools

    def slice(self, at: int) -> str:
        """Return the name of the slice that is the group at place AT."""
        return self.named(self.names[at])

    def named(self, group: str) -> str:
        """Return the name of the slice that is GROUP."""
        return f"{self.attribute}={group}"


def outcomes(subject: Subject) -> Outcomes:
    """Return what SUBJECT said and what is true, for the rows with a label."""
    true = _texts(subject.rows["label"])
    said = _texts(subject.answers["label"])
    known = np.array([label is not None for label in true])
    score = np.asarray(subject.answers["score"].cast(pa.float64()))
    right = said == true
    yes = subject.positive
    return Outcomes(
        (said == yes)[known], (true == yes)[known], right[known], score[known], subject.unit[known],
        subject.groups.num_rows, bool(yes),
    )  # fmt: skip


def _texts(column: pa.ChunkedArray) -> NDArray[np.object_]:
    return np.array(column.cast(pa.string()).to_pylist(), dtype=object)


def grouped(name: str, labels: NDArray[np.object_]) -> Groups:
    """Return the groups that LABELS (units,) of attribute NAME make, MISSING apart."""
    missing = labels == MISSING
    names = sorted({str(label) for label in labels[~missing]})
    place = {label: at for at, label in enumerate(names)}
    return Groups(name, names, np.array([place.get(label, -1) for label in labels], dtype=np.intp), missing)


def totals(unit: NDArray[np.intp], people: int, columns: Sequence[ArrayLike]) -> Floats:
    """Return the sums of COLUMNS per unit, shape (people, columns)."""
    return np.stack([np.bincount(unit, np.asarray(column, np.float64), people) for column in columns], axis=1).astype(
        np.float64
    )


def rate_sums(rows: Outcomes) -> tuple[Floats, Floats]:
    """Return what each unit adds above and below each of RATES, both (people, rates)."""
    yes, no, pos, neg = rows.said, ~rows.said, rows.true, ~rows.true
    every = np.ones(len(yes))
    above = [yes, yes & pos, yes & neg, no & pos, no & neg, yes & pos, rows.right]
    below = [every, pos, neg, pos, neg, yes, every]
    return totals(rows.unit, rows.people, above), totals(rows.unit, rows.people, below)


def comparable(groups: Groups, below: Floats) -> tuple[Groups, list[tuple[str, int]]]:
    """Return the groups with at least LEAST units behind every ratio over BELOW (people, m), and the others with
    their numbers of units."""
    count = len(groups.names)
    member = groups.code >= 0
    units = np.stack([np.bincount(groups.code[member], (b > 0)[member], count) for b in below.T], axis=1).min(axis=1)
    keep = np.flatnonzero(units >= LEAST)
    place = np.full(count + 1, -1)
    place[keep] = np.arange(len(keep))
    few = [(groups.names[at], int(units[at])) for at in np.flatnonzero(units < LEAST)]
    return Groups(groups.attribute, [groups.names[at] for at in keep], place[groups.code], groups.missing), few


def interval(found: Gap, n: int, level: float, method: str = METHOD) -> Interval:
    """Return one gap as an interval over N units."""
    return Interval(float(found.value), float(found.low), float(found.high), n, level, method)
