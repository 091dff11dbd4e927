"""The picture of a frontier: utility against epsilon, with intervals, and lines for no privacy and for no model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from consentinel.core.page import Html, h

__all__ = ["picture"]

# Colours that stay apart for readers who see few of them (Okabe and Ito); the shapes of marks say the same again.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8a6d00")
_GREY, _INK, _FLOOR = "#dddddd", "#222222", "#777777"
_WIDTH, _HEAD, _HIGH = 880, 36, 350  # of the picture, its title, and a panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 640, 30, 290  # of the axes in a panel
_SAID = {"ceiling": " (no privacy)", "floor": " (floor)", "private": ""}  # in the order of the legend
Row = Mapping[str, Any]


def picture(found: pa.Table, title: str) -> str:
    """Return the points FOUND (POINTS) as an SVG file under TITLE: one panel a measure, epsilon on a log axis.

    Bars and bands are the intervals; what of them lies far outside the values is cut off at the edge of the panel.
    """
    rows = found.to_pylist()
    measures = list(dict.fromkeys(row["measure"] for row in rows))
    high = _HEAD + _HIGH * len(measures)
    panels = []
    for at, name in enumerate(measures):
        drawn = _panel([row for row in rows if row["measure"] == name], name)
        panels.append(h("g", *drawn, transform=f"translate(0 {_HEAD + at * _HIGH})"))
    body = h(
        "svg", h("title", f"{title}: {', '.join(measures)}"), h("rect", width=_WIDTH, height=high, fill="#ffffff"),
        h("text", title, x=_LEFT, y=24, font_size=17, fill=_INK), *panels,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_WIDTH} {high}", width=_WIDTH, height=high, role="img",
        font_family="sans-serif",
    )  # fmt: skip
    return f"{body}\n"


@dataclass(frozen=True)
class _Axes:
    """Places of a panel: epsilon from LEFT to RIGHT (log10), values from LOW to HIGH."""

    left: float
    right: float
    low: float
    high: float

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "_Axes":
        """Return axes that show every value of ROWS, and intervals up to half of the span beyond."""
        logs = [math.log10(row["epsilon"]) for row in rows if row["epsilon"]] or [0.0]
        values = [row["value"] for row in rows]
        span = (max(values) - min(values)) or 1.0
        low = max(min(values) - span / 2, min(row["low"] for row in rows)) - 0.04 * span
        high = min(max(values) + span / 2, max(row["high"] for row in rows)) + 0.04 * span
        wide = max(0.3, 0.06 * (max(logs) - min(logs)))
        return cls(min(logs) - wide, max(logs) + wide, low, high)

    def x(self, epsilon: float) -> float:
        """Return where EPSILON stands."""
        return round(_LEFT + (_RIGHT - _LEFT) * (math.log10(epsilon) - self.left) / (self.right - self.left), 1)

    def y(self, value: float) -> float:
        """Return where VALUE stands, not outside the panel."""
        inside = min(max(value, self.low), self.high)
        return round(_BOTTOM - (_BOTTOM - _TOP) * (inside - self.low) / (self.high - self.low), 1)


def _panel(rows: Sequence[Row], name: str) -> list[Html]:
    axes = _Axes.of(rows)
    drawn = [h("text", name, x=_LEFT, y=_TOP - 10, font_size=14, font_weight="bold", fill=_INK), *_grid(axes, rows)]
    curves = len({row["trainer"] for row in rows if row["role"] == "private"})
    trainers = sorted({(row["role"], row["trainer"]): None for row in rows}, key=lambda one: list(_SAID).index(one[0]))
    for at, (role, trainer) in enumerate(trainers):
        mine = sorted((row for row in rows if row["trainer"] == trainer), key=lambda row: row["epsilon"] or 0)
        colour = _FLOOR if role == "floor" else _COLOURS[at % len(_COLOURS)]
        key = _TOP + 10 + 22 * at
        drawn.append(_text(f"{trainer}{_SAID[role]}", _RIGHT + 52, key + 4, "start"))
        if role == "private":
            beside = 7 * (at - len(trainers) + (curves + 1) / 2)  # bars of equal epsilon stand side by side
            drawn += [*_curve(mine, axes, colour, at, beside), _line(_RIGHT + 14, key, _RIGHT + 44, key, colour, 2)]
            drawn.append(_mark(_RIGHT + 29, key, colour, at))
        else:
            dash = "2 4" if role == "floor" else "9 4"
            top, bottom = axes.y(mine[0]["high"]), axes.y(mine[0]["low"])
            drawn.append(h("rect", x=_LEFT, y=top, width=_RIGHT - _LEFT, height=round(bottom - top, 1), fill=colour,
                           fill_opacity=0.12))  # fmt: skip
            level = axes.y(mine[0]["value"])
            drawn += [_line(_LEFT, level, _RIGHT, level, colour, 2, dash)]
            drawn += [_line(_RIGHT + 14, key, _RIGHT + 44, key, colour, 2, dash)]
    return drawn


def _grid(axes: _Axes, rows: Sequence[Row]) -> list[Html]:
    step = 10 ** math.floor(math.log10((axes.high - axes.low) / 2))
    step = next(step * part for part in (0.5, 1, 2, 5) if (axes.high - axes.low) / (step * part) <= 7)
    drawn = []
    for at in range(math.ceil(axes.low / step), math.floor(axes.high / step) + 1):
        level = axes.y(at * step)
        drawn += [_line(_LEFT, level, _RIGHT, level, _GREY), _text(f"{at * step:.4g}", _LEFT - 8, level + 4, "end")]
    for value in sorted({row["epsilon"] for row in rows if row["epsilon"]}):
        place = axes.x(value)
        drawn += [_line(place, _BOTTOM, place, _BOTTOM + 5, _INK), _text(f"{value:g}", place, _BOTTOM + 20, "middle")]
    drawn.append(_text("epsilon (log scale)", (_LEFT + _RIGHT) / 2, _BOTTOM + 38, "middle"))
    return [*drawn, _line(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, _INK)]


def _curve(mine: Sequence[Row], axes: _Axes, colour: str, at: int, beside: float) -> list[Html]:
    points = [(round(axes.x(row["epsilon"]) + beside, 1), axes.y(row["value"])) for row in mine]
    line = " ".join(f"{x},{y}" for x, y in points)
    drawn = [h("polyline", points=line, fill="none", stroke=colour, stroke_width=2)]
    for row, (x, y) in zip(mine, points, strict=True):
        drawn += [_line(x, axes.y(row["low"]), x, axes.y(row["high"]), colour, 1.5), _mark(x, y, colour, at)]
    return drawn


def _mark(x: float, y: float, colour: str, at: int) -> Html:
    """Return a mark at a place: a circle, a square or a diamond."""
    if at % 3 == 0:
        return h("circle", cx=x, cy=y, r=5, fill=colour)
    turned = f"rotate(45 {x} {y})" if at % 3 == 2 else None
    return h("rect", x=round(x - 4.5, 1), y=round(y - 4.5, 1), width=9, height=9, fill=colour, transform=turned)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, dash: str | None = None) -> Html:
    return h("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width, stroke_dasharray=dash)


def _text(text: str, x: float, y: float, anchor: str) -> Html:
    return h("text", text, x=x, y=y, font_size=12, text_anchor=anchor, fill=_INK)
