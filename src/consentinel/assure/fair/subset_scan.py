"""The combination of groups whose scores are furthest from what happened, searched for without being named before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from consentinel.assure.fair._rates import CLASSIFIED, LEAST, Floats, Outcomes, interval, outcomes, totals
from consentinel.assure.measure import Measure, Plan
from consentinel.assure.subject import Subject
from consentinel.core import gaps
from consentinel.core.rng import generator
from consentinel.core.shares import by_group

KINDS = CLASSIFIED
NEEDS = ("labels", "groups", "probabilities")

TIMES = np.exp(np.linspace(-3, 3, 41))  # odds that are tried: 1/20 to 20 times those of the scores
REPLAYS = 199
STARTS = 3
VALUES = 30  # values of an attribute, at most

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class _Cells:
    """Combinations of attribute values: their places (cells, attributes), values per attribute, how many yes are in
    truth and in replays (b, cells), and the logarithm of each of TIMES with what it costs there (times, 1 + cells)."""

    place: NDArray[np.intp]
    sizes: list[int]
    yes: Floats
    cost: Floats


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield, for scores too low and too high, the worst subset, its p-value and its gap in rows not searched.

    Half of the units are searched, and the gap of what is found is measured in the other half, so that its interval is
    not made narrow by the search. The p-value is that of the search among all, replayed with yes drawn by the scores.
    Source: Zhang and Neill 2016 (multi-dimensional subset scan, Bernoulli); p by parametric bootstrap.
    """
    rows = outcomes(subject)
    names, codes, labels = _attributes(subject, rows)
    if not rows.two_way or not names:
        why = f"it needs a label that counts as yes, and an attribute with 2 to {VALUES} values"
        yield Measure("subset_scan", None, why=why)
        return
    rng = generator(plan.seed, "assure.fair.subset_scan")
    searched = (rng.random(rows.people) < 0.5)[rows.unit]
    chance = np.clip(rows.score, 1e-6, 1 - 1e-6)
    replays = (rng.random(len(chance), dtype=np.float32) < chance for _ in range(REPLAYS))
    everywhere = _counted(codes, rows.true, replays)
    part = _counted(codes[searched], rows.true[searched], ())
    for side, name in ((1, "scores_too_low"), (-1, "scores_too_high")):
        score, _ = _scan(_cells(everywhere, labels, chance, side))
        p = float((1 + (score[1:] >= score[0]).sum()) / len(score))
        found, kept = _scan(_cells(part, labels, chance[searched], side))
        chosen = np.all([mask[0][codes[:, at]] for at, mask in enumerate(kept)], axis=0)
        inside = chosen & ~searched
        units = len(np.unique(rows.unit[inside]))
        if found[0] <= 0 or units < LEAST:
            yield Measure(name, None, "", why=f"no subset of at least {LEAST} units has {name.replace('_', ' ')}")
            continue
        ones = inside.astype(np.float64)
        above = totals(rows.unit, rows.people, [inside * (1 + rows.true - rows.score) / 2])
        shares = by_group(above, totals(rows.unit, rows.people, [ones]), np.full(rows.people, -1), 0)
        gap = gaps.shifted(shares, 0, plan.level)
        why = f"likelihood score {score[0]:.2f}; p of the whole search, the gap of the half that was not searched"
        yield Measure(
            name, interval(gap, units, plan.level), _told(names, labels, kept), "its scores", 0.0,
            p, float(gap.detectable), "zero", why,
        )  # fmt: skip


def _attributes(subject: Subject, rows: Outcomes) -> tuple[list[str], NDArray[np.intp], list[list[str]]]:
    names, codes, labels = [], [], []
    for name in subject.attributes():
        levels, code = np.unique(subject.attribute(name).astype(str), return_inverse=True)
        if 1 < len(levels) <= VALUES:
            names.append(name)
            codes.append(code[rows.unit])
            labels.append([str(level) for level in levels])
    return names, np.stack(codes, axis=1) if codes else np.zeros((len(rows.unit), 0), np.intp), labels


def _counted(
    codes: NDArray[np.intp], true: Bools, replays: Iterable[Bools]
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Return the cells that rows with CODES make, each row's, and how many yes each has in truth and in REPLAYS."""
    place, cell = np.unique(codes, axis=0, return_inverse=True)
    cell = cell.ravel()
    return (
        place,
        cell,
        np.stack([np.bincount(cell, yes, len(place)) for yes in chain([true], replays)]).astype(np.float64),
    )


def _cells(
    counted: tuple[NDArray[np.intp], NDArray[np.intp], Floats], labels: list[list[str]], chance: Floats, side: int
) -> _Cells:
    """Return the cells with their costs; SIDE: 1 looks for more yes than the scores say, -1 for fewer."""
    place, cell, yes = counted
    times = TIMES[TIMES > 1] if side > 0 else TIMES[TIMES < 1]
    cost = np.stack([np.bincount(cell, np.log1p(chance * (q - 1)), len(place)) for q in times])
    sizes = [len(levels) for levels in labels]
    return _Cells(place, sizes, yes, np.concatenate([np.log(times)[:, None], cost], axis=1))


def _scan(cells: _Cells) -> tuple[Floats, list[Bools]]:
    """Return the highest score of each replay, shape (b,), and which values of each attribute have it, (b, values)."""
    many, width = len(cells.yes), len(cells.sizes)
    rng = generator(0, "assure.fair.subset_scan.starts")
    best = np.zeros(many)
    kept = [np.ones((many, size), bool) for size in cells.sizes]
    logs, cost = cells.cost[:, 0], cells.cost[:, 1:]
    for start in range(STARTS):
        now = [np.ones((many, size), bool) if start == 0 else rng.random((many, size)) < 0.5 for size in cells.sizes]
        score = np.zeros(many)
        for step in range(4 * width):
            at = step % width
            inside = np.ones((many, len(cells.place)), bool)
            for other in range(width):
                if other != at:
                    inside &= now[other][:, cells.place[:, other]]
            value = np.zeros((len(cells.place), cells.sizes[at]))
            value[np.arange(len(value)), cells.place[:, at]] = 1.0
            hits = (cells.yes * inside) @ value
            costs = np.stack([(inside * part) @ value for part in cost])
            gain = logs[:, None, None] * hits - costs  # (times, b, values): a value is worth keeping where it gains
            sums = np.maximum(gain, 0.0).sum(axis=2)
            top = sums.argmax(axis=0)
            score = sums[top, np.arange(many)]
            now[at] = gain[top, np.arange(many)] > 0
        better = score > best
        best = np.where(better, score, best)
        kept = [np.where(better[:, None], new, old) for new, old in zip(now, kept, strict=True)]
    return best, kept


def _told(names: list[str], labels: list[list[str]], kept: list[Bools]) -> str:
    """Return the subset in words: the attributes of which not all values are in it."""
    parts = [
        f"{name}={'|'.join(label for label, inside in zip(levels, mask[0], strict=True) if inside)}"
        for name, levels, mask in zip(names, labels, kept, strict=True)
        if not mask[0].all()
    ]
    return " & ".join(parts)
