"""The page of groups: topics with how surely they hold, groups with why, and the links that a person should look at."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core import page
from consentinel.core.page import Cell, Column, Html, Tone, h
from consentinel.core.text import one_line
from consentinel.understand.grouping.linking import Linked
from consentinel.understand.grouping.near import Pairs
from consentinel.understand.grouping.records import Records

__all__ = ["Found", "Named", "written"]

TONES: dict[str, Tone] = {"stable": "ok", "weak": "caution", "unstable": "danger"}
SHOWN, YEARS = 100, 15  # rows of a table; columns of the heat map


@dataclass(frozen=True)
class Named:
    """A topic: its name and terms, how surely it comes back, its records with their strength, firmest examples."""

    name: str
    terms: list[str]
    stability: float
    verdict: str
    rows: NDArray[np.int64]
    strength: NDArray[np.float64]
    examples: list[int]


@dataclass(frozen=True)
class Found:
    """All that was found."""

    records: Records
    links: Linked
    topics: list[Named]
    near: Pairs
    groups: list[dict[str, Any]]
    threshold: float


def written(found: Found, notes: list[str]) -> str:
    """Return the page of what was FOUND."""
    links = found.links
    together = sum(row["n"] for row in found.groups)
    tiles: list[tuple[str, str, Tone | None]] = [
        (f"{len(found.records.ids):,}", "records", None),
        (f"{len(found.groups):,}", f"groups, of {together:,} records", None),
        (f"{len(found.near.left):,}", "pairs of near-duplicates", None),
        (f"{len(found.topics)}", "topics", None),
    ]
    parts = [h("h1", "What belongs together"), page.tiles(tiles), *(h("p", note, class_="note") for note in notes)]
    if found.topics:
        parts.append(_topics(found))
    parts += [_groups(found), _doubtful(found), _error(links)]
    return page.page("What belongs together", *parts)


def _topics(found: Found) -> Html:
    bars = page.bars(
        [(one.name, len(one.rows)) for one in found.topics], caption="Records by topic",
        tones={one.name: TONES[one.verdict] for one in found.topics},
    )  # fmt: skip
    texts = found.records.texts
    rows = [
        [one.name, len(one.rows), Cell(page.badge(one.verdict, TONES[one.verdict]), one.stability, one.verdict),
         Cell(f"{one.stability:.2f}", one.stability), ", ".join(one.terms),
         one_line(texts[one.examples[0]].as_py() or "", 220) if one.examples else ""]
        for one in found.topics
    ]  # fmt: skip
    columns = [Column("Topic", wide=True), Column("Records", numeric=True), Column("Holds", choose=True),
               Column("Stability", numeric=True), Column("Terms"), Column("Firmest record")]  # fmt: skip
    weak = [one.name for one in found.topics if one.verdict == "unstable"]
    said = f" Not to be read into, as they do not come back: {'; '.join(weak)}." if weak else ""
    return page.section(
        "Topics", page.figure("How many", bars, note="Green topics are stable, red ones are not."), *_by_year(found),
        page.table(columns, rows, caption="Topics"), anchor="topics",
        note="Stability is the mean Jaccard similarity of a topic with its likest cluster when seven tenths of the "
        f"records are clustered anew: 0.75 and more is stable, under 0.60 unstable.{said}",
    )  # fmt: skip


def _by_year(found: Found) -> list[Html]:
    days = found.records.days
    known = ~np.isnan(days)
    if not known.any():
        return []
    year = np.zeros(len(days), np.int64)
    year[known] = days[known].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    years = sorted({int(one) for one in year[known]})[-YEARS:]
    values = {}
    for one in found.topics:
        counted = Counter(year[one.rows][known[one.rows]].tolist())
        values |= {(one.name, str(at)): float(counted[at]) for at in years if counted[at]}
    names = [one.name for one in found.topics]
    return [page.figure("When", page.matrix(names, [str(one) for one in years], values, caption="Records by year"))]


def _groups(found: Found) -> Html:
    at = {record: n for n, record in enumerate(found.records.ids)}
    of = found.links.group
    why: dict[int, Counter[str]] = {}
    rare: dict[int, Counter[str]] = {}
    for place in np.flatnonzero(found.links.stands).tolist():
        one = int(of[found.links.left[place]])
        why.setdefault(one, Counter()).update(found.links.because[place])
        rare.setdefault(one, Counter()).update(found.links.shared[place])
    rows = []
    for row in found.groups[:SHOWN]:
        first = at[row["representative"]]
        number = int(of[first])
        rows.append([
            one_line(found.records.texts[first].as_py() or "", 220), row["n"], _span(row), row["people"] or "",
            "; ".join(row["subjects"][:4]) + (" ..." if len(row["subjects"]) > 4 else ""),
            ", ".join(name for name, _ in why.get(number, Counter()).most_common(4)),
            ", ".join(name for name, _ in rare.get(number, Counter()).most_common(5)),
            Cell(f"{row['least_chance']:.2f}", row["least_chance"]),
        ])  # fmt: skip
    columns = [Column("Earliest record", wide=True), Column("Records", numeric=True), Column("From, to"),
               Column("People", numeric=True), Column("About"), Column("Held together by"), Column("Rare words"),
               Column("Weakest link", numeric=True)]  # fmt: skip
    left = f" The {SHOWN} largest are shown; groups.parquet has all." if len(found.groups) > SHOWN else ""
    return page.section("Groups", page.table(columns, rows, caption="Groups"), anchor="groups",
                        note="Records that are taken for one case, under the links that stand." + left)  # fmt: skip


def _span(row: dict[str, Any]) -> str:
    if row["first"] is None:
        return ""
    ends = [datetime.fromtimestamp(row[end] / 1e6, UTC).date().isoformat() for end in ("first", "last")]
    return ends[0] if ends[0] == ends[1] else ", ".join(ends)


def _doubtful(found: Found) -> Html:
    links, texts = found.links, found.records.texts
    unsure = np.flatnonzero((links.verdict == 0) & (links.group[links.left] != links.group[links.right]))
    order = unsure[np.argsort(-links.chance[unsure], kind="stable")][:SHOWN]
    rows = [
        [*(one_line(texts[int(side[at])].as_py() or "", 160) for side in (links.left, links.right)),
         Cell(f"{links.chance[at]:.2f}", float(links.chance[at])), ", ".join(links.because[at]),
         ", ".join(links.shared[at]), found.records.ids[links.left[at]], found.records.ids[links.right[at]]]
        for at in order.tolist()
    ]  # fmt: skip
    columns = [Column("One", wide=True), Column("Other"), Column("Chance", numeric=True), Column("Because"),
               Column("Rare words"), Column("left", screen=True), Column("right", screen=True)]  # fmt: skip
    return page.section(
        "Links to look at", _spread(found), page.table(columns, rows, caption="Proposed links that do not stand"),
        anchor="links",
        note="Write left, right and merge or split into a CSV file and pass it as --verdicts; undo takes one back.",
    )  # fmt: skip


def _spread(found: Found) -> Html:
    counts, ends = np.histogram(found.links.chance, np.linspace(0.2, 1.0, 9))
    bars: list[tuple[str, float]] = [(f"{low:.1f} to {low + 0.1:.1f}", float(n))
                                     for low, n in zip(ends, counts.tolist(), strict=False)]  # fmt: skip
    note = f"Links of {found.threshold:g} and more stand without being looked at."
    return page.figure("Chance of links", page.bars(bars, caption="Links by chance"), note=note)


def _error(links: Linked) -> Html:
    standing = links.chance[links.stands & (links.verdict == 0)]
    expected = float((1 - standing).sum()) if len(standing) else 0.0
    said = f"Of {len(standing):,} links that stand unseen, {expected:,.1f} are expected to be wrong."
    if links.wrong.n:
        rows: list[tuple[str, tuple[float, float, float], Tone, str]] = [(
            "split by people", (links.wrong.value, links.wrong.low, links.wrong.high), "warn",
            f"{links.wrong.value:.1%} ({links.wrong.low:.1%} to {links.wrong.high:.1%}) of {links.wrong.n}",
        )]  # fmt: skip
        figure = page.figure("Wrong links, as people said", page.intervals(rows, caption="Share split", null=0.0))
        return page.section("Errors", figure, anchor="errors", note=said)
    return page.section("Errors", anchor="errors", note=said + " Nobody has judged one yet.")
