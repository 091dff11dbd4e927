"""How little a picture has to change to be answered wrongly: projected gradient descent with random restarts.

Pixels are numbers in [0, 1], and radii are in this unit: largest change of a pixel (Linf), root of the sum of squares
(L2). The largest radius is tried first: a picture that stands there is not tried at smaller ones, and one that falls
has fallen at every radius down to the smallest change on the way to where it fell. What is found is an upper bound of
the true robust accuracy; the checks say whether the attack could have been blind (gradient masking).
Source: Madry et al. 2018; Carlini et al. 2019 (checks of an evaluation).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.robust._descent import RESTARTS, STEPS, Ball, Singles, attacked, ball, margins, noisy
from consentinel.assure.robust._scored import Floats, Places, known, share
from consentinel.assure.subject import Subject
from consentinel.core.errors import UsageError
from consentinel.core.model_contracts import Differentiable
from consentinel.core.rng import generator
from consentinel.core.stats import Interval, tail

KINDS = ("vision",)
NEEDS = ("gradient", "labels")
RADII = {"Linf": (1 / 255, 2 / 255, 4 / 255, 8 / 255, 16 / 255), "L2": (0.1, 0.25, 0.5, 1.0, 2.0)}
FAR = 0.5  # Linf: every picture can become grey, so that an attack which sees anything breaks every one
ROWS, TRIES, HALVINGS = 100, 6, 12


@dataclass(frozen=True)
class Attacked:
    """Rows that were attacked in one norm.

    Arguments: rows (n,), places; right (n,), answered rightly as they are; fell (n, radii), wrong at a radius or a
    smaller one; nearest (n,), the smallest change that was found, 0 where wrong already, infinite where none; blind
    (n, radii), broken by noise where the gradient found nothing; late (n,), broken by no start but a later one.
    """

    norm: str
    radii: tuple[float, ...]
    rows: Places
    right: NDArray[np.bool_]
    fell: NDArray[np.bool_]
    nearest: Floats
    blind: NDArray[np.bool_]
    late: NDArray[np.bool_]


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the accuracy under attack by radius, the middle of the smallest changes, and what checks the attack."""
    for norm, radii in RADII.items():
        yield from _told(curve(subject, plan, norm, radii), subject, plan)
    far = curve(subject, plan, "Linf", (FAR,))
    why = (
        f"right answers that not even radius {FAR:g} breaks, where any picture can be made grey: the model hardly "
        "looks at the pixels, or its gradients lead nowhere (masking), and then the curves promise too much"
    )
    yield share("masked_share", ~far.fell[far.right, 0], subject.unit[far.rows[far.right]], plan, "norm=Linf", "lower",
                why)  # fmt: skip


def curve(subject: Subject, plan: Plan, norm: str, radii: tuple[float, ...]) -> Attacked:
    """Return how at most `plan.rows` labelled rows fare at RADII, growing, in NORM, Linf or L2.

    Raises UsageError where there is no labelled row, or inputs are not pixels in [0, 1].
    """
    model: Any = subject.model
    assert isinstance(model, Differentiable)
    rows, x, label = pictures(subject, plan)
    around, rng = ball(norm), generator(plan.seed, "assure.robust.pgd", norm)
    right = margins(model, x, label)[0] > 0
    blind, late = np.zeros((len(rows), len(radii)), bool), np.zeros(len(rows), bool)
    nearest = np.where(right, math.inf, 0.0)
    stood = ~right  # nothing more to try
    for at in reversed(range(len(radii))):
        some = np.flatnonzero(~stood & (nearest > radii[at]))
        if not len(some):
            continue
        there, when = attacked(model, x[some], label[some], radii[at], around, rng)
        over = np.flatnonzero(when < 0)
        beside, hit = noisy(model, x[some[over]], label[some[over]], radii[at], around, rng, TRIES)
        there[over[hit]] = beside[hit]
        blind[some[over[hit]], at] = True
        late[some[when > 0]] = True
        broken = (when >= 0) | blind[some, at]
        away = _closer(model, x[some[broken]], there[broken], label[some[broken]], around)
        nearest[some[broken]] = np.minimum(away, radii[at])
        stood[some[~broken]] = True
    fell = nearest[:, None] <= np.array(radii)
    return Attacked(norm, radii, rows, right, fell, nearest, blind, late)


