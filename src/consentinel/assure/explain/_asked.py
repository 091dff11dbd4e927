"""A model of tabular rows that can only be asked: rows mixed of the values of other rows, and what it says of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.assure.explain._curves import Floats
from consentinel.assure.measure import Plan
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["Asking", "Sampled", "sampled"]

Ints = NDArray[np.int64]
NOT_INPUT = ("label", "id", "unit")


@dataclass(frozen=True)
class Asking:
    """The columns that a model takes, and the subject that asks it."""

    subject: Subject
    names: list[str]

    @classmethod
    def of(cls, subject: Subject) -> "Asking":
        """Return how SUBJECT is asked; raises UsageError where its rows have no columns, or nothing says how sure it
        is of one label."""
        names = [name for name in subject.rows.column_names if name not in NOT_INPUT]
        if not names:
            raise UsageError("the rows have no column of inputs")
        if not subject.positive and "probabilities" not in subject.answers.column_names:
            raise UsageError("it says only how sure it is of the label that it gives: say which counts with --positive")
        return cls(subject, names)

    def said(self, source: Ints) -> pa.Table:
        """Return the answers for rows whose columns are taken from the rows SOURCE (m, columns)."""
        rows = self.subject.rows
        made = {name: one(rows[name]).take(pa.array(source[:, at])) for at, name in enumerate(self.names)}
        for name in rows.column_names:
            if name not in made:
                made[name] = one(rows[name]).take(pa.array(source[:, 0]))
        return self.subject.ask(pa.table({name: made[name] for name in rows.column_names}))

    def values(self, source: Ints, target: Ints) -> Floats:
        """Return how sure it is of the classes TARGET (m,) for rows taken from SOURCE (m, columns)."""
        return self.sure(self.said(source), target)

    def sure(self, answers: pa.Table, target: Ints) -> Floats:
        """Return from ANSWERS how sure it is of the positive label, or of the classes TARGET."""
        if self.subject.positive:
            return np.asarray(one(answers["score"]).cast(pa.float64()), np.float64)
        return _table(answers)[np.arange(answers.num_rows), target]

    def targets(self, rows: NDArray[np.intp]) -> Ints:
        """Return which class is explained of ROWS: the one given; without meaning where there is a positive label."""
        if self.subject.positive:
            return np.zeros(len(rows), np.int64)
        return _table(self.subject.answers.take(pa.array(rows))).argmax(axis=1).astype(np.int64)


@dataclass(frozen=True)
class Sampled:
    """Shapley values of rows: values and their Monte Carlo standard errors (n, columns); what they begin at and what
    was said of the row itself (n,)."""

    values: Floats
    errors: Floats
    begin: Floats
    score: Floats


def sampled(asking: Asking, rows: NDArray[np.intp], pairs: int, plan: Plan, *names: str) -> Sampled:
    """Return the Shapley values of ROWS (n,) against other rows of the subject, from PAIRS of permutations each.

    A permutation moves a row, column by column, from another row, drawn at random, to the explained one, and is then
    gone through backwards; the changes sum to the whole way, so values sum exactly.
    Source: Castro, Gomez and Tejada 2009; Mitchell et al. 2022, section 3 (antithetic pairs).
    """
    rng = generator(plan.seed, "assure.explain", "sampled", *names)
    n, width = len(rows), len(asking.names)
    other = rng.integers(0, asking.subject.rows.num_rows, (n, pairs))
    rank = np.argsort(rng.random((n, pairs, width)), axis=2)
    both = np.stack([rank, width - 1 - rank], axis=2)  # (n, pairs, 2, width)
    steps = np.arange(width + 1)[:, None]
    moved = both[:, :, :, None, :] < steps  # (n, pairs, 2, width + 1, width)
    source = np.where(moved, rows[:, None, None, None, None], other[:, :, None, None, None])
    target = np.broadcast_to(asking.targets(rows)[:, None, None, None], moved.shape[:-1])
    said = asking.values(source.reshape(-1, width), target.ravel()).reshape(moved.shape[:-1])
    changes = np.take_along_axis(np.diff(said, axis=3), both, axis=3).mean(axis=2)  # (n, pairs, width)
    errors = changes.std(axis=1, ddof=1) / np.sqrt(pairs) if pairs > 1 else np.full((n, width), np.nan)
    return Sampled(changes.mean(axis=1), errors, said[..., 0].mean(axis=(1, 2)), said[:, 0, 0, -1])


def _table(answers: pa.Table) -> Floats:
    lists = one(answers["probabilities"])
    lengths = pc.min_max(pc.list_value_length(lists))
    if lengths["min"].as_py() != lengths["max"].as_py() or not lengths["max"].as_py():
        raise UsageError("its rows have lists of probabilities of several lengths")
    flat: Any = lists.flatten().cast(pa.float64())
    return np.asarray(flat, np.float64).reshape(len(lists), -1)
