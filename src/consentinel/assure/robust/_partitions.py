"""Learned rows in parts by fingerprint, a model of each part, and how much poison their votes bear."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.robust._fingerprints import fingerprints
from consentinel.assure.subject import Subject, checked

__all__ = ["Ballot", "Parts", "ballot", "parted", "radius", "ranked_radius", "said"]

Ints = NDArray[np.int64]
NOBODY = -1


@dataclass(frozen=True)
class Parts:
    """Rows, and which part each belongs to (n,); a row's part depends on that row alone."""

    rows: pa.Table
    part: Ints
    count: int

    def of(self, at: int) -> pa.Table:
        """Return the rows of part AT in an order that depends on what they are alone."""
        mine = self.rows.filter(pa.array(self.part == at))
        return mine.take(pa.array(np.argsort(fingerprints(mine, mine.column_names), kind="stable")))

    def changed(self, other: "Parts") -> list[int]:
        """Return the parts that differ from those of OTHER, as sets with repeats."""
        sums = [
            [np.bincount(one.part, minlength=one.count), _sum(fingerprints(one.rows, one.rows.column_names), one)]
            for one in (self, other)
        ]
        return np.flatnonzero((sums[0][0] != sums[1][0]) | (sums[0][1] != sums[1][1])).tolist()


def parted(rows: pa.Table, by: list[str], count: int) -> Parts:
    """Return ROWS in COUNT parts by the fingerprint of their columns BY."""
    return Parts(rows, (fingerprints(rows, by) % np.uint64(count)).astype(np.int64), count)


def said(subject: Subject, parts: Parts, which: Iterable[int], asked: pa.Table, seed: int) -> list[pa.Table | None]:
    """Return what a model of each part of WHICH, trained as SUBJECT is, says of ASKED; None where it raises.

    A part that a model cannot be made of votes for nothing, which depends on that part alone.
    """
    assert subject.trainer is not None
    found: list[pa.Table | None] = []
    for at in which:
        try:
            model = subject.trainer.train(parts.of(at), seed=seed)
            found.append(checked(model.predict(asked), asked, subject.kind, f"the model of part {at}"))
        except Exception:  # of the model under audit
            found.append(None)
    return found


@dataclass(frozen=True)
class Ballot:
    """Votes: the label that each part gives to each row, as a place in `names`, NOBODY for none; (parts, rows)."""

    names: list[str]
    votes: Ints

    def counts(self) -> Ints:
        """Return how many parts give each label; (rows, labels)."""
        found = np.zeros((self.votes.shape[1], len(self.names)), np.int64)
        part, row = np.nonzero(self.votes >= 0)
        np.add.at(found, (row, self.votes[part, row]), 1)
        return found


def ballot(answers: list[list[str | None] | None], rows: int) -> Ballot:
    """Return the votes of ANSWERS, labels of ROWS rows by each part."""
    names = sorted({label for one in answers if one is not None for label in one if label is not None})
    place = {label: at for at, label in enumerate(names)}
    votes = np.full((len(answers), rows), NOBODY, np.int64)
    for at, one in enumerate(answers):
        if one is not None:
            votes[at] = [NOBODY if label is None else place[label] for label in one]
    return Ballot(names, votes)


def radius(counts: Ints) -> tuple[Ints, Ints]:
    """Return the winner of each row of COUNTS (rows, labels), and how many poisoned rows it bears; (rows,) each.

    The most votes win, of equal ones the label that comes first. One poisoned row changes the model of one part, hence
    one vote; R of them take at most R votes from the winner w and give at most R to another label c. So w stays while
    n_w - R >= n_c + R + [c before w] for each c, that is R <= floor((n_w - max_c(n_c + [c before w])) / 2). A label
    that nobody gives yet, and that may come before w, counts as such a c with n_c = 0. -1: nobody voted.
    """
    if not counts.shape[1]:
        return np.full(len(counts), NOBODY, np.int64), np.full(len(counts), -1, np.int64)
    winner = counts.argmax(axis=1)
    places = np.arange(counts.shape[1])
    rivals = counts + (places[None, :] < winner[:, None])
    rivals[np.arange(len(counts)), winner] = 1  # the label that nobody gives yet
    most = counts[np.arange(len(counts)), winner]
    found = (most - rivals.max(axis=1)) // 2
    return np.where(most > 0, winner, NOBODY), np.where(most > 0, found, -1)


def ranked_radius(counts: Ints, k: int) -> Ints:
    """Return how many poisoned people cannot push each item out of the first K of most votes; (people, items), -1 where
    it does not stand there.

    COUNTS (people, items): of how many parts' first K each item is one. Equal ones stand in the order of items. R
    poisoned people change at most R parts, so that item j keeps n_j - R votes at least and any other gets n_i + R at
    most, items that nobody names yet among them. With s, the K-th largest count of the others (0 where there are
    fewer), less than K of them reach s + 1 + R, so j stays while n_j - R >= s + 1 + R, however ties are broken: R <=
    floor((n_j - s - 1) / 2).
    """
    people, items = counts.shape
    order = np.argsort(-counts, axis=1, kind="stable")[:, : k + 1]
    top = np.take_along_axis(counts, order, axis=1)
    top = np.hstack([top, np.zeros((people, k + 1 - top.shape[1]), counts.dtype)])
    inside = np.zeros((people, items), bool)
    np.put_along_axis(inside, order[:, :k], True, axis=1)
    inside &= counts > 0
    others = np.where(inside, top[:, k : k + 1], top[:, k - 1 : k])
    return np.where(inside, np.maximum((counts - others - 1) // 2, 0), -1)


def _sum(words: Any, parts: Parts) -> NDArray[np.uint64]:
    found = np.zeros(parts.count, np.uint64)
    np.add.at(found, parts.part, words)
    return found
