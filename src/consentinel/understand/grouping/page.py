"""The page of groups: topics with how surely they hold, groups with why, and the links that a person should look at."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consentinel.core import page
from consentinel.core.page import Cell, Column, Html, Tone, h
from consentinel.core.text import one_line
from consentinel.understand.grouping.linking import Linked
from consentinel.understand.grouping.near import Pairs
from consentinel.understand.grouping.records import Records

__all__ = ["Found", "Named", "asked", "doubtful", "written"]

TONES: dict[str, Tone] = {"stable": "ok", "weak": "caution", "unstable": "danger"}
SHOWN, ASKED, YEARS = 50, 200, 8  # rows of a table; links in the form of verdicts; columns of the heat map
DOUBT = 0.5  # chance from which a link that does not stand is put before a person


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
    together = sum(row["n"] for row in found.groups)
    stable = sum(one.verdict == "stable" for one in found.topics)
    tiles: list[tuple[str, str, Tone | None]] = [
        (f"{len(found.records.ids):,}", "records", None),
        (f"{len(found.groups):,}", f"groups, of {together:,} records", "info"),
        (f"{len(found.near.left):,}", "pairs of near-duplicates", None),
        (f"{len(doubtful(found)):,}", "links to decide", "caution"),
        (f"{stable} of {len(found.topics)}", "topics are stable", None),
    ]
    head = h(
        "header", h("p", "Consentinel · group", class_="kicker"), h("h1", "What belongs together"),
        h("p", _sentence(found, together), class_="verdict"), page.tiles(tiles),
        *(h("p", note, class_="note") for note in notes),
    )  # fmt: skip
    topics = [_topics(found), _by_year(found)] if found.topics else []
    return page.page("What belongs together", head, *topics, _groups(found), _doubtful(found), _error(found.links))


def doubtful(found: Found) -> NDArray[np.int64]:
    """Return the places of proposed links between two groups that a person should decide, the likeliest first."""
    links, least = found.links, min(DOUBT, found.threshold)
    apart = links.group[links.left] != links.group[links.right]
    unsure = np.flatnonzero((links.verdict == 0) & apart & (links.chance >= least))
    return np.asarray(unsure[np.argsort(-links.chance[unsure], kind="stable")])


def asked(found: Found) -> Iterator[tuple[str, ...]]:
    """Yield what the form for verdicts asks: the likeliest links that do not stand, then the weakest that do."""
    links, ids, texts = found.links, found.records.ids, found.records.texts
    unseen = np.flatnonzero(links.stands & (links.verdict == 0))
    standing = unseen[np.argsort(links.chance[unseen], kind="stable")]
    for now, places in (("apart", doubtful(found)), ("together", standing)):
        for at in places[: ASKED // 2].tolist():
            sides = int(links.left[at]), int(links.right[at])
            said = (one_line(texts[side].as_py() or "", 200) for side in sides)
            yield (*(ids[side] for side in sides), now, f"{links.chance[at]:.2f}", *said)


def _sentence(found: Found, together: int) -> str:
    many = len(found.records.ids)
    said = f"No two of {many:,} records are taken for one case"
    if found.groups:
        said = f"{together:,} of {many:,} records are in {len(found.groups):,} groups of one case each, the largest of "
        said += f"{found.groups[0]['n']:,} records"
    if left := len(doubtful(found)):
        said += f"; {left:,} {'link is' if left == 1 else 'links are'} left for a person to decide"
    return said + "."


def _topics(found: Found) -> Html:
    largest = sorted(found.topics, key=lambda one: -len(one.rows))
    bars = page.bars(
        [(one.name, len(one.rows)) for one in largest], caption="Records by topic",
        tones={one.name: TONES[one.verdict] for one in found.topics},
    )  # fmt: skip
    texts = found.records.texts
    rows = [
        [Cell(page.join(h("strong", one.name), _soft(", ".join(one.terms[3:]))), one.name), len(one.rows),
         Cell(page.badge(one.verdict, TONES[one.verdict]), one.stability, one.verdict),
         Cell(f"{floor(100 * one.stability) / 100:.2f}", one.stability),
         one_line(texts[one.examples[0]].as_py() or "", 240) if one.examples else ""]
        for one in largest
    ]  # fmt: skip
    columns = [Column("Topic"), Column("Records", numeric=True), Column("Holds", choose=True),
               Column("Stability", numeric=True), Column("Most typical record", wide=True)]  # fmt: skip
    weak = [one.name for one in largest if one.verdict == "unstable"]
    said = f" Do not read into: {'; '.join(weak)}." if weak else ""
    return page.section(
        "Topics", page.figure("Records by topic", bars, note="Green: stable. Yellow: weak. Red: unstable."),
        h("p", "A topic is named by the words that it says more than the others do. Stability is how alike it comes "
               "back (mean Jaccard similarity) when seven tenths of the records are clustered anew: 0.75 and more is "
               f"stable, under 0.60 unstable.{said}", class_="note"),
        page.table(columns, rows, caption="Topics, the largest first", search=False), anchor="topics",
    )  # fmt: skip


def _by_year(found: Found) -> Html | None:
    days = found.records.days
    known = ~np.isnan(days)
    if not known.any():
        return None
    year = np.zeros(len(days), np.int64)
    year[known] = days[known].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    every = sorted({int(one) for one in year[known]})
    years, largest = every[-YEARS:], sorted(found.topics, key=lambda one: -len(one.rows))
    values = {}
    for one in largest:
        counted = Counter(year[one.rows][known[one.rows]].tolist())
        values |= {(one.name, str(at)): float(counted[at]) for at in years if counted[at]}
    drawn = page.matrix([one.name for one in largest], [str(one) for one in years], values, caption="Records by year")
    note = f"The last {YEARS} of {len(every)} years. " if len(every) > YEARS else ""
    return page.section("When", page.figure("Records by topic and year", drawn), anchor="when",
                        note=f"{note}The last year may not be over.")  # fmt: skip


def _groups(found: Found) -> Html:
    at = {record: n for n, record in enumerate(found.records.ids)}
    of = found.links.group
    why: dict[int, Counter[str]] = {}
    rare: dict[int, Counter[str]] = {}
    for place in np.flatnonzero(found.links.stands).tolist():
        one = int(of[found.links.left[place]])
        why.setdefault(one, Counter()).update(
            piece for piece in found.links.because[place] if not piece.startswith("against")
        )
        rare.setdefault(one, Counter()).update(found.links.shared[place])
    rows = []
    for row in found.groups[:SHOWN]:
        first = at[row["representative"]]
        number = int(of[first])
        rows.append([
            Cell(page.join(one_line(found.records.texts[first].as_py() or "", 220), _soft(_about(row["subjects"]))),
                 row["representative"]),
            row["n"], *(Cell(_day(row[end]), row[end]) for end in ("first", "last")), row["people"] or "",
            Cell(page.join(", ".join(name for name, _ in why.get(number, Counter()).most_common(3)),
                           _soft(", ".join(name for name, _ in rare.get(number, Counter()).most_common(5))))),
            Cell(f"{row['least_chance']:.2f}", row["least_chance"]),
        ])  # fmt: skip
    columns = [Column("Earliest record", wide=True), Column("Records", numeric=True), Column("First", numeric=True),
               Column("Last", numeric=True), Column("People", numeric=True), Column("Held together by"),
               Column("Weakest link", numeric=True)]  # fmt: skip
    left = f" The {SHOWN} largest are shown; groups.parquet has all." if len(found.groups) > SHOWN else ""
    return page.section(
        "Groups", page.table(columns, rows, caption="Groups, the largest first"), anchor="groups",
        note="Records that are taken for one case, under the links that stand. In grey: whom they are about, and the "
        f"rarest words that they share. People are added up over records, also where they count the same ones.{left}",
    )  # fmt: skip


def _about(subjects: list[str]) -> str:
    more = f" and {len(subjects) - 3} more" if len(subjects) > 3 else ""
    return "; ".join(one_line(one, 60) for one in subjects[:3]) + more


def _soft(text: str) -> Html | None:
    return h("div", text, class_="soft") if text else None


def _day(micros: int | None) -> str:
    return "" if micros is None else datetime.fromtimestamp(micros / 1e6, UTC).date().isoformat()


def _doubtful(found: Found) -> Html:
    links = found.links
    order = doubtful(found)
    rows = [
        [*(_side(found, int(side[at])) for side in (links.left, links.right)),
         Cell(f"{links.chance[at]:.2f}", float(links.chance[at])),
         Cell(page.join(", ".join(links.because[at]), _soft(", ".join(links.shared[at]))))]
        for at in order[:SHOWN].tolist()
    ]  # fmt: skip
    columns = [Column("One", wide=True), Column("Other", wide=True), Column("Chance", numeric=True),
               Column("For and against")]  # fmt: skip
    left = f" The {SHOWN} likeliest of {len(order):,} are shown." if len(order) > SHOWN else ""
    left += f" Links of less than {min(DOUBT, found.threshold):g} are in links.parquet."
    return page.section(
        "Links to decide", _spread(found),
        h("p", "Write merge or split into the column verdict of verdicts.csv and pass the file as --verdicts; undo "
               f"takes a verdict back.{left}", class_="note"),
        page.table(columns, rows, caption="Proposed links that do not stand, the likeliest first"), anchor="links",
    )  # fmt: skip


def _side(found: Found, at: int) -> Cell:
    records = found.records
    day = "" if np.isnan(records.days[at]) else str(records.days[at].astype("datetime64[D]"))
    known = [one_line(one, 60) for one in (records.subject[at].as_py(), day) if one]
    about = h("div", " · ".join(known), " " if known else None, h("code", records.ids[at]), class_="soft")
    return Cell(page.join(one_line(records.texts[at].as_py() or "", 200), about), records.ids[at])


def _spread(found: Found) -> Html:
    counts, ends = np.histogram(found.links.chance, np.linspace(0.2, 1.0, 9))
    bars: list[tuple[str, float]] = [(f"{low:.1f} to {low + 0.1:.1f}", float(n))
                                     for low, n in zip(ends, counts.tolist(), strict=False)]  # fmt: skip
    note = f"Links of {found.threshold:g} and more stand without being looked at."
    return page.figure("Links by their chance", page.bars(bars, caption="Links by chance"), note=note)


def _error(links: Linked) -> Html:
    standing = links.chance[links.stands & (links.verdict == 0)]
    expected = float((1 - standing).sum()) if len(standing) else 0.0
    said = f"Of {len(standing):,} links that stand unseen, about {expected:,.0f} are wrong by their own chances."
    if links.wrong.n:
        rows: list[tuple[str, tuple[float, float, float], Tone, str]] = [(
            "split by people", (links.wrong.value, links.wrong.low, links.wrong.high), "warn",
            f"{links.wrong.value:.1%} ({links.wrong.low:.1%} to {links.wrong.high:.1%}) of {links.wrong.n}",
        )]  # fmt: skip
        figure = page.figure("Wrong links, as people said", page.intervals(rows, caption="Share split", null=0.0))
        return page.section("Errors", figure, anchor="errors", note=said)
    return page.section("Errors", anchor="errors", note=said + " Nobody has judged one yet.")
