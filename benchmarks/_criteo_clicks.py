"""Criteo's small click log in parts, and the published way to learn from noisy tables, re-run.

Rows are dealt to six parts at random. Part 5 is for tuning and is never tested on; each of the others is tested on by
models trained on the other five. The official validation part is not used.

The published model (Gilotte and Rohde, AdKDD 2021; "noise modelled", their L2 of 64 for labels and 1 for rows) sees,
for each column and pair, the number of rows and of clicks with Gaussian noise of 30.23 (sqrt(30) times their bound at
epsilon 1, delta 1e-7), supposes half of that deviation as their notebook does, and takes 200 preconditioned steps. Its
expectations are computed over all combinations here and not by Gibbs sampling.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT
from consentinel.core.rng import generator
from consentinel.models.ads._encode import Columns, learnt
from consentinel.models.pieces.classes import labels
from consentinel.models.private.noisy_aggregates import Tables, counts

__all__ = ["COLUMNS", "SIGMA", "clicks", "entropy", "losses", "published", "splits", "tuning"]

COLUMNS = ("cat1", "cat4", "cat6", "cat8", "cat9")
SIGMA, PULL_LABEL, PULL_ROW, ROUNDS, PACE = 30.226839722275574, 64.0, 1.0, 200, 0.1
Floats = NDArray[np.float64]


def clicks() -> tuple[pa.Table, NDArray[np.int64]]:
    """Return the rows (categories as texts, label) and the part of each."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    log = pq.read_table(shared / "models" / "criteo-attribution-small" / "train.parquet")
    rows = pa.table({name: log[name].cast(pa.string()) for name in COLUMNS} | {"label": log["click"]})
    return rows, generator(0, "criteo clicks", "parts").integers(0, 6, rows.num_rows)


def splits() -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield (train, test) for each of the five parts that are tested on."""
    rows, part = clicks()
    for at in range(5):
        yield rows.filter(pa.array(part != at)), rows.filter(pa.array(part == at))


def tuning() -> tuple[pa.Table, pa.Table]:
    """Return the rows to train on and the part to tune on."""
    rows, part = clicks()
    return rows.filter(pa.array(part != 5)), rows.filter(pa.array(part == 5))


def losses(score: Floats, label: Floats) -> Floats:
    """Return the log loss of each row in nats."""
    return -(label * np.log(score) + (1 - label) * np.log1p(-score))


def entropy(label: Floats) -> float:
    """Return the entropy of the share of label 1 in nats."""
    share = float(label.mean())
    return -(share * np.log(share) + (1 - share) * np.log1p(-share))


def published(train: pa.Table, test: pa.Table, seed: int) -> Floats:
    """Return the scores of TEST by the published model of noisy tables of TRAIN."""
    encoding = learnt(train, Columns(), pairs=True, who="criteo")
    tables = Tables(tuple(encoding.sizes))
    zero, one = counts(encoding.codes(train, "criteo"), labels(train, "criteo"), tables).astype(np.float64)
    rng, many = generator(seed, "criteo clicks", "published noise"), len(one)
    known = zero + one > 0  # their lists of values have no place for unknown ones; a pair never seen is released too
    singles = sum(tables.cells[: len(COLUMNS)])
    known[singles:] = True
    rows = zero + one + SIGMA * rng.normal(size=many)
    ones = one + SIGMA * rng.normal(size=many)
    total, clicked = float(train.num_rows), float(one[: tables.cells[0]].sum())
    constant = float(np.log(clicked / (total - clicked)))
    row, label = np.zeros(many), np.zeros(many)
    row[:singles] = np.where(known[:singles], np.log(np.maximum(rows[:singles], 0.5) / total), -30.0)
    for _ in range(ROUNDS):
        base = tables.tensor(row)
        without = np.exp(base - base.max())
        with_ = without * np.exp(tables.tensor(label) + np.float32(constant))
        mass = total / (without.sum(dtype=np.float64) + with_.sum(dtype=np.float64))
        expected_one = tables.sums(with_) * mass
        expected = tables.sums(without) * mass + expected_one
        down = expected - rows + _noise(rows, expected) + 2 * PULL_ROW * row
        sure = 2 * PULL_ROW + (expected + np.maximum(rows, 0)) / 2
        row = np.where(known, row - PACE * down / sure, row)
        down = expected_one - ones + _noise(ones, expected_one) + 2 * PULL_LABEL * label
        sure = 2 * PULL_LABEL + (expected_one + np.maximum(ones, 0)) / 2
        label = np.where(known, label - PACE * down / sure, label)
    theta = np.concatenate([[constant], label])
    return 1 / (1 + np.exp(-encoding.sparse(test, "criteo").dot(theta)))


def _noise(seen: Floats, expected: Floats) -> Floats:
    """Return the noise that SEEN likely holds where EXPECTED is the mean of a Poisson count: their approximation."""
    wide = (SIGMA / 2) ** 2
    towards = seen + wide * np.log(expected + 0.001)
    count = np.maximum(towards, 0) + 0.01
    for _ in range(10):
        count = np.maximum(count - (count + wide * np.log(count) - towards) / (1 + wide / count), 0) + 0.01
    return seen - count
