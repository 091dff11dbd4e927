"""In which range the value of a row-wise expression lies, derived from the declared ranges of its columns.

The range decides how a value is clipped, never whether it is: a value outside is clipped to it, so a range that was
derived too narrow would bias an answer but break no privacy promise.
"""

from collections.abc import Callable
from fractions import Fraction

from sqlglot import exp

__all__ = ["Ends", "Range", "range_of"]

Ends = tuple[Fraction | None, Fraction | None]  # None: no bound on that side
Range = Callable[[str, str], Ends]  # (alias, column) -> its declared range
NONE: Ends = (None, None)
_FLAG: Ends = (Fraction(0), Fraction(1))
_FLAGS = (exp.Predicate, exp.Boolean, exp.And, exp.Or, exp.Not, exp.In, exp.StartsWith)


def range_of(node: exp.Expression, of: Range) -> Ends:
    """Return the least and greatest value of a resolved NODE, None where there is no bound; nulls are left out.

    Arguments: a resolved expression; of, the range of a column.
    """
    match node:
        case exp.Column():
            return of(node.table, node.name)
        case exp.Literal() if not node.is_string:
            value = Fraction(node.name)
            return value, value
        case exp.Paren() | exp.Cast() | exp.TryCast():
            return range_of(node.this, of)
        case exp.Neg():
            low, high = range_of(node.this, of)
            return _minus(high), _minus(low)
        case exp.Abs():
            return _abs(range_of(node.this, of))
        case exp.Sign():
            return Fraction(-1), Fraction(1)
        case exp.Add():
            (a, b), (c, d) = range_of(node.this, of), range_of(node.expression, of)
            return _plus(a, c), _plus(b, d)
        case exp.Sub():
            (a, b), (c, d) = range_of(node.this, of), range_of(node.expression, of)
            return _plus(a, _minus(d)), _plus(b, _minus(c))
        case exp.Mul():
            return _times(range_of(node.this, of), range_of(node.expression, of))
        case exp.Div():
            return _over(range_of(node.this, of), range_of(node.expression, of))
        case exp.Floor() | exp.Ceil():
            low, high = range_of(node.this, of)
            return _rounded(low, -1), _rounded(high, 1)
        case exp.Least() | exp.Greatest():
            return _extreme(node, of)
        case exp.Case() | exp.If():
            return _either([range_of(n, of) for n in _branches(node)])
        case exp.Coalesce():
            return _either([range_of(n, of) for n in [node.this, *node.expressions]])
        case _ if isinstance(node, _FLAGS):
            return _FLAG
    return NONE


def _branches(node: exp.Expression) -> list[exp.Expression]:
    ifs = node.args["ifs"] if isinstance(node, exp.Case) else [node]
    other = node.args.get("default") if isinstance(node, exp.Case) else node.args.get("false")
    found = [i.args["true"] for i in ifs] + ([other] if other is not None else [])
    return [n for n in found if not isinstance(n, exp.Null)]


def _either(ranges: list[Ends]) -> Ends:
    lows, highs = [low for low, _ in ranges], [high for _, high in ranges]
    low = None if None in lows or not lows else min(v for v in lows if v is not None)
    high = None if None in highs or not highs else max(v for v in highs if v is not None)
    return low, high


def _extreme(node: exp.Expression, of: Range) -> Ends:
    """LEAST and GREATEST pass over nulls, so only an argument that is never null surely limits the result."""
    parts = [node.this, *node.expressions]
    low, high = _either([range_of(n, of) for n in parts])
    sure = [range_of(n, of) for n in parts if _never_null(n)]
    if isinstance(node, exp.Least):
        limits = [h for _, h in sure if h is not None] + ([high] if high is not None else [])
        return low, min(limits) if limits else None
    limits = [v for v, _ in sure if v is not None] + ([low] if low is not None else [])
    return max(limits) if limits else None, high


def _never_null(node: exp.Expression) -> bool:
    if isinstance(node, exp.Paren | exp.Neg):
        return _never_null(node.this)
    if isinstance(node, exp.Least | exp.Greatest | exp.Coalesce):
        return any(map(_never_null, [node.this, *node.expressions]))
    return isinstance(node, exp.Literal) and not node.is_string


def _minus(a: Fraction | None) -> Fraction | None:
    return None if a is None else -a


def _plus(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    return None if a is None or b is None else a + b


def _rounded(a: Fraction | None, way: int) -> Fraction | None:
    if a is None:
        return None
    return Fraction(a.__ceil__() if way > 0 else a.__floor__())


def _abs(ends: Ends) -> Ends:
    low, high = ends
    if low is None or high is None:
        least = max((v for v in (low, _minus(high)) if v is not None), default=Fraction(0))
        return max(least, Fraction(0)), None
    return (Fraction(0) if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


def _times(a: Ends, b: Ends) -> Ends:
    zero = (Fraction(0), Fraction(0))
    if zero in (a, b):
        return zero
    if None in a or None in b:
        bounded = a[0] is not None and b[0] is not None and a[0] >= 0 and b[0] >= 0
        return (a[0] * b[0], None) if bounded and a[0] is not None and b[0] is not None else NONE
    products = [x * y for x in a for y in b if x is not None and y is not None]
    return min(products), max(products)


def _over(a: Ends, b: Ends) -> Ends:
    low, high = b
    if low is None or high is None or low <= 0 <= high:
        return NONE
    return _times(a, (1 / high, 1 / low))
