"""Is this traffic like what a model was trained on? A model's card keeps what it saw, and a scan is held against that.

What a model sees is cut into cells: quantiles of a number, labels. The rows of one recipient are alike, and so are
those of recipients that run the same code, which shows in the names of the fields that they get: such recipients are
one group, and groups are what is counted. Each has a share of its rows in every cell; the card keeps the mean of these
shares and their variance, and the difference of a scan from the mean is measured in standard errors of both samples.
Where rows tell the site that sent them, what differs between sites by nature is added to that error.

The test looks at the largest difference over all cells of all features. What it may be by chance is known from pairs of
bootstrap samples of whole groups of the training, one as large as the training, one as large as a scan; that corrects
for the number of cells and for how they hang together (maxT: Westfall and Young, "Resampling-based multiple testing",
1993). Of scans of like traffic a share of RATE at most is to alarm; as variances are estimated, the limit is what a
SAFE part of that share of the samples exceeds. A difference has to matter too: the population stability index of its
feature has to reach MATTERS. Fewer than FEWEST groups say nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "MATTERS", "RATE", "Drift", "Seen", "compare", "groups", "index", "reference"]

FEWEST, RATE, SAFE, MATTERS = 20, 0.01, 0.2, 0.1
ALIKE = 0.5  # share of the names of two recipients that both have, from which they are one group (Jaccard)
MOST = 2_000  # recipients that are looked at
BUCKETS = 2_048  # of names
SIZES = (20, 40, 80, 160, 320, 640)  # groups of a scan for which the largest difference by chance is kept
DRAWS = 2000
CELLS = 8
RARE = 0.05  # cells with a smaller share are joined with others
_OTHER = "other"

Floats = NDArray[np.float64]
Facts = Mapping[str, NDArray[Any]]  # by feature, a number or a label for each row


@dataclass(frozen=True, slots=True)
class Drift:
    """What came of a comparison: `moved` has features with their stability index, the most moved first."""

    groups: int
    largest: float  # difference, in standard errors
    limit: float  # what it may be by chance
    moved: tuple[tuple[str, float], ...]

    @property
    def enough(self) -> bool:
        """Whether there were groups enough to say anything."""
        return self.groups >= FEWEST

    @property
    def unlike(self) -> bool:
        """Whether the traffic is unlike what the model was trained on."""
        return self.enough and bool(self.moved)

    def spoken(self, model: str) -> str:
        """Return a sentence for people about the MODEL."""
        if not self.enough:
            return f"{model}: too few kinds of recipients ({self.groups:,}) to tell whether it was trained on the like"
        if not self.unlike:
            return f"{model}: this traffic is like that of its training ({self.groups:,} kinds of recipients)"
        most = ", ".join(f"{name} ({psi:.2f})" for name, psi in self.moved[:5])
        more = f" and {len(self.moved) - 5} more" if len(self.moved) > 5 else ""
        return (
            f"{model}: this traffic is unlike that of its training, so its probabilities may be off; moved (stability "
            f"index): {most}{more}"
        )

    def told(self) -> dict[str, Any]:
        """Return what run.json keeps."""
        return {
            "groups": self.groups, "unlike": self.unlike, "enough": self.enough,
            "largest": round(self.largest, 3), "limit": round(self.limit, 3),
            "moved": {name: round(psi, 3) for name, psi in self.moved},
        }  # fmt: skip


def groups(recipients: NDArray[Any], words: NDArray[Any]) -> NDArray[np.int64]:
    """Return the group of each row, by the recipient of it and the name of the field; -1 where it is not looked at.

    A recipient joins the first before it, in the order of their names, that has at least ALIKE of both their words.
    """
    names, who = np.unique(recipients.astype(str), return_inverse=True)
    looked = np.unique(np.linspace(0, len(names) - 1, MOST).astype(int)) if len(names) > MOST else np.arange(len(names))
    distinct, word = np.unique(words.astype(str), return_inverse=True)
    bucket = np.array([_number(text) % BUCKETS for text in distinct.tolist()], np.int64)
    has = np.zeros((len(names), BUCKETS), np.float32)
    has[who, bucket[word]] = 1
    has = has[looked]
    size, group = has.sum(axis=1), np.arange(len(looked))
    for at in range(1, len(looked)):
        both = has[:at] @ has[at]
        alike = np.flatnonzero(both >= ALIKE * (size[:at] + size[at] - both))
        if len(alike):
            group[at] = group[alike[0]]
    of = np.full(len(names), -1, np.int64)
    of[looked] = np.unique(group, return_inverse=True)[1]
    return of[who]


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=4).digest())


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model was asked: facts by feature; of each row the recipient, the name of its field, and the sender."""

    facts: Facts
    recipients: NDArray[Any]
    words: NDArray[Any]
    senders: NDArray[Any] | None = None  # None: not known

    def looked_at(self) -> tuple[Facts, NDArray[np.int64], int, NDArray[np.int64], int]:
        """Return of the rows that are looked at facts, groups, number of groups, senders, number of senders."""
        group = groups(self.recipients, self.words)
        keep = group >= 0
        senders = np.zeros(len(group), np.int64)
        if self.senders is not None and len(group):
            senders = np.unique(self.senders.astype(str), return_inverse=True)[1]
        facts = {name: column[keep] for name, column in self.facts.items()}
        return facts, group[keep], int(group.max(initial=-1)) + 1, senders[keep], int(senders.max(initial=-1)) + 1


