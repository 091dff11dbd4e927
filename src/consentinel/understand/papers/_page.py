"""The page of a story: every figure is a button that shows its query, its rows and the tables that it was read from."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from consentinel.core.page import Cell, Column, Html, Part, figure, h, join, page, table, tiles
from consentinel.understand.telling.story import (
    Bars,
    Block,
    Grid,
    Heading,
    Lead,
    Piece,
    Query,
    Scalar,
    Story,
    Tiles,
    Unit,
    Weeks,
)
from consentinel.understand.telling.written import plain, split, written
from consentinel.understand.timeline import Picture, timeline

__all__ = ["html"]

ABOUT = (
    "Every figure on this page was computed from the tables by the query behind it: press it to see the query, its "
    "answer and the digests of the tables. Nobody typed a number, and no model wrote one."
)


def html(story: Story) -> str:
    """Return STORY as one HTML page."""
    title = next((b for b in story.blocks if isinstance(b, Lead) and b.kind == "title"), None)
    name = plain(story, title.pieces) if title else story.story
    parts: list[Part] = []
    charts: list[Part] = []
    for block in story.blocks:
        if isinstance(block, Bars | Weeks):
            charts.append(_chart(story, block))
            continue
        if charts:
            parts.append(h("div", *charts, class_="charts"))
            charts = []
        parts.append(_block(story, block))
    parts += [h("div", *charts, class_="charts")] if charts else []
    return page(name, *parts, _sources(story), _made(story))


def _block(story: Story, block: Block) -> Html:
    if isinstance(block, Heading):
        return h("h2", block.text, class_="story")
    if isinstance(block, Tiles):
        return tiles((_cite(story.fact(t.fact).query, *_tile(story, t.fact)), t.label, t.tone) for t in block.tiles)
    if isinstance(block, Grid):
        return _grid(story, block)
    if isinstance(block, Lead):
        text = _text(story, block.pieces)
        if block.kind == "title":
            kicker = h("p", f"Consentinel · {story.story} story", class_="kicker")
            return h("header", kicker, h("h1", text))
        if block.kind == "verdict":
            return h("p", text, class_=f"verdict {block.tone}")
        return h("p", text, class_="note" if block.kind == "note" else None)
    return _chart(story, block)


def _tile(story: Story, name: str) -> tuple[str, str]:
    """Return the figure of the fact NAME, and its interval where it has one."""
    fact = story.fact(name)
    whole = "" if fact.low is None else f"{written(fact.low, fact.unit)} to {written(fact.high, fact.unit)}"
    return written(fact.value, fact.unit), whole


def _text(story: Story, pieces: Sequence[Piece]) -> Html:
    said: list[Part] = []
    for piece in pieces:
        if isinstance(piece, str):
            said.append(piece)
        else:
            (text, noun), fact = split(story, piece), story.fact(piece.fact)
            said += [h("b", h("bdi", text)) if fact.unit == "name" else _cite(fact.query, text), noun]
    return join(*said)


def _cite(query: int, text: str, more: str = "") -> Html:
    """Return TEXT as a button that opens the source QUERY; on paper the number of the source stands behind it."""
    pressed = h("button", h("bdi", text), type="button", class_="cite", popovertarget=f"source-{query}",
                title=f"Query {query}" + (f"; interval {more}" if more else ""))  # fmt: skip
    return h("span", pressed, h("sup", h("a", str(query), href=f"#source-{query}"), class_="paper"), class_="cited")


def _cited(query: Query, value: Scalar, unit: Unit) -> Cell:
    text = written(value, unit)
    return Cell(h("bdi", text) if unit == "name" else _cite(query.id, text), value)


def _grid(story: Story, block: Grid) -> Html:
    query = story.query(block.query)
    at = [query.columns.index(name) for name, _, _ in block.columns]
    widest = max(range(len(at)), key=lambda i: max((len(str(row[at[i]])) for row in query.rows), default=0))
    heads = [
        Column(head, numeric=unit not in ("name", "date"), wide=i == widest and unit == "name")
        for i, (_, head, unit) in enumerate(block.columns)
    ]
    rows = [
        [_cited(query, row[i], unit) for i, (_, _, unit) in zip(at, block.columns, strict=True)] for row in query.rows
    ]
    return table(heads, rows, caption=block.caption, search=len(rows) > 15)


def _chart(story: Story, block: Bars | Weeks) -> Html:
    query = story.query(block.query)
    if isinstance(block, Weeks):
        return h("div", h("h3", block.title), _note(block.note), _weeks(query, block.title), _link(query.id),
                 class_="figure")  # fmt: skip
    return figure(block.title, _bars(query, block), note=block.note or None)


def _note(text: str) -> Html | None:
    return h("p", text, class_="note") if text else None


def _link(query: int) -> Html:
    return h("p", "The counts: ", _cite(query, f"query {query}"), class_="soft")


def _bars(query: Query, block: Bars) -> Html:
    place = {name: query.columns.index(name) for name in (block.label, block.value, *(m[0] for m in block.more))}
    top = max((float(row[place[block.value]] or 0) for row in query.rows), default=0) or 1
    body = []
    for row in query.rows:
        label, value = row[place[block.label]], row[place[block.value]]
        tone = block.tones.get(str(label), "info")
        width = f"{100 * float(value or 0) / top:.2f}%"
        bar = h("svg", h("rect", width=width, height="100%", class_=f"fill {tone}"), aria_hidden="true", class_="bar")
        cells = [(value, block.unit), *((row[place[name]], unit) for name, _, unit in block.more)]
        body.append(
            h("tr", h("th", written(label, "name"), scope="row", title=written(label, "name")),
              h("td", bar, class_="pic"),
              *(h("td", _cite(query.id, written(cell, unit)), class_="num") for cell, unit in cells))
        )  # fmt: skip
    heads = [h("th", head, scope="col", class_="num") for _, head, _ in block.more]
    head = h("thead", h("tr", h("td"), h("td"), h("td"), *heads)) if heads else None
    if not body:
        return h("p", "Nothing to show.", class_="note")
    return h("table", h("caption", block.title), head, h("tbody", *body), class_="bars counted")


def _weeks(query: Query, caption: str) -> Html:
    columns = {name: [row[query.columns.index(name)] for row in query.rows] for name in ("start", "n", "low", "high")}
    days = [np.datetime64(str(day)[:10]) for day in columns["start"]]
    counts, low, high = ([float(x) if isinstance(x, int | float) else float("nan") for x in columns[name]]
                         for name in ("n", "low", "high"))  # fmt: skip
    out = [at for at, n in enumerate(counts) if n > high[at] or n < low[at]]
    return timeline(Picture(days, counts, low, high, out=out), caption=caption)


def _sources(story: Story) -> Html:
    """Return the sources: hidden until a figure is pressed, and the last pages on paper."""
    cards = []
    for query in story.queries:
        read = [one for one in story.tables if one.name in query.tables]
        rows = h(
            "table",
            h("thead", h("tr", *(h("th", c, scope="col") for c in query.columns))),
            h("tbody", *(h("tr", *(h("td", "" if c is None else str(c)) for c in row)) for row in query.rows)),
        )
        digests = [h("li", f"{t.file}: {t.rows:,} rows, SHA-256 ", h("code", t.sha256)) for t in read]
        close = h("button", "Close", type="button", class_="close", popovertarget=f"source-{query.id}",
                  popovertargetaction="hide")  # fmt: skip
        cards.append(
            h("article", close, h("h3", f"Query {query.id}: {query.title}"), h("pre", h("code", query.sql)),
              h("h4", f"Answer ({len(query.rows)} {'row' if len(query.rows) == 1 else 'rows'})"),
              h("div", rows, class_="record rows"), h("h4", "Read from"), h("ul", *digests, class_="plain"),
              id=f"source-{query.id}", popover="auto", class_="source")
        )  # fmt: skip
    return h("section", h("h2", "Sources", class_="paper"), *cards, id="sources")


def _made(story: Story) -> Html:
    tables = ", ".join(f"{t.file} ({t.rows:,})" for t in story.tables)
    day = written(date.fromisoformat(story.as_of).isoformat(), "date")
    return h("footer", h("p", ABOUT, class_="note"),
             h("p", f"As of {day}. Tables with their rows: {tables}. Made by Consentinel {story.version}. Check it: "
               "consentinel understand tell TABLES --out FOLDER --check", class_="soft"))  # fmt: skip
