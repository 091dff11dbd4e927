"""A picture of counts over time: what was counted, what was expected with its band, and where something happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from consentinel.core.page import Html, Tone, h

__all__ = ["Picture", "timeline"]

WIDE, TALL = 300, 120
Day = np.datetime64


@dataclass(frozen=True)
class Picture:
    """What a timeline shows: days (n,) with counts (NaN ahead) and low to high (NaN where there is none); marked days
    with a word; and which of the days stand out. Levels are (first day, last day, height)."""

    days: Sequence[Day]
    counts: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    levels: Sequence[tuple[Day, Day, float]] = ()
    marks: Sequence[tuple[Day, str]] = ()
    out: Sequence[int] = ()


def timeline(picture: Picture, *, caption: str) -> Html:
    """Return the picture as one drawing: counts are dots, the band is expected, dashed lines are changes of level."""
    first, last = (day.astype("datetime64[D]").astype(int) for day in (picture.days[0], picture.days[-1]))
    values = [x for x in (*picture.counts, *picture.high) if isfinite(x)]
    ticks = _ticks(max(values, default=1.0))

    def x(day: Day) -> float:
        return round(float(WIDE * (day.astype("datetime64[D]").astype(int) - first) / max(1, last - first)), 2)

    def y(value: float) -> float:
        return round(TALL - TALL * min(value, ticks[-1]) / ticks[-1], 2)

    drawn = [h("line", x1=0, x2=WIDE, y1=y(t), y2=y(t), class_="tick") for t in ticks]
    band = [
        (x(day), y(low), y(high))
        for day, low, high in zip(picture.days, picture.low, picture.high, strict=True)
        if isfinite(low) and isfinite(high)
    ]
    if band:
        around = [f"{at},{high}" for at, _, high in band] + [f"{at},{low}" for at, low, _ in reversed(band)]
        drawn.append(h("polygon", points=" ".join(around), class_="band info"))
    for begin, end, height in picture.levels:
        drawn.append(h("line", x1=x(begin), x2=x(end), y1=y(height), y2=y(height), class_="curve ok"))
    for day, word in picture.marks:
        drawn.append(h("line", h("title", word), x1=x(day), x2=x(day), y1=0, y2=TALL, class_="null"))
    small = 1.1 if len(picture.days) > 150 else 1.8
    for at, (day, count) in enumerate(zip(picture.days, picture.counts, strict=True)):
        if isfinite(count):
            tone: Tone = "danger" if at in picture.out else "muted"
            size = small + 1.2 if at in picture.out else small
            drawn.append(h("ellipse", h("title", f"{day}: {count:,.0f}"), cx=x(day), cy=y(count), rx=size, ry=size,
                           class_=f"fill {tone}"))  # fmt: skip
    drawn += [h("text", f"{t:,g}", x=-4, y=y(t) + 3, text_anchor="end") for t in ticks]
    for day, said in _dates(picture.days):
        side = "end" if x(day) > WIDE - 8 else "middle"
        drawn.append(h("text", said, x=x(day), y=TALL + 12, text_anchor=side))
    return h("svg", *drawn, viewBox=f"-34 -6 {WIDE + 48} {TALL + 24}", role="img", aria_label=caption, class_="plot")


def _ticks(top: float) -> list[float]:
    power = 10.0 ** np.floor(np.log10(max(top, 1.0)))
    step = next(part * power / 10 for part in (1, 2, 5, 10, 20) if top <= 5 * part * power / 10)
    step = max(step, 1.0)
    return [float(step * at) for at in range(int(np.ceil(max(top, 1.0) / step)) + 1)]


def _dates(days: Sequence[Day]) -> list[tuple[Day, str]]:
    """Return at most seven dates to write below: the first days of years, or of months, or single days."""
    first, last = days[0].astype("datetime64[D]"), days[-1].astype("datetime64[D]")
    for unit, cut in (("Y", 4), ("M", 7)):
        begins = np.arange(first.astype(f"datetime64[{unit}]") + 1, last.astype(f"datetime64[{unit}]") + 1)
        if len(begins) >= 3:
            picked = begins[:: -(-len(begins) // 7)]
            return [(one.astype("datetime64[D]"), str(one)[:cut]) for one in picked]
    return [(days[at], str(days[at])) for at in sorted({0, len(days) // 2, len(days) - 1})]
