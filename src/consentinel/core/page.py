"""One single-file HTML page: everything in it is escaped, nothing in it is fetched, and it works without its script.

A page is made of `Html`, which is text that is known to be escaped. `h` is the only way to make it, so text from
outside cannot become markup. Charts are tables with a drawing in one cell: they read the same on screen, on paper and
in a screen reader. The policy in the head (Content Security Policy Level 3, W3C) allows this page's own style and
script by their digests and nothing else.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from math import ceil, floor, isfinite, log10
from typing import Literal

from consentinel.core.text import shown

__all__ = [
    "Cell", "Column", "Html", "Series", "Tone", "badge", "bars", "curve", "figure", "h", "intervals", "join", "matrix",
    "number", "page", "section", "stacked", "strip", "table", "tiles",
]  # fmt: skip

Tone = Literal["danger", "warn", "caution", "info", "ok", "muted"]
_VOID = {"meta", "link", "br", "hr", "wbr"}
_SHADES = 5  # steps of a heat map


class Html(str):
    """Text that is already escaped."""

    __slots__ = ()


Part = Html | str | int | float | None


def h(name: str, /, *parts: Part, **attributes: str | int | float | bool | None) -> Html:
    """Return one element; PARTS are escaped unless they are Html, None is left out.

    In attribute names a trailing "_" is dropped and other "_" become "-"; True writes the bare name, None and False
    leave the attribute out.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(shown(str(value)))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{join(*parts)}</{name}>")


def join(*parts: Part) -> Html:
    """Return PARTS one after the other; what is not Html is escaped."""
    return Html("".join(p if isinstance(p, Html) else escape(shown(str(p))) for p in parts if p is not None))


def number(value: float) -> str:
    """Return VALUE with thousands separated, and at most one decimal."""
    return f"{value:,.1f}" if isinstance(value, float) and not value.is_integer() else f"{int(value):,}"


def badge(text: str, tone: Tone) -> Html:
    """Return TEXT as a small label; the word says what the colour says."""
    return h("span", text, class_=f"badge {tone}")


