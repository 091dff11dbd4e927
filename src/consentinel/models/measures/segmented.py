"""Segments of people: do they stay when people are drawn again, and does what people did next put them in the same."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.run import Run
from consentinel.core.stats import mean_interval, wilson
from consentinel.models.evaluation.comparing import METRICS, chosen, compared, told
from consentinel.models.evaluation.measuring import Figures, asked_of
from consentinel.models.measures.sides import Asked, Measured, Sides, histories, queries
from consentinel.models.users.segments import Segments

__all__ = ["SEGMENTS", "measured"]

SAME, STABILITY = "same_segment", "stability"
STRANGER = "held out {}"  # so that the model places somebody by what was held out, not by what it knows of them
SEGMENTS = pa.schema(
    [("segment", pa.string()), ("people", pa.int64()), ("share", pa.float64()), ("low", pa.float64()),
     ("high", pa.float64())]
)  # fmt: skip


def measured(run: Run, sides: Sides, asked: Asked) -> Measured:
    """Return how stable the segments of SIDES are and how often what people did later puts them in the same one.

    The baseline puts everybody in the largest. Keeps the sizes of the segments of the first training. Raises
    UsageError where nobody was both learned from and held out.
    """
    learned = sides.learned
    if learned is None:
        raise UsageError("say with --train what the model learned from: its people are placed by that, and by the rest")
    both = one(sides.held["user"].cast(pa.string())).unique()
    known = one(learned["user"].cast(pa.string())).unique()
    mine = both.filter(pc.is_in(both, known))
    if not len(mine):
        raise UsageError("nobody in the held-out rows was learned from, so no segment can be compared")
    if len(mine) < len(both):
        run.note(f"{len(both) - len(mine)} of {len(both)} people were not learned from and are left out")
    names = pa.array([STRANGER.format(at) for at in range(len(mine))])
    later = queries(names, 1, histories(mine, sides.held))
    before = queries(mine, 1)
    found, stable = [], []
    largest = "segment 1"
    for model in sides.models:
        first, then = (one(asked_of(model, asking)["item"].cast(pa.string())) for asking in (before, later))
        found.append(Figures(sides.name, {SAME: np.asarray(pc.equal(first, then), np.float64)}))
        stable.append(_stability(model))
    beside = Figures("the largest for all", {SAME: np.asarray(pc.equal(then, largest), np.float64)})
    names_of = chosen([SAME, STABILITY], asked.metrics)
    rows = []
    if STABILITY in names_of:  # chance gives 0, so no baseline stands beside
        each = stable[0] if len(stable) == 1 else np.array([draws.mean() for draws in stable])
        rows.append(told(sides.name, STABILITY, mean_interval(each, asked.level)))
    table = pa.Table.from_pylist(rows, METRICS)
    if SAME in names_of:
        table = pa.concat_tables([table, compared(found, [beside], asked.how(), SAME)])
    sizes = one(asked_of(sides.models[0], queries(known, 1))["item"].cast(pa.string()))
    return Measured(table, {"segments": _sizes(sizes, asked.level)})


def _stability(model: object) -> NDArray[np.float64]:
    assert isinstance(model, Segments)
    return model.stability


def _sizes(segment: pa.Array, level: float) -> pa.Table:
    """Return as SEGMENTS how many people there are in each SEGMENT (people,), the largest first."""
    counts = pc.value_counts(segment)
    rows = []
    for name, many in sorted(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True),
                             key=lambda row: (-row[1], row[0])):  # fmt: skip
        share = wilson(many, len(segment), level)
        rows.append({"segment": name, "people": many, "share": share.value, "low": share.low, "high": share.high})
    return pa.Table.from_pylist(rows, SEGMENTS)
