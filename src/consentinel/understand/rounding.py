"""Numbers with their intervals as people read them: no more digits than the width of the interval means."""

from math import floor, isfinite, log10

__all__ = ["between", "ends", "rounded"]

MOST = 8  # digits behind the point


def rounded(value: float, width: float, *, sign: bool = False) -> str:
    """Return VALUE to the second digit of WIDTH, with thousands separated; SIGN also writes a plus."""
    plus = "+" if sign else ""
    if not isfinite(value):
        return "?" if value != value else "∞" if value > 0 else "-∞"
    if not isfinite(width) or width <= 0:
        return f"{value:{plus},.0f}" if abs(value) >= 1000 else f"{value:{plus}.3g}"
    places = min(MOST, max(0, 1 - floor(log10(width))))
    return f"{round(value, places) + 0.0:{plus},.{places}f}"  # no -0.00


def between(low: float, high: float, *, sign: bool = False) -> str:
    """Return "LOW to HIGH", kept together on one line."""
    return f"{rounded(low, high - low, sign=sign)}\u00a0to\u00a0{rounded(high, high - low, sign=sign)}"


def ends(value: float, low: float, high: float, *, sign: bool = False) -> str:
    """Return VALUE and its interval, as in 0.36 (0.13 to 0.59)."""
    return f"{rounded(value, high - low, sign=sign)} ({between(low, high, sign=sign)})"
