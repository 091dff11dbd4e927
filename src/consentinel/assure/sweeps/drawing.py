"""A picture of two axes against each other: a mark for each setting, with its intervals both ways."""

from collections.abc import Sequence
from math import ceil, floor, log10

from consentinel.core.page import Html, Tone, h

__all__ = ["Mark", "scatter"]

Ends = tuple[float, float, float]  # value, low, high
Mark = tuple[str, Ends, Ends, Tone, str]  # what stands beside it, places across and up, tone, what it is
WIDE, HIGH = 300.0, 190.0
ORDER: tuple[Tone, ...] = ("ok", "info", "muted", "caution", "warn", "danger")  # whose numbers come first


def scatter(marks: Sequence[Mark], *, across: str, up: str) -> Html:
    """Return MARKS on axes that are called ACROSS and UP; infinite ends are drawn to the edge."""
    wide, tall = _ticks(*_range([mark[1] for mark in marks])), _ticks(*_range([mark[2] for mark in marks]))

    def x(value: float) -> float:
        return _at(value, wide, WIDE)

    def y(value: float) -> float:
        return round(HIGH - _at(value, tall, HIGH), 2)

    drawn = [h("line", x1=0, x2=WIDE, y1=y(t), y2=y(t), class_="tick") for t in tall]
    drawn += [h("line", x1=x(t), x2=x(t), y1=0, y2=HIGH, class_="tick") for t in wide]
    for _, (a, low, high), (b, under, over), tone, _ in marks:
        drawn.append(h("line", x1=x(low), x2=x(high), y1=y(b), y2=y(b), class_=f"curve {tone}", opacity=0.35))
        drawn.append(h("line", x1=x(a), x2=x(a), y1=y(under), y2=y(over), class_=f"curve {tone}", opacity=0.35))
    ordered = sorted(marks, key=lambda mark: ORDER.index(mark[3]))
    for _, (a, _, _), (b, _, _), tone, what in reversed(ordered):  # marks lie above all intervals
        drawn.append(h("circle", h("title", what), cx=x(a), cy=y(b), r=3.4, class_=f"fill {tone}"))
    taken: list[tuple[float, float]] = []
    for label, (a, _, _), (b, _, _), *_ in ordered:
        left, top = round(x(a) + 4.5, 2), round(y(b) - 4, 2)
        if all(abs(left - one) > 10 or abs(top - two) > 8 for one, two in taken):  # what is hidden is in the table
            taken.append((left, top))
            drawn.append(h("text", label, x=left, y=top))
    drawn += [h("text", f"{t:g}", x=-4, y=y(t) + 3, text_anchor="end") for t in tall]
    drawn += [h("text", f"{t:g}", x=x(t), y=HIGH + 12, text_anchor="middle") for t in wide]
    drawn.append(h("text", across, x=WIDE / 2, y=HIGH + 25, text_anchor="middle"))
    drawn.append(h("text", up, x=0, y=-8))
    said = f"{up} against {across}: {'; '.join(f'{mark[0]} {mark[4]}' for mark in marks)}"
    box = f"-34 -18 {WIDE + 52:g} {HIGH + 48:g}"
    return h("svg", *drawn, viewBox=box, role="img", aria_label=said, class_="plot")


def _at(value: float, ticks: Sequence[float], size: float) -> float:
    inside = min(max(value, ticks[0]), ticks[-1])
    return round(size * (inside - ticks[0]) / (ticks[-1] - ticks[0]), 2)


def _range(ends: Sequence[Ends]) -> tuple[float, float]:
    """Return what is shown: all values, and of their intervals what is at most half of the span beyond them."""
    values = [value for value, _, _ in ends] or [0.0, 1.0]
    span = (max(values) - min(values)) / 2 or 0.1
    low = max(min(values) - span, min((one[1] for one in ends), default=0.0))
    return low, min(max(values) + span, max((one[2] for one in ends), default=1.0))


def _ticks(low: float, high: float) -> list[float]:
    """Return round places from LOW to HIGH, about five."""
    if high - low <= 1e-9:
        low, high = low - 0.05, high + 0.05
    power = 10.0 ** floor(log10((high - low) / 5))
    step = next(power * part for part in (1, 2, 5, 10) if (high - low) / (power * part) <= 6)
    return [round(step * at, 12) for at in range(floor(low / step + 1e-9), ceil(high / step - 1e-9) + 1)]