def pictures(subject: Subject, plan: Plan) -> tuple[Places, Singles, NDArray[np.int64]]:
    """Return rows that are attacked, their pixels in [0, 1] and their labels as places in the classes."""
    model: Any = subject.model
    names = {name: at for at, name in enumerate(model.classes())}
    rows = drawn("robust", known(subject), min(plan.rows, ROWS), plan, "pgd")
    labels = subject.rows["label"].take(pa.array(rows)).to_pylist()
    there = np.array([label in names for label in labels], bool)
    if not there.any():
        raise UsageError("no row has a label that the model knows: check --label and the classes of the model")
    rows = rows[there]
    x = np.asarray(model.inputs(subject.rows.take(pa.array(rows))), np.float32)
    if not ((x >= 0) & (x <= 1)).all():
        raise UsageError(
            f"inputs are pixels between 0 and 1, and these go from {np.nanmin(x):g} to {np.nanmax(x):g}; "
            "a model says in `inputs` what its pixels are"
        )
    return rows, x, np.array([names[label] for label in labels if label in names], np.int64)


def _closer(model: Differentiable, x: Singles, there: Singles, label: NDArray[np.int64], around: Ball) -> Floats:
    """Return the length of the move from X towards THERE, which is wrong, at which the answer turns wrong (n,)."""
    low, high = np.zeros(len(x)), np.ones(len(x))
    for _ in range(HALVINGS if len(x) else 0):
        middle = (low + high) / 2
        part = middle.reshape(-1, *[1] * (x.ndim - 1)).astype(np.float32)
        wrong = margins(model, x + part * (there - x), label)[0] <= 0
        low, high = np.where(wrong, low, middle), np.where(wrong, middle, high)
    return high * around.size(there - x) if len(x) else np.zeros(0)


def _told(found: Attacked, subject: Subject, plan: Plan) -> Iterator[Measure]:
    unit, name = subject.unit[found.rows], f"norm={found.norm}"
    how = f"{STEPS} steps, {RESTARTS} starts; pixels from 0 to 1"
    yield share("accuracy_under_pgd", found.right, unit, plan, f"{name}, radius=0", why="as the pictures are")
    for at, radius in enumerate(found.radii):
        yield share("accuracy_under_pgd", ~found.fell[:, at], unit, plan, f"{name}, radius={radius:.4g}", why=how)
    yield _middle(found, unit, plan, name)
    tried = found.right
    why = "right answers that random noise of the same length breaks at a radius where the gradient found nothing"
    yield share("noise_beats_gradient", (found.blind.sum(axis=1) > 0)[tried], unit[tried], plan, name, "lower", why)
    why = f"right answers that only a later start broke, of {RESTARTS}: many of them say that more starts find more"
    yield share("late_start_share", found.late[tried], unit[tried], plan, name, "lower", why)


def _middle(found: Attacked, unit: Places, plan: Plan, name: str) -> Measure:
    """Return the median of the smallest changes of right answers, one row a unit, between two of its order."""
    metric = "median_adversarial_distance"
    places = np.flatnonzero(found.right)
    first = places[np.unique(unit[places], return_index=True)[1]]
    ordered = np.sort(found.nearest[first])
    n = len(ordered)
    if not n or math.isinf(ordered[(n - 1) // 2]):
        why = f"half of {n} right answers or more withstood the largest radius, {found.radii[-1]:.4g}"
        return Measure(metric, None, name, better="higher", why=why if n else "no answer is right")
    below = _order(n, plan.level)
    low = float(ordered[below - 1]) if below else 0.0
    high = float(ordered[n - below]) if below else math.inf
    value = float(ordered[(n - 1) // 2])
    why = "the smallest change that was found, of pictures answered rightly"
    return Measure(metric, Interval(value, low, high, n, plan.level, "order statistics"), name, better="higher",
                   why=why)  # fmt: skip


def _order(n: int, level: float) -> int:
    """Return which of N values in order, counted from 1, is below the median with all but one TAIL; 0 where none is."""
    left, at, term = tail(level), 0, 0.5**n
    total = term
    while total <= left and at < n:
        at += 1
        term *= (n - at + 1) / at
        total += term
    return at
