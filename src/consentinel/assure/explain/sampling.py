"""Why a model that can only be asked answers as it does: sampled Shapley values of tabular rows, which sum exactly.

A column counts by how much the answer changes when it goes from the value of another row to that of the row explained,
over random orders. Only the Monte Carlo error of the split is left; the sum has none.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.explain._asked import Asking, sampled
from consentinel.assure.explain._curves import (
    EXAMPLES,
    LEVELS,
    Floats,
    areas,
    gain,
    mean_of,
    random_orders,
    ranks,
    top,
)
from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.subject import Subject
from consentinel.core.columns import one
from consentinel.core.rng import generator

KINDS = ("tabular",)
NEEDS = ("ask",)
ROWS, PAIRS, OTHERS, ASKS, SHOWN, REASONS = 60, 16, 4, 400_000, 5, 3


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how exactly values sum, how sure they are, and how much faster the answer moves when the columns that count
    most are replaced first than in a random order."""
    asking = Asking.of(subject)
    rows = _rows(asking, plan)
    found, unit = sampled(asking, rows, PAIRS, plan, "sampling"), subject.unit[rows]
    score = asking.sure(subject.answers.take(pa.array(rows)), asking.targets(rows))
    away = np.abs(found.values.sum(axis=1) + found.begin - score)
    why = f"from what was answered before; the largest is {away.max():.1e}"
    yield mean_of("additivity_error", away, unit, plan, "lower", why)
    size = float(np.abs(found.values).mean())
    why = f"standard error of a value from {2 * PAIRS} orders; the mean size of a value is {size:.2g}"
    yield mean_of("monte_carlo_error", found.errors.mean(axis=1), unit, plan, "lower", why)
    there = np.ones(found.values.shape, bool)
    mine = _deleted(asking, rows, ranks(found.values), plan)
    orders = random_orders(there, plan, "sampling")
    chance = np.mean([_deleted(asking, rows, order, plan) for order in orders], axis=0)
    why = "columns take values of other rows, those that add most first; area in a random order less in this one"
    yield gain("deletion_auc_difference", chance - mine, unit, plan, why)


def examples(subject: Subject, plan: Plan) -> pa.Table:
    """Return for a few rows, which are numbers, the columns that add most to the answer, by name."""
    asking = Asking.of(subject)
    rows = _rows(asking, plan)[:SHOWN]
    if not len(rows):
        return EXAMPLES.empty_table()
    found = sampled(asking, rows, PAIRS, plan, "sampling")
    said = [subject.positive] * len(rows)
    if not subject.positive:
        said = one(subject.answers["label"]).cast(pa.string()).take(pa.array(rows)).to_pylist()
    about = [f"row {at + 1}" for at in range(len(rows))]
    return top(about, said, [asking.names] * len(rows), list(found.values), REASONS)


def _rows(asking: Asking, plan: Plan) -> NDArray[np.intp]:
    """Return which rows are explained: so few that wide ones do not ask for longer."""
    most = max(5, ASKS // (2 * PAIRS * (len(asking.names) + 1) * len(asking.names)))
    return drawn("explain", np.arange(asking.subject.rows.num_rows), min(plan.rows, ROWS, most), plan, "sampling")


def _deleted(asking: Asking, rows: NDArray[np.intp], order: NDArray[np.int64], plan: Plan) -> Floats:
    """Return the areas (n,) when columns go in ORDER (n, columns) to values of the same few other rows."""
    rng = generator(plan.seed, "assure.explain.sampling", "others")
    other = rng.integers(0, asking.subject.rows.num_rows, (len(rows), OTHERS))
    cuts = np.ceil(LEVELS * order.shape[1])
    gone = order[:, None, None, :] < cuts[:, None]  # (n, 1, levels, columns)
    source = np.where(gone, other[:, :, None, None], rows[:, None, None, None])
    target = np.broadcast_to(asking.targets(rows)[:, None, None], source.shape[:-1])
    said = asking.values(source.reshape(-1, order.shape[1]), target.ravel()).reshape(source.shape[:-1])
    return areas(said.mean(axis=1))
