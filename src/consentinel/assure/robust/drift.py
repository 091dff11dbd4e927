"""Whether the data have moved away from what was learned, and whether answers got worse with time.

Learned rows against the data: each column by itself, all columns by a classifier that tells the two apart, and the
accuracy that the same model would have, were the data like the learned rows (importance weights). Early against late:
the same measure before and after the middle of a column of times. A change of what the labels mean shows only there.
Source: Rabanser, Günnemann and Lipton 2019 (detecting shift); Shimodaira 2000 (importance weights); Kish 1965
(effective sample size).
"""

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure import per_unit
from consentinel.assure.measure import Measure, Plan, drawn
from consentinel.assure.robust._scored import Floats, Places, known, right
from consentinel.assure.robust._shift import TIMES, Apart, Told, apart, auc, kolmogorov, likeness, psi, variation
from consentinel.assure.subject import KINDS as ALL
from consentinel.assure.subject import RANKED_KINDS, Subject
from consentinel.core import gaps
from consentinel.core.columns import one
from consentinel.core.errors import UsageError
from consentinel.core.shares import by_group
from consentinel.core.stats import Interval, tail

KINDS = ALL
NEEDS = ()
ROWS = 5000  # of each side that are compared
OVERLAP = 0.5  # share of the learned rows that weighted rows must stand for
LEAST = 30  # rows of either side, and effective rows under weights


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield late less early performance, the distance of each column, how well learned rows and data are told apart,
    and what the accuracy would be on rows like the learned ones."""
    yield from _times(subject, plan)
    if subject.learned is None:
        yield Measure("domain_auc", None, why="nothing says what it learned from: give the rows with --learned")
        return
    at = drawn("robust", _sampled(subject, subject.rows), ROWS, plan, "drift rows")
    mine = drawn("robust", _sampled(subject, subject.learned), ROWS, plan, "drift learned")
    if min(len(at), len(mine)) < LEAST:
        why = f"{len(mine)} learned rows and {len(at)} of the data; {LEAST} each are needed"
        yield Measure("domain_auc", None, why=why)
        return
    columns = _columns(subject, mine, at)
    yield from _each(columns, subject.unit[at], plan)
    told = apart(columns, plan.seed)
    estimate, p, reach = auc(told.learned, told.rows, subject.unit[at][told.held], plan.level)
    yield Measure("domain_auc", estimate, "learned rows", "data", 0.5, p, reach, "lower",
                  "how well a classifier that saw half of both tells the others apart; 0.5: not at all")  # fmt: skip
    yield from _weighted(subject, at, told, plan)


def _sampled(subject: Subject, table: pa.Table) -> Places:
    """Return which rows of TABLE are a sample: all; of graphs, which may be the same on both sides, labelled nodes."""
    if subject.kind != "graph" or "label" not in table.column_names:
        return np.arange(table.num_rows)
    return np.flatnonzero(np.asarray(pc.is_valid(one(table["label"]))))


def _columns(subject: Subject, mine: Places, at: Places) -> list[Told]:
    """Return what the rows MINE of the learned and AT of the data are like; counts are over all that was learned."""
    assert subject.learned is not None
    if subject.kind in ("recsys", "graph"):  # a row means something among all others only
        whole = likeness(subject.learned, subject.rows, subject.kind)
        return [Told(told.name, told.learned[mine], told.rows[at], told.number) for told in whole]
    return likeness(subject.learned.take(pa.array(mine)), subject.rows.take(pa.array(at)), subject.kind)


def _each(columns: list[Told], unit: Places, plan: Plan) -> Iterator[Measure]:
    """Yield the distance of each column, one row a unit."""
    first = np.unique(unit, return_index=True)[1]
    for told in columns:
        ours = told.rows[first]
        metric = "ks_distance" if told.number else "total_variation_distance"
        place = f"column={told.name}"
        sides = [np.isfinite(side) if told.number else np.ones(len(side), bool) for side in (told.learned, ours)]
        if min(int(side.sum()) for side in sides) < LEAST:
            why = f"fewer than {LEAST} units have a value on both sides"
            yield Measure(metric, None, place, "learned rows", why=why)
            continue
        estimate, p = (kolmogorov if told.number else variation)(told.learned, ours, plan.level)
        why = f"population stability index {psi(told):.3f}"
        yield Measure(metric, estimate, place, "learned rows", 0.0, p, None, "lower", why)


# Performance


def _values(subject: Subject) -> tuple[str, Places, Floats, Places]:
    """Return the name of the performance, the rows that it is known of, their values and units; for rankings the first
    row of each query stands for it."""
    if subject.kind in RANKED_KINDS:
        found = per_unit.values(subject)
        if found is None:
            return f"ndcg@{subject.k}", np.zeros(0, np.intp), np.zeros(0), np.zeros(0, np.intp)
        value = np.asarray(found[f"ndcg@{subject.k}"].to_numpy(zero_copy_only=False), np.float64)
        units, rows = np.unique(subject.unit, return_index=True)
        there = np.isfinite(value[units])
        return f"ndcg@{subject.k}", rows[there], value[units][there], units[there]
    rows = known(subject)
    hits = right(subject.answers.take(pa.array(rows)), subject.rows.take(pa.array(rows))) if len(rows) else rows
    return "accuracy", rows, np.asarray(hits, np.float64), subject.unit[rows]


def _times(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield the performance on the later half of the rows less that on the earlier."""
    name = next((name for name in TIMES if name in subject.rows.column_names), "")
    word = f"ndcg@{subject.k}" if subject.kind in RANKED_KINDS else "accuracy"
    metric = f"{word}_late_less_early"
    if not name:
        why = f"no column says when a row was made: name it with --columns {TIMES[0]}=THEIRS"
        yield Measure(metric, None, why=why)
        return
    when = _numbers(one(subject.rows[name]))
    _, rows, value, unit = _values(subject)
    if subject.kind in RANKED_KINDS and len(rows):
        when, rows = _median_of_units(when, subject.unit, unit), np.arange(len(unit))
    there = np.isfinite(when[rows])
    rows, value, unit = rows[there], value[there], unit[there]
    middle = float(np.median(when[rows])) if len(rows) else 0.0
    late = when[rows] > middle
    if min(int(late.sum()), int((~late).sum())) < LEAST:
        why = f"{int((~late).sum())} labelled rows are early by '{name}' and {int(late.sum())} late; {LEAST} are needed"
        yield Measure(metric, None, f"{name}=late", f"{name}=early", why=why)
        return
    code = np.unique(unit, return_inverse=True)[1]
    sides = np.stack([late, ~late], axis=1).astype(np.float64)
    above, below = (np.stack([np.bincount(code, weight[:, at]) for at in (0, 1)], axis=1)
                    for weight in (sides * value[:, None], sides))  # fmt: skip
    found = gaps.signed(by_group(above, below, np.full(len(above), -1), 0), [1.0, -1.0], plan.level)
    estimate = Interval(float(found.value), float(found.low), float(found.high), len(above), plan.level,
                        "clustered shares, MOVER")  # fmt: skip
    yield Measure(metric, estimate, f"{name}=late", f"{name}=early", 0.0, float(found.p), float(found.detectable),
                  "higher", f"{int(late.sum()):,} rows late, {int((~late).sum()):,} early")  # fmt: skip


