"""Markdown for a repository or a ticket; each figure is a link to its query below."""

import re
from collections.abc import Sequence

from consentinel.core.text import one_line, shown
from consentinel.understand.telling.story import (
    Bars,
    Block,
    Grid,
    Heading,
    Lead,
    Piece,
    Query,
    Story,
    Tiles,
    Unit,
    Weeks,
)
from consentinel.understand.telling.written import fact_text, split, written

__all__ = ["SUFFIX", "write"]

SUFFIX = "md"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")
_LINES = re.compile(r"^([-+=.)]|\d+[.)])")


def write(story: Story) -> bytes:
    """Return STORY as GitHub-flavoured Markdown in UTF-8."""
    lines = [line for block in story.blocks for line in (*_block(story, block), "")]
    lines += ["## Sources", "", "Every figure above leads to the query that it was read by.", ""]
    for query in story.queries:
        rows = [["" if cell is None else _safe(str(cell)) for cell in row] for row in query.rows]
        lines += [f"### Query {query.id}", "", _safe(query.title), "", *_fenced(query.sql), ""]
        lines += [*_table(query.columns, rows), ""]
    lines += ["### Tables", ""]
    lines += _table(
        ["table", "rows", "SHA-256"], [[_safe(t.file), f"{t.rows:,}", f"`{t.sha256}`"] for t in story.tables]
    )
    lines += ["", f"As of {story.as_of}. Made by Consentinel {story.version}."]
    return ("\n".join(lines).strip() + "\n").encode()


def _block(story: Story, block: Block) -> list[str]:
    if isinstance(block, Heading):
        return [f"## {_safe(block.text)}"]
    if isinstance(block, Lead):
        text = _text(story, block.pieces)
        return [f"# {text}" if block.kind == "title" else f"**{text}**" if block.kind == "verdict" else text]
    if isinstance(block, Tiles):
        facts = [(story.fact(tile.fact), tile.label) for tile in block.tiles]
        return [f"- {_cite(fact.query, fact_text(fact))}: {_safe(label)}" for fact, label in facts]
    query = story.query(block.query)
    if isinstance(block, Grid):
        return [_safe(block.caption), "", *_rows(query, block.columns)]
    if isinstance(block, Weeks):
        names: list[tuple[str, str, Unit]] = [("start", "from", "date"), ("n", "how many", "count")]
        return [f"### {_safe(block.title)}", "", *([_safe(block.note), ""] if block.note else []), *_rows(query, names)]
    return _bars(query, block)


def _bars(query: Query, block: Bars) -> list[str]:
    columns: list[tuple[str, str, Unit]] = [
        (block.label, "what", "name"), (block.value, "how many", block.unit), *block.more
    ]  # fmt: skip
    head = [f"### {_safe(block.title)}", "", *([_safe(block.note), ""] if block.note else [])]
    return head + _rows(query, columns)


def _rows(query: Query, columns: Sequence[tuple[str, str, Unit]]) -> list[str]:
    at = [query.columns.index(name) for name, _, _ in columns]
    body = [
        [_cell(query.id, written(row[i], unit), unit) for i, (_, _, unit) in zip(at, columns, strict=True)]
        for row in query.rows
    ]
    return _table([head for _, head, _ in columns], body)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(_safe(head) for head in heads) + " |", "|" + " --- |" * len(heads)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _text(story: Story, pieces: Sequence[Piece]) -> str:
    said = []
    for piece in pieces:
        if isinstance(piece, str):
            said.append(_SPECIAL.sub(r"\\\1", piece))
        else:
            (text, noun), fact = split(story, piece), story.fact(piece.fact)
            said.append((_safe(text) if fact.unit == "name" else _cite(fact.query, text)) + noun)
    return _LINES.sub(r"\\\1", "".join(said))


def _cite(query: int, text: str) -> str:
    return f"[{_safe(text)}](#query-{query})"


def _cell(query: int, text: str, unit: Unit) -> str:
    return _safe(text) if unit == "name" else _cite(query, text)


def _safe(text: str) -> str:
    """Return TEXT on one line, where nothing is read as markup."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _fenced(sql: str) -> list[str]:
    longest = max((len(run) for run in re.findall(r"`+", sql)), default=2)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}sql", *shown(sql).splitlines(), fence]
