"""How far a picture may be moved, in any way, before the model that answers by majority under noise could change.

Asked of many copies of a picture under Gaussian noise, the model votes. Where the most frequent label has at least the
share p of all noise, every change of Euclidean length below sigma * Phi^-1(p) leaves it the most frequent: proven, not
tried. The copies are rounded and clipped to whole pixels before the model sees them; that is part of the model that
votes, and the proof needs nothing of it. The label is chosen by some draws and p is bounded from others, each bound
wrong with chance 0.001 at most; where p is not above one half the vote abstains.
Source: Cohen, Rosenfeld and Kolter 2019, theorem 1 and section 3.2.2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.robust._certified import ABSTAINED, ALPHA, certified, lower, mean_radius, most_said
from consentinel.assure.robust._scored import Floats, Places, asked, known, right, said, share
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.rng import generator

__all__ = ["KINDS", "NEEDS", "Smoothed", "probe", "smoothed", "voted"]

KINDS = ("vision",)
NEEDS = ("ask", "labels")
SIGMA = 0.25  # of pixels in [0, 1]
RADII = (0.1, 0.25, 0.5)
ROWS, FIRST, DRAWS = 64, 32, 400  # 400 draws that agree certify 0.53
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Smoothed:
    """ROWS (n,) that were voted on, whether the vote is RIGHT (n,), and up to which RADIUS (n,) it stays."""

    rows: Places
    right: NDArray[np.bool_]
    radius: Floats


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the accuracy of the model, that of its vote under noise, how often it abstains, and what is certified."""
    found = smoothed(subject, plan)
    unit, mine = subject.unit[found.rows], pa.array(found.rows)
    how = f"majority under Gaussian noise of {SIGMA:g} on pixels from 0 to 1, {DRAWS} draws"
    own = right(subject.answers.take(mine), subject.rows.take(mine))
    yield share("accuracy", own, unit, plan, why="the model itself, of the same rows")
    yield share("smoothed_accuracy", found.right & (found.radius >= 0), unit, plan, why=how)
    yield share("abstained_share", found.radius < 0, unit, plan, better="lower", why=how)
    at = [(radius, f"norm=L2, radius={radius:.4g}") for radius in RADII]
    why = f"no change of a shorter length makes the vote wrong; {how}; each certificate fails with chance {ALPHA:g}"
    yield from certified(found.right, found.radius, at, unit, plan, why, alpha=ALPHA)
    yield mean_radius(found.right, found.radius, unit, plan, f"norm=L2; {how}")


def smoothed(subject: Subject, plan: Plan, *, rows: int = ROWS, sigma: float = SIGMA, draws: int = DRAWS) -> Smoothed:
    """Return the votes on at most ROWS labelled pictures under noise SIGMA, and what DRAWS of them certify."""
    some = drawn("robust", known(subject), min(plan.rows, rows), plan, "smoothing")
    if not len(some):
        raise UsageError("no row has a label")
    table = subject.rows.take(pa.array(some))
    rng, normal = generator(plan.seed, "assure.robust.smoothing"), NormalDist()
    truth = np.asarray(one(table["label"]).cast(pa.string()).to_pylist(), object)
    good, radius = np.zeros(len(some), bool), np.full(len(some), ABSTAINED)
    for row in range(len(some)):
        votes = voted(subject, table.slice(row, 1), rng, sigma, FIRST + draws)
        guess = most_said(votes[:FIRST])
        p = lower(int((votes[FIRST:] == guess).sum()), draws)
        good[row] = guess == truth[row]
        if p > 0.5:
            radius[row] = sigma * normal.inv_cdf(p)
    return Smoothed(some, good, radius)


def voted(
    subject: Subject, row: pa.Table, rng: np.random.Generator, sigma: float, draws: int, move: Floats | None = None
) -> NDArray[np.object_]:
    """Return what the model says of DRAWS noisy copies of the one picture ROW, moved by MOVE (pixels in [0, 1]) before;
    shape (draws,). Raises UsageError where it is no picture of bytes."""
    x = _pixels(row)
    base = x.astype(np.float32) if move is None else x + 255 * np.asarray(move, np.float32).ravel()
    noisy = base + np.float32(255 * sigma) * rng.standard_normal((draws, len(x)), np.float32)
    flat = np.clip(np.rint(noisy), 0, 255).astype(np.uint8).ravel()
    copies = row.take(pa.array(np.zeros(draws, np.int64)))
    ends = pa.array(np.arange(draws + 1, dtype=np.int64) * len(x))
    column = pa.LargeListArray.from_arrays(ends, pa.array(flat)).cast(row.schema.field("image").type)
    return said(asked(subject, copies.set_column(copies.schema.get_field_index("image"), "image", column)))


def _pixels(row: pa.Table) -> Pixels:
    if "image" not in row.column_names:
        raise UsageError("the rows have no column 'image'; noise is added to pixels alone")
    column = one(row["image"])
    pixels = column.flatten()
    if pixels.type != pa.uint8() or pixels.null_count:
        raise UsageError(f"pixels should be whole numbers from 0 to 255 (uint8), got {pixels.type}")
    return np.asarray(pixels)