def reference(seen: Seen, *, seed: int) -> str:
    """Return as JSON what a model saw; "" where there are too few groups. Equal input and SEED give equal text."""
    facts, who, n, sender, sites = seen.looked_at()
    if n < FEWEST:
        return ""
    cells, shares = {}, {}
    for name, column in facts.items():
        cut = _cut(column, who, n)
        table = _shares(_place(column, cut), _size(cut), who, n)
        mean = table.mean(axis=0)
        variance = np.maximum(table.var(axis=0, ddof=1), 1 / n)  # one group more may be the first of its kind
        between = np.zeros(len(mean))
        if sites > 1:
            between = _shares(_place(column, cut), _size(cut), sender, sites).var(axis=0, ddof=1)
        cells[name] = {
            "cells": cut, "mean": _rounded(mean), "variance": _rounded(variance), "between": _rounded(between),
        }  # fmt: skip
        shares[name] = table
    whole = np.concatenate(list(shares.values()), axis=1)
    variance = np.concatenate([np.array(entry["variance"]) for entry in cells.values()])
    limits = [_limit(whole, variance, size, seed) for size in SIZES]
    told = {"groups": n, "senders": sites, "limits": _rounded(np.array(limits)), "features": cells}
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


def compare(text: str, seen: Seen) -> Drift | None:
    """Return how what a model is asked in a scan differs from the reference TEXT; None where there is none."""
    if not text:
        return None
    known = json.loads(text)
    facts, who, n, _, sites = seen.looked_at()
    trained = int(known["groups"])
    limit = float(np.interp(np.log(max(n, 1)), np.log(SIZES), known["limits"]))
    if n < FEWEST:
        return Drift(n, 0.0, limit, ())
    largest, moved = 0.0, []
    for name, entry in known["features"].items():
        cut, mean = entry["cells"], np.array(entry["mean"])
        got = _shares(_place(facts[name], cut), _size(cut), who, n).mean(axis=0)
        error = np.array(entry["variance"]) * (1 / n + 1 / trained)
        error = np.sqrt(error + np.array(entry["between"]) * (1 / sites + 1 / known["senders"]))
        most, psi = float((np.abs(got - mean) / error).max()), index(mean, got)
        largest = max(largest, most)
        if most > limit and psi >= MATTERS:
            moved.append((name, psi))
    return Drift(n, largest, limit, tuple(sorted(moved, key=lambda one: (-one[1], one[0]))))


def index(expected: Floats, got: Floats) -> float:
    """Return the population stability index of two distributions over the same cells; no cell counts as empty.

    Source: Siddiqi, "Credit risk scorecards", 2006: below 0.1 stable, above 0.25 another population.
    """
    a, b = np.maximum(expected, 1e-3), np.maximum(got, 1e-3)
    return float(((b - a) * np.log(b / a)).sum())


def _cut(column: NDArray[Any], who: NDArray[np.int64], n: int) -> list[Any]:
    """Return the upper edges of cells of numbers, or the labels that have a cell of their own."""
    if column.dtype.kind in "OU":
        labels, place = np.unique(column.astype(str), return_inverse=True)
        mean = _shares(place, len(labels), who, n).mean(axis=0)
        return [str(label) for label, share in zip(labels.tolist(), mean.tolist(), strict=True) if share >= RARE]
    numbers = column.astype(np.float64)
    weight = 1.0 / np.bincount(who, minlength=n)[who]  # every group counts the same
    order = np.argsort(numbers, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    at = np.searchsorted(reached, np.arange(1, CELLS) / CELLS)
    edges = np.unique(numbers[order][np.minimum(at, len(order) - 1)])
    kept: list[float] = []
    for edge in edges.tolist():  # an edge that cuts off too little is left out
        below = weight[(numbers <= edge) & (numbers > (kept[-1] if kept else -np.inf))].sum() / weight.sum()
        above = weight[numbers > edge].sum() / weight.sum()
        if below >= RARE and above >= RARE:
            kept.append(float(np.float32(edge)))
    if not kept:  # nearly always the same number: what is below it, it, what is above
        most = np.float32(numbers[order][np.searchsorted(reached, 0.5)])
        return [float(np.nextafter(most, np.float32(-np.inf))), float(most)]
    return kept


def _size(cut: list[Any]) -> int:
    return len(cut) + 1  # labels of no cell of their own share the last one


def _place(column: NDArray[Any], cut: list[Any]) -> NDArray[np.int64]:
    if column.dtype.kind in "OU":
        known = {label: at for at, label in enumerate(cut)}
        return np.array([known.get(label, len(cut)) for label in column.astype(str).tolist()], np.int64)
    return np.searchsorted(np.array(cut, np.float64), column.astype(np.float32).astype(np.float64), side="left")


def _shares(place: NDArray[np.int64], size: int, who: NDArray[np.int64], n: int) -> Floats:
    """Return the share of the rows of each group in each cell, shape (n, size)."""
    counts = np.bincount(who * size + place, minlength=n * size).reshape(n, size).astype(np.float64)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _limit(shares: Floats, variance: Floats, size: int, seed: int) -> float:
    """Return what the largest difference of a scan of SIZE groups exceeds in a share SAFE x RATE of the samples."""
    n, random = len(shares), np.random.default_rng([seed, size])
    error = np.sqrt(variance * (1 / size + 1 / n))
    largest = np.empty(DRAWS)
    for draw in range(DRAWS):
        scan, training = (np.bincount(random.integers(0, n, many), minlength=n) / many for many in (size, n))
        largest[draw] = (np.abs((scan - training) @ shares) / error).max()
    return float(np.quantile(largest, 1 - SAFE * RATE))


def _rounded(numbers: Floats) -> list[float]:
    return [float(f"{number:.4g}") for number in numbers.tolist()]
