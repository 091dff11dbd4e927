"""Which mechanism an aggregate of a question needs, over which value, in which range it is clipped."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from sqlglot import exp

from consentinel.core.errors import UsageError
from consentinel.protect.asked import Aggregate
from consentinel.protect.declared import number
from consentinel.protect.expressions import render
from consentinel.protect.joins import From
from consentinel.protect.ranges import Ends, range_of
from consentinel.protect.statistic import Bounds

__all__ = ["Bounded", "aggregate_of", "is_aggregate"]

MOST_BINS = 10_000
_VALUED: dict[Any, str] = {
    exp.Sum: "sum",
    exp.Avg: "mean",
    exp.Variance: "variance",
    exp.VariancePop: "variance",
    exp.Stddev: "standard_deviation",
    exp.StddevSamp: "standard_deviation",
    exp.StddevPop: "standard_deviation",
}
_QUANTILES = (exp.WithinGroup, exp.Quantile, exp.ApproxQuantile, exp.PercentileCont, exp.Median)
_REFUSED: tuple[tuple[tuple[Any, ...], str], ...] = (
    ((exp.Max, exp.Min), "MAX and MIN are single people's values; ask for QUANTILE_CONT(x, 0.99) or 0.01"),
    ((exp.PercentileDisc,), "PERCENTILE_DISC is a single person's value; ask for PERCENTILE_CONT"),
    ((exp.ApproxDistinct,), "APPROX_COUNT_DISTINCT is not supported; ask for COUNT(DISTINCT unit)"),
)


@dataclass(frozen=True)
class Bounded:
    """The FROM of a question and what one unit is bounded to, for noise."""

    source: From
    groups: int
    rows: int


def is_aggregate(node: exp.Expression) -> bool:
    """Whether NODE is an aggregate function; one that is hidden in an expression is not, and is refused later."""
    if isinstance(node, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        return is_aggregate(node.this)
    return isinstance(node, exp.AggFunc) or (isinstance(node, exp.Anonymous) and node.name.lower() == "histogram")


def aggregate_of(name: str, node: exp.Expression, bounded: Bounded) -> Aggregate:
    """Return the aggregate that the resolved NODE asks for, called NAME; raises UsageError."""
    kept = None
    if isinstance(node, exp.Filter):
        kept = render(node.expression.this)
        node = node.this
    if isinstance(node, exp.Count | exp.CountIf):
        return _count(name, node, kept, bounded)
    if type(node) in _VALUED:
        _arguments(node, "this")
        return _valued(name, _VALUED[type(node)], (), node.this, kept, bounded)
    if isinstance(node, _QUANTILES):
        value, levels = _quantiles(node)
        return _valued(name, "quantiles", (("at", ",".join(map(str, levels))),), value, kept, bounded)
    if isinstance(node, exp.Anonymous):
        value, bins, ends = _bins(node)
        return _valued(name, "histogram", (("bins", str(bins)),), value, kept, bounded, ends)
    if isinstance(node, exp.ApproxTopK):
        _arguments(node, "this", "expression")
        k = node.expression.name if isinstance(node.expression, exp.Literal) else ""
        if not k.isdigit() or not 1 <= int(k) <= 10_000 or kept is not None:
            raise UsageError("APPROX_TOP_K(column, k) has a whole number k in [1, 10,000]; filter in WHERE")
        return Aggregate(name, "top_k", (("k", str(int(k))),), None, Bounds(bounded.groups, bounded.rows, None, None))
    for kinds, instead in _REFUSED:
        if isinstance(node, kinds):
            raise UsageError(instead)
    raise UsageError(
        f"the aggregate '{node.key}' is not known here; there is: COUNT, SUM, AVG, VARIANCE, STDDEV, MEDIAN, "
        "QUANTILE_CONT, HISTOGRAM, APPROX_TOP_K"
    )


def _arguments(node: exp.Expression, *names: str) -> None:
    """Refuse an aggregate with an argument beyond NAMES, and DISTINCT."""
    for key, value in node.args.items():
        if value not in (None, [], False) and key not in names and key != "big_int":
            raise UsageError(f"'{node.key}' with '{key}' is not known here; leave it out")
    if isinstance(node.args.get("this"), exp.Distinct):
        raise UsageError(f"{node.key.upper()}(DISTINCT ...) is not supported; only COUNT(DISTINCT unit) is")
    if any(
        isinstance(inner, exp.AggFunc | exp.Window)
        for inner in node.find_all(exp.AggFunc, exp.Window)
        if inner is not node
    ):
        raise UsageError("an aggregate inside an aggregate; ask for each as a column of its own")


def _count(name: str, node: exp.Expression, kept: str | None, bounded: Bounded) -> Aggregate:
    bounds = Bounds(bounded.groups, bounded.rows, None, None)
    if isinstance(node, exp.CountIf):
        _arguments(node, "this")
        return Aggregate(name, "count", (("of", "rows"),), _both(render(node.this), kept), bounds)
    what = node.this
    if isinstance(what, exp.Distinct):
        found = what.expressions
        unit = len(found) == 1 and isinstance(found[0], exp.Column)
        if not unit or (found[0].table, found[0].name) not in bounded.source.units():
            raise UsageError("COUNT(DISTINCT x) counts units: name the unit column; other columns are not supported")
        return Aggregate(name, "count", (("of", "units"),), kept, Bounds(bounded.groups, 1, None, None))
    _arguments(node, "this")
    if isinstance(what, exp.Star):
        return Aggregate(name, "count", (("of", "rows"),), kept, bounds)
    return Aggregate(name, "count", (("of", "rows"),), _both(f"({render(what)} IS NOT NULL)", kept), bounds)


def _both(condition: str, kept: str | None) -> str:
    return condition if kept is None else f"({condition} AND {kept})"


def _valued(
    name: str,
    kind: str,
    params: tuple[tuple[str, str], ...],
    value: exp.Expression,
    kept: str | None,
    bounded: Bounded,
    ends: Ends = (None, None),
) -> Aggregate:
    written = render(value)
    low, high = range_of(value, lambda alias, column: _declared(bounded, alias, column))
    if None not in ends:
        low, high = ends
    if low is None or high is None:
        raise UsageError(
            f"{kind}: the range of {value.sql(dialect='duckdb')[:100]} is not known; declare low and high of its "
            "columns, or write LEAST(GREATEST(x, low), high)"
        )
    if not low < high:
        raise UsageError(f"{kind}: the value is always {low}; ask for COUNT(*) instead")
    if max(abs(low), abs(high)) > 10**15:
        raise UsageError(f"{kind}: the value may be as far out as {max(abs(low), abs(high)):.3g}; clip it to 1e15")
    least, most = range_of(value, lambda alias, column: _plausible(bounded, alias, column))
    least, most = _inside(least, low, -1), _inside(most, high, 1)
    bounds = Bounds(
        bounded.groups, bounded.rows, low, high, least if least < low else None, most if most > high else None
    )
    return Aggregate(name, kind, params, written if kept is None else f"(CASE WHEN {kept} THEN {written} END)", bounds)


def _declared(bounded: Bounded, alias: str, column: str) -> Ends:
    found = bounded.source.column(alias, column)
    return found.low, found.high


def _plausible(bounded: Bounded, alias: str, column: str) -> Ends:
    found = bounded.source.column(alias, column)
    return (found.low if found.least is None else found.least), (found.high if found.most is None else found.most)


def _inside(end: Fraction | None, clipped: Fraction, way: int) -> Fraction:
    if end is None or abs(end) > 10**15:
        return clipped
    return max(end, clipped) if way > 0 else min(end, clipped)


def _quantiles(node: exp.Expression) -> tuple[exp.Expression, tuple[Fraction, ...]]:
    """Return the value and the levels of a quantile in any of its spellings."""
    if isinstance(node, exp.WithinGroup):
        order = node.expression.expressions
        if not isinstance(node.this, exp.PercentileCont) or len(order) != 1 or order[0].args.get("desc"):
            raise UsageError("write PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x), ascending")
        return order[0].this, _levels(node.this.this)
    if isinstance(node, exp.Median):
        _arguments(node, "this")
        return node.this, (Fraction(1, 2),)
    _arguments(node, "this", "quantile", "expression")
    return node.this, _levels(node.args.get("quantile") or node.args.get("expression"))


def _levels(node: exp.Expression | None) -> tuple[Fraction, ...]:
    found = _numbers(node, "a quantile")
    if not found or len(found) > 100 or any(not 0 < level < 1 for level in found) or len(set(found)) != len(found):
        raise UsageError("quantiles are 1 to 100 different numbers in (0, 1), for example QUANTILE_CONT(x, [0.5, 0.9])")
    return found


def _bins(node: exp.Expression) -> tuple[exp.Expression, int, Ends]:
    """Return the value, the number of bins, and the ends of their range where edges say it."""
    value, bins = node.expressions if len(node.expressions) == 2 else (None, None)
    if value is None:
        raise UsageError("write HISTOGRAM(x, 20) for 20 bins of equal width, or HISTOGRAM(x, [0, 10, 20])")
    edges = _numbers(bins, "the number of bins, or an edge")
    if not isinstance(bins, exp.Array):
        if edges[0].denominator != 1 or not 2 <= edges[0] <= MOST_BINS:
            raise UsageError(f"a histogram has 2 to {MOST_BINS:,} bins")
        return value, int(edges[0]), (None, None)
    widths = {b - a for a, b in pairwise(edges)}
    if not 3 <= len(edges) <= MOST_BINS + 1 or len(widths) != 1 or min(widths) <= 0:
        raise UsageError("the edges of a histogram ascend in equal steps, for example HISTOGRAM(x, [0, 10, 20, 30])")
    return value, len(edges) - 1, (edges[0], edges[-1])


def _numbers(node: exp.Expression | None, what: str) -> tuple[Fraction, ...]:
    """Return the literal numbers of NODE: one, or a list of them."""
    nodes = node.expressions if isinstance(node, exp.Array) else [node]
    return tuple(_number(one, what) for one in nodes)


def _number(node: exp.Expression | None, what: str) -> Fraction:
    if isinstance(node, exp.Paren):
        return _number(node.this, what)
    if isinstance(node, exp.Neg):
        return -_number(node.this, what)
    if not isinstance(node, exp.Literal) or node.is_string:
        raise UsageError(f"{what} is written as a number")
    return number(node.name, what)
