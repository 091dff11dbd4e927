"""Whether an explanation stays when hardly anything changes: inputs with a little noise, or another seed of sampling.

Rank correlation (Spearman) of the values of a row before and after; 1 is the same order. Gradients and trees are asked
for inputs with noise of a twentieth of a standard deviation, sampled explanations are drawn anew.
Source: Alvarez-Melis and Jaakkola 2018 (stability of explanations under small noise).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.explain._asked import Asking, sampled
from consentinel.assure.explain._curves import Floats, mean_of
from consentinel.assure.explain._integrated import attributed
from consentinel.assure.explain._treeshap import contributions, paths
from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.subject import Subject
from consentinel.core.extras import need
from consentinel.core.model_contracts import Differentiable, TreeEnsemble
from consentinel.core.rng import generator

KINDS = ("ranking", "vision", "text", "tabular")
NEEDS = ("ask",)
NOISE, ROWS, PAIRS, STEPS = 0.05, 50, 16, 20
_CELLS, _ASKS, SEQUENCES = 20_000_000, 200_000, 16
METRIC = "explanation_stability"


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the mean rank correlation of explanations of the same rows before and after."""
    model: Any = subject.model
    if isinstance(model, TreeEnsemble):
        found = _trees(subject, model, plan)
    elif isinstance(model, Differentiable):
        found = _gradients(subject, model, plan)
    elif subject.kind == "tabular":
        found = _sampled(subject, plan)
    else:
        why = f"a {subject.kind} model without a gradient or trees is not explained here, so nothing can be compared"
        yield Measure(METRIC, None, why=why)
        return
    rows, before, after, how = found
    same = correlation(before, after)
    known = np.isfinite(same)
    if not known.any():
        yield Measure(METRIC, None, why="every explanation gives all inputs the same value")
        return
    more = "" if known.all() else f"; {int((~known).sum()):,} rows whose values are all equal are left out"
    yield mean_of(METRIC, same[known], subject.unit[rows][known], plan, "higher", how + more)


def correlation(first: Floats, second: Floats) -> Floats:
    """Return the rank correlations of the rows of FIRST and SECOND (n, m), NaN where one does not vary.

    What is not a number in both is left out.
    """
    rank = need("scipy.stats", extra="learn").rankdata
    there = np.isfinite(first) & np.isfinite(second)
    found = np.full(len(first), np.nan)
    for at, known in enumerate(there):
        a, b = (rank(one[at, known]) for one in (first, second))
        a, b = a - a.mean(), b - b.mean()
        size = float(np.sqrt((a @ a) * (b @ b)))
        if size > 0:
            found[at] = float(a @ b) / size
    return found


_Found = tuple[NDArray[np.intp], Floats, Floats, str]


def _trees(subject: Subject, model: TreeEnsemble, plan: Plan) -> _Found:
    rows = drawn("explain", np.arange(subject.rows.num_rows), min(plan.rows, 4 * ROWS), plan, "stability")
    x = np.asarray(model.features(subject.rows.take(pa.array(rows))), np.float64)
    trees = paths(model.trees(), x.shape[1])
    noise = generator(plan.seed, "assure.explain.stability").normal(0, NOISE, x.shape) * x.std(axis=0)
    before, after = (contributions(trees, one)[0] for one in (x, x + noise))
    return rows, before, after, f"noise of {NOISE:g} standard deviations in every feature"


def _gradients(subject: Subject, model: Differentiable, plan: Plan) -> _Found:
    rows = drawn("explain", np.arange(subject.rows.num_rows), min(plan.rows, ROWS), plan, "stability")
    first = model.inputs(subject.rows.slice(0, 1))
    rows = rows[: min(max(5, _CELLS // max(1, first.size)), SEQUENCES if first.ndim == 3 else ROWS)]
    x = np.asarray(model.inputs(subject.rows.take(pa.array(rows))), np.float32)
    base, there = np.where(np.isnan(x), x, np.float32(0)), np.isfinite(x) & (x != 0)
    target = np.asarray(model.scores(x)).argmax(axis=1).astype(np.int64)
    spread = float(x[there].std()) if there.any() else 0.0
    noise = generator(plan.seed, "assure.explain.stability").normal(0, NOISE * spread, x.shape)
    made = []
    for one in (x, np.where(there, x + noise, x).astype(np.float32)):
        made.append(np.where(there, attributed(model, one, target, base, STEPS), np.nan).reshape(len(x), -1))
    return rows, made[0], made[1], f"noise of {NOISE:g} standard deviations in every input that is not 0"


def _sampled(subject: Subject, plan: Plan) -> _Found:
    asking = Asking.of(subject)
    most = max(5, _ASKS // (2 * PAIRS * (len(asking.names) + 1) * len(asking.names)))
    rows = drawn("explain", np.arange(subject.rows.num_rows), min(plan.rows, ROWS, most), plan, "stability")
    before, after = (sampled(asking, rows, PAIRS, plan, "stability", word).values for word in ("first", "second"))
    return rows, before, after, f"drawn twice, from {2 * PAIRS} orders of the columns each"