def _weighted(subject: Subject, at: Places, told: Apart, plan: Plan) -> Iterator[Measure]:
    """Yield the performance with rows weighted to be like the learned ones, less that of the data as they are.

    The interval takes in that the weights are estimated (the errors of the fit are carried through), units as clusters.
    """
    name, rows, value, unit = _values(subject)
    metric = f"{name}_if_like_learned_change"
    mine = subject.unit[at] if subject.kind in RANKED_KINDS else at  # the weight of a query is the mean of its rows
    place = np.full(max(subject.rows.num_rows, subject.groups.num_rows), -1)
    place[unit if subject.kind in RANKED_KINDS else rows] = np.arange(len(value))
    key = place[mine]
    there = key >= 0
    many = np.bincount(key[there], minlength=len(value))
    sums = np.bincount(key[there], told.weights[there], minlength=len(value))
    weight = np.divide(sums, many, out=np.zeros(len(value)), where=many > 0)
    size = float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0
    share = float(weight[many > 0].mean()) if weight.any() else 0.0  # 1 where each kind of learned row is there
    if size < LEAST or share < OVERLAP:
        why = (
            f"{int((many > 0).sum()):,} labelled rows, weighted to be like the learned ones, count as {size:.0f} "
            f"(effective sample size; {LEAST} are needed) and stand for {share:.0%} of them: too little overlap"
        )
        yield Measure(metric, None, "like learned rows", why=why)
        return
    seen = (many > 0) / (many > 0).sum()
    like, own = float(weight @ value / weight.sum()), float(seen @ value)
    pull = np.where(there, (value - like)[key] / np.maximum(many[key], 1) / weight.sum(), 0.0)
    theirs, through = told.through(pull)
    direct = weight * (value - like) / weight.sum() - seen * (value - own)
    added = np.bincount(unit, direct, subject.groups.num_rows)
    added += np.bincount(subject.unit[at], through, subject.groups.num_rows)
    units = int((added != 0).sum())
    error = math.sqrt(float((added**2).sum()) * units / max(1, units - 1) + float((theirs**2).sum()))
    z, change = NormalDist().inv_cdf(1 - tail(plan.level)), like - own
    estimate = Interval(change, change - z * error, change + z * error, units, plan.level, "linearised over clusters")
    why = (
        f"importance weights; {int((many > 0).sum()):,} rows count as {size:,.0f}; a loss that stays is no matter of "
        "which inputs come how often"
    )
    p = math.erfc(abs(change) / error / math.sqrt(2)) if error else 1.0
    reach = (z + NormalDist().inv_cdf(0.8)) * error
    yield Measure(metric, estimate, "like learned rows", "data as they are", 0.0, p, reach, "zero", why)


def _median_of_units(when: Floats, unit: Places, units: Places) -> Floats:
    """Return the middle of the times WHEN of the rows of each of UNITS."""
    order = np.lexsort((when, unit))
    start = np.searchsorted(unit[order], units, side="left")
    end = np.searchsorted(unit[order], units, side="right")
    return np.asarray(when[order][(start + end - 1) // 2])


def _numbers(column: pa.Array) -> Floats:
    """Return times as numbers that grow with them, NaN where there is none; raises UsageError for words."""
    if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
        try:
            column = pc.cast(column.cast(pa.string()), pa.timestamp("us"))
        except pa.ArrowInvalid:
            raise UsageError("the column of times holds words that are no dates (year-month-day)") from None
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