def page(title: str, *parts: Part, lang: str = "en") -> str:
    """Return the whole document with TITLE and PARTS as its body."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = join(
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=policy),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="color-scheme", content="light dark"),
        h("meta", name="referrer", content="no-referrer"),
        h("link", rel="icon", href="data:,"),
        h("title", title),
        h("style", Html(style)),
    )
    body = h("body", h("main", *parts), h("script", Html(script)))
    return f"<!doctype html>\n{h('html', h('head', head), body, lang=lang)}\n"


def section(title: str, *parts: Part, anchor: str, note: Part = None) -> Html:
    """Return a section with a heading, a sentence under it, and PARTS."""
    lead = None if note is None else h("p", note, class_="note")
    return h("section", h("h2", title, id=f"{anchor}-h"), lead, *parts, id=anchor, aria_labelledby=f"{anchor}-h")


def tiles(items: Iterable[tuple[str, str, Tone | None]]) -> Html:
    """Return the big figures of the page: (figure, what it counts, tone)."""
    return h(
        "dl",
        *(
            h("div", h("dt", what), h("dd", figure), class_=f"tile {tone or ''}".strip())
            for figure, what, tone in items
        ),
        class_="tiles",
    )


@dataclass(frozen=True)
class Column:
    """One column: its heading, whether it holds numbers, and whether a filter for its values is offered.

    A wide column holds sentences and names its row; one for the screen only is left out on paper.
    """

    label: str
    numeric: bool = False
    choose: bool = False
    wide: bool = False
    screen: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell: what is shown, what it sorts by, and what its filter calls it."""

    content: Part
    sort: str | int | float | None = None
    label: str | None = None


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[Part | Cell]], *, caption: str, search: bool = True
) -> Html:
    """Return a table that its reader can sort, filter and search when scripts run, and read and print when not."""
    head = h("tr", *(_heading(c) for c in columns))
    # One cell names the row for a reader who cannot see the grid: the one that says most, else the first.
    named = next((at for at, column in enumerate(columns) if column.wide), 0)
    body = [
        h("tr", *(_cell(c, v, at == named) for at, (c, v) in enumerate(zip(columns, r, strict=True)))) for r in rows
    ]
    if not body:
        body = [h("tr", h("td", "Nothing to show.", colspan=len(columns)), class_="empty")]
    grid = h("table", h("caption", caption), h("thead", head), h("tbody", *body), class_="grid", data_tools=search)
    return h("div", grid, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _heading(column: Column) -> Html:
    return h("th", column.label, scope="col", class_=_kind(column), data_choose=column.choose)


def _kind(column: Column) -> str | None:
    words = (("num", column.numeric), ("wide", column.wide), ("screen", column.screen))
    return " ".join(word for word, on in words if on) or None


def _cell(column: Column, value: Part | Cell, heads: bool) -> Html:
    cell = value if isinstance(value, Cell) else Cell(value)
    content, key = cell.content, cell.sort
    if column.numeric and isinstance(content, int | float):
        content, key = number(content), content if key is None else key
    name, scope = ("th", "row") if heads else ("td", None)
    inner = h("div", content, class_="v")
    return h(name, inner, scope=scope, class_=_kind(column), data_k=key, data_f=cell.label, data_l=column.label)


def figure(title: str, *parts: Html, note: str | None = None) -> Html:
    """Return a chart or several under one heading."""
    return h("div", h("h3", title), None if note is None else h("p", note, class_="note"), *parts, class_="figure")


Series = tuple[str, Tone]  # a name and the tone it is drawn in


def bars(rows: Sequence[tuple[str, float]], *, caption: str, tones: Mapping[str, Tone] | None = None) -> Html:
    """Return horizontal bars, one for each (label, value)."""
    tones = tones or {}
    series: list[Series] = [("", "info")]
    shares = [(label, [(value, tones.get(label, series[0][1]))]) for label, value in rows]
    return _drawn(shares, caption=caption)


def stacked(rows: Sequence[tuple[str, Mapping[str, float]]], series: Sequence[Series], *, caption: str) -> Html:
    """Return horizontal bars made of parts, with a legend; SERIES gives the order and the tones."""
    shares = [(label, [(values.get(name, 0), tone) for name, tone in series]) for label, values in rows]
    return join(_legend(series), _drawn(shares, caption=caption, names=[name for name, _ in series]))


def _drawn(
    rows: Sequence[tuple[str, Sequence[tuple[float, Tone]]]], *, caption: str, names: Sequence[str] = ()
) -> Html:
    longest = max((sum(value for value, _ in parts) for _, parts in rows), default=0) or 1
    body = []
    for label, parts in rows:
        at, drawn = 0.0, []
        for value, tone in parts:
            if value:
                width = 100 * value / longest
                drawn.append(h("rect", x=f"{at:.2f}%", width=f"{width:.2f}%", height="100%", class_=f"fill {tone}"))
                at += width
        picture = h("svg", *drawn, aria_hidden="true", class_="bar")
        figures = [number(value) for value, _ in parts] if names else [number(sum(value for value, _ in parts))]
        body.append(
            h(
                "tr",
                h("th", label, scope="row"),
                h("td", picture, class_="pic"),
                *(h("td", f, class_="num") for f in figures),
            )
        )
    head = h("tr", h("td"), h("td"), *(h("th", n, scope="col", class_="num") for n in names)) if names else None
    headed = None if head is None else h("thead", head)
    return h("table", h("caption", caption), headed, h("tbody", *body), class_="bars")


def _legend(series: Sequence[Series]) -> Html:
    square = "0 0 10 10"
    keys = (
        h("li", h("svg", h("rect", width=10, height=10, class_=f"fill {t}"), viewBox=square, aria_hidden="true"), name)
        for name, t in series
    )
    return h("ul", *keys, class_="legend")


def matrix(
    rows: Sequence[str], columns: Sequence[str], values: Mapping[tuple[str, str], float], *, caption: str
) -> Html:
    """Return a heat map; VALUES holds a number for each (row, column) that has one."""
    top = max(values.values(), default=0) or 1
    head = h("tr", h("td"), *(h("th", h("span", c), scope="col") for c in columns))
    body = []
    for row in rows:
        cells = []
        for column in columns:
            value = values.get((row, column), 0)
            # A square root keeps small numbers apart from none at all.
            shade = min(_SHADES, 1 + int(_SHADES * (value / top) ** 0.5 * 0.999)) if value else 0
            cells.append(
                h("td", number(value) if value else h("span", "·", aria_label="none"), class_=f"heat s{shade}")
            )
        body.append(h("tr", h("th", row, scope="row"), *cells))
    grid = h("table", h("caption", caption), h("thead", head), h("tbody", *body), class_="matrix")
    return h("div", grid, class_="scroll", role="region", aria_label=caption, tabindex=0)


def strip(
    rows: Sequence[tuple[str, Sequence[tuple[float, Tone, str]], Sequence[float]]],
    *,
    caption: str,
    unit: str,
    mark: str,
) -> Html:
    """Return a timeline: for each row a label, its points (where, tone, what) and its marks (where), all in UNIT."""
    everything = [x for _, points, marks in rows for x in (*(p[0] for p in points), *marks)]
    step = _step(max([*everything, 0.0]) or 1.0)
    ticks = [step * i for i in range(int(max([*everything, 0.0]) / step - 1e-9) + 2)]

    def at(x: float) -> str:
        return f"{1 + 98 * max(x, 0.0) / ticks[-1]:.2f}%"

    lines = [h("line", x1=at(t), x2=at(t), y1=0, y2="100%", class_="tick") for t in ticks]
    body = []
    for label, points, marks in rows:
        drawn = [
            *(h("line", x1=at(x), x2=at(x), y1=0, y2="100%", class_="mark") for x in marks),
            *(
                h("circle", h("title", what), cx=at(x), cy="50%", r=5, class_=f"fill {tone}")
                for x, tone, what in points
            ),
        ]
        said = f"{len(points)} from {number(min((p[0] for p in points), default=0.0))} {unit}"
        said += f"; {mark} at {', '.join(number(x) for x in marks)} {unit}" if marks else ""
        body.append(
            h("tr", h("th", label, scope="row"), h("td", h("svg", *lines, *drawn, role="img", aria_label=said)))
        )
    scale = [h("text", number(t), x=at(t), y=12, text_anchor=_anchor(i, len(ticks))) for i, t in enumerate(ticks)]
    axis = h("tr", h("td", unit), h("td", h("svg", *scale, aria_hidden="true", class_="axis")))
    return h("table", h("caption", caption), h("tbody", *body), h("tfoot", axis), class_="strip")


def intervals(
    rows: Sequence[tuple[str, tuple[float, float, float], Tone, str]], *, caption: str, null: float | None = None
) -> Html:
    """Return estimates with their intervals on one axis: for each row a label, (value, low, high), a tone, a figure.

    An end beyond the axis, such as an infinite one, is drawn to its edge; NULL, the value without effect, is a line.
    """
    finite = [x for _, ends, _, _ in rows for x in ends if isfinite(x)] + ([] if null is None else [null])
    ticks = _ticks(min(finite, default=0.0), max(finite, default=1.0), 4)

    def at(x: float) -> str:
        inside = min(max(x, ticks[0]), ticks[-1])
        return f"{2 + 96 * (inside - ticks[0]) / (ticks[-1] - ticks[0]):.2f}%"

    lines = [h("line", x1=at(t), x2=at(t), y1=0, y2="100%", class_="tick") for t in ticks]
    lines += [] if null is None else [h("line", x1=at(null), x2=at(null), y1=0, y2="100%", class_="null")]
    body = []
    for label, (value, low, high), tone, said in rows:
        drawn = [
            h("line", x1=at(low), x2=at(high), y1="50%", y2="50%", class_=f"span {tone}"),
            h("circle", cx=at(value), cy="50%", r=4.5, class_=f"fill {tone}"),
        ]
        picture = h("svg", *lines, *drawn, role="img", aria_label=said)
        body.append(h("tr", h("th", label, scope="row"), h("td", picture), h("td", said, class_="num")))
    scale = [h("text", f"{t:g}", x=at(t), y=12, text_anchor=_anchor(i, len(ticks))) for i, t in enumerate(ticks)]
    axis = h("tr", h("td"), h("td", h("svg", *scale, aria_hidden="true", class_="axis")), h("td"))
    return h("table", h("caption", caption), h("tbody", *body), h("tfoot", axis), class_="strip spans")


def curve(
    series: Sequence[tuple[str, Sequence[tuple[float, float, float, float]], Tone]], *, caption: str, across: str
) -> Html:
    """Return lines with bands: for each series a name, its points (x, value, low, high) by x, and a tone.

    ACROSS names what runs from left to right. Ends that are infinite are drawn to the edge.
    """
    points = [point for _, some, _ in series for point in some]
    wide = _ticks(min(p[0] for p in points), max(p[0] for p in points))
    heights = [x for p in points for x in p[1:] if isfinite(x)]
    tall = _ticks(min(heights, default=0.0), max(heights, default=1.0))

    def at(x: float, ticks: Sequence[float], size: float) -> float:
        return round(size * (min(max(x, ticks[0]), ticks[-1]) - ticks[0]) / (ticks[-1] - ticks[0]), 2)

    def place(x: float, y: float) -> str:
        return f"{at(x, wide, 300)},{round(120 - at(y, tall, 120), 2)}"

    drawn = [
        *(h("line", x1=0, x2=300, y1=120 - at(t, tall, 120), y2=120 - at(t, tall, 120), class_="tick") for t in tall),
        *(h("line", x1=at(t, wide, 300), x2=at(t, wide, 300), y1=0, y2=120, class_="tick") for t in wide),
    ]
    for name, some, tone in series:
        around = [place(x, high) for x, _, _, high in some] + [place(x, low) for x, _, low, _ in reversed(some)]
        drawn.append(h("polygon", points=" ".join(around), class_=f"band {tone}"))
        middle = " ".join(place(x, value) for x, value, _, _ in some)
        drawn.append(h("polyline", h("title", name), points=middle, class_=f"curve {tone}"))
        drawn += [
            h("circle", cx=at(p[0], wide, 300), cy=120 - at(p[1], tall, 120), r=2, class_=f"fill {tone}") for p in some
        ]
    drawn += [h("text", f"{t:g}", x=-4, y=123 - at(t, tall, 120), text_anchor="end") for t in tall]
    drawn += [h("text", f"{t:g}", x=at(t, wide, 300), y=132, text_anchor="middle") for t in wide]
    drawn.append(h("text", across, x=150, y=145, text_anchor="middle"))
    picture = h("svg", *drawn, viewBox="-34 -6 344 156", role="img", aria_label=caption, class_="plot")
    return join(_legend([(name, tone) for name, _, tone in series]) if len(series) > 1 else None, picture)


def _ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round places from LOW or below to HIGH or above, the range cut into about MOST."""
    if high - low <= 1e-9 * max(1.0, abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    step = _step((high - low) * 6 / most)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(step * i, 12) for i in range(first, max(last, first + 1) + 1)]


def _step(top: float) -> float:
    """Return a round step (1, 2 or 5 times a power of ten) that cuts TOP into at most six."""
    power = 10.0 ** min(-3, floor(log10(top)) - 1) if top > 0 else 0.001
    while True:
        for part in (1, 2, 5):
            if top / (part * power) <= 6:
                return float(part * power)
        power *= 10


def _anchor(i: int, n: int) -> str:
    return "start" if i == 0 else "end" if i == n - 1 else "middle"


def _asset(name: str) -> str:
    return (files("consentinel.core") / name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
