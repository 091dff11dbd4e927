"""Compute a story again: do its tables, its queries, its facts and its pages still say the same."""

import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path

import msgspec

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.understand.telling.story import Bars, Grid, Heading, Lead, Story, Tiles, Weeks
from consentinel.understand.telling.tables import Tables
from consentinel.understand.telling.teller import LEVEL, interval
from consentinel.understand.telling.written import numbers

__all__ = ["FILE", "kept", "recomputed", "uncited", "untouched"]

FILE = "story.json"


def kept(folder: Path) -> Story:
    """Return the story that lies in FOLDER; raises BadInput where there is none or it is not one."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Story)
    except OSError:
        raise BadInput("there is no story", where=folder.name, todo="Name the folder of a story with --out") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        raise BadInput(f"is no story ({str(why)[:120]})", where=FILE, todo="Tell it again") from None


def recomputed(story: Story, tables: Tables) -> list[str]:
    """Return what in STORY is not what TABLES say: a table, an answer, a fact, a number that no query gave."""
    wrong = [f"table {one.name}: it is not the one that the story was told of" for one in story.tables
             if one not in tables.tables]  # fmt: skip
    for at, query in enumerate(story.queries):
        try:
            columns, rows = tables.rows(query.sql)
        except UsageError as why:
            wrong.append(f"query {query.id}: {why}")
            continue
        if query.id != at + 1 or columns != query.columns or rows != query.rows:
            wrong.append(f"query {query.id} ({query.title}): the tables now answer otherwise")
    return wrong + _facts(story) + [problem for block in story.blocks for problem in _block(story, block)]


def _facts(story: Story) -> list[str]:
    wrong = []
    for fact in story.facts:
        try:
            query = story.query(fact.query)
            same = query.rows[fact.row][query.columns.index(fact.column)] == fact.value
            ends = interval(query, fact.row, fact.unit)
        except (IndexError, ValueError):
            wrong.append(f"fact {fact.id}: there is no such cell")
            continue
        level = None if ends[0] is None else LEVEL
        if not same or ends != (fact.low, fact.high) or level != fact.level:
            wrong.append(f"fact {fact.id}: it is not what its query says")
    return wrong


def _block(story: Story, block: object) -> list[str]:
    """Return the numbers in BLOCK that no fact wrote, and the facts and queries that are not there."""
    texts: list[str] = []
    facts: list[str] = []
    used: list[tuple[int, str]] = []
    if isinstance(block, Heading):
        texts = [block.text]
    elif isinstance(block, Lead):
        texts = [piece for piece in block.pieces if isinstance(piece, str)]
        said = [piece for piece in block.pieces if not isinstance(piece, str)]
        facts = [piece.fact for piece in said]
        texts += [noun for piece in said for noun in (piece.one, piece.several)]
    elif isinstance(block, Tiles):
        texts, facts = [tile.label for tile in block.tiles], [tile.fact for tile in block.tiles]
    elif isinstance(block, Bars):
        texts = [block.title, block.note, *(head for _, head, _ in block.more)]
        used = [(block.query, name) for name in (block.label, block.value, *(one for one, _, _ in block.more))]
    elif isinstance(block, Weeks):
        texts = [block.title, block.note]
        used = [(block.query, name) for name in ("start", "n", "low", "high")]
    elif isinstance(block, Grid):
        texts = [block.caption, *(head for _, head, _ in block.columns)]
        used = [(block.query, name) for name, _, _ in block.columns]
    known, there = {fact.id for fact in story.facts}, {query.id: set(query.columns) for query in story.queries}
    wrong = [f"the text '{text[:60]}' has a number that no query gave" for text in texts if numbers(text)]
    wrong += [f"fact {fact}: the story has none" for fact in facts if fact not in known]
    return wrong + [f"query {q}: it has no column {name}" for q, name in used if name not in there.get(q, set())]


def untouched(run: Run, folder: Path, story: Story, pages: dict[str, bytes]) -> list[str]:
    """Return which files in FOLDER are not the PAGES (by name) that STORY makes, or not the ones that its run kept."""
    wrong = []
    for name, page in pages.items():
        file = folder / name
        if file.is_file() and run.read(file).read_bytes() != page:
            wrong.append(f"{name}: it is not the page that the story makes")
    try:
        listed = {one["name"]: one["sha256"] for one in json.loads((folder / "run.json").read_text("utf-8"))["kept"]}
    except (OSError, ValueError, KeyError, TypeError):
        return [*wrong, "run.json: it is missing or does not say what was kept"]
    for name, digest in listed.items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            wrong.append(f"{name}: it is not the file that the run kept")
    return list(dict.fromkeys(wrong))


class _Reader(HTMLParser):
    """Reads what stands on a page outside figures that can be pressed, pictures, sources and the foot."""

    _QUIET = ("button", "svg", "sup", "style", "script", "title", "footer", "bdi")
    _VOID = ("meta", "link", "br", "hr", "wbr")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, bool]] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        named = tag == "th" and given.get("scope") == "row" and "title" in given  # the label of a bar is a name
        if tag not in self._VOID:
            self._open.append((tag, tag in self._QUIET or given.get("id") == "sources" or named))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if numbers(data) and not any(quiet for _, quiet in self._open):
            self.found.append(data.strip()[:60])


def uncited(page: str) -> list[str]:
    """Return the texts on the PAGE of a story that have a number which cannot be pressed; names of the data may."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found
