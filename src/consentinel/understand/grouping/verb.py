"""What `understand group` does: links, groups, near-duplicates and topics, kept as tables and a page."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.core.state import shown
from consentinel.core.tables import LABEL, MICROS, TEXT
from consentinel.understand.grouping.evidence import PIECES, Corpus
from consentinel.understand.grouping.kept import form, given
from consentinel.understand.grouping.linking import Linked, linked
from consentinel.understand.grouping.naming import terms
from consentinel.understand.grouping.near import Pairs, near_duplicates
from consentinel.understand.grouping.page import Found, Named, asked, written
from consentinel.understand.grouping.records import DAY, Records, read
from consentinel.understand.grouping.topics import held, verdict
from consentinel.understand.grouping.vectors import Embedding, Vectors, vectors

__all__ = ["GROUPS", "LINKS", "MEMBERS", "NEAR", "TOPICS", "group"]

NUMBER, TEXTS = pa.float64(), pa.list_(TEXT)
FEWEST = 20  # records, for topics to mean anything
FIRM = 0.5  # strength under which a record is left without a topic, where that was asked for
# One row is one pair that may be one case. Ids are those of incidents, and of texts that belong to none.
LINKS = pa.schema([
    ("run_id", LABEL), ("left", TEXT), ("right", TEXT), ("chance", NUMBER),
    ("state", LABEL),  # proposed by the program, merged or split by people
    ("stands", pa.bool_()),  # it holds a group together
    ("because", TEXTS), ("shared", TEXTS), ("ways", TEXTS),
    ("evidence", pa.list_(pa.struct([("piece", TEXT), ("value", NUMBER)]))),
])  # fmt: skip
# One row is one group of two records or more under the links that stand.
GROUPS = pa.schema([
    ("run_id", LABEL), ("group_id", TEXT), ("n", pa.int32()), ("records", TEXTS), ("representative", TEXT),
    ("first", MICROS), ("last", MICROS), ("people", pa.int64()), ("subjects", TEXTS), ("least_chance", NUMBER),
    ("topic", pa.int32()),
])  # fmt: skip
# One row is one record.
MEMBERS = pa.schema([
    ("run_id", LABEL), ("record", TEXT), ("group_id", TEXT), ("topic", pa.int32()), ("strength", NUMBER),
])  # fmt: skip
TOPICS = pa.schema([
    ("run_id", LABEL), ("topic", pa.int32()), ("name", TEXT), ("terms", TEXTS), ("n", pa.int32()),
    ("stability", NUMBER), ("verdict", LABEL), ("examples", TEXTS),
])  # fmt: skip
# One row is one pair of texts of nearly the same words.
NEAR = pa.schema([("run_id", LABEL), ("left", TEXT), ("right", TEXT), ("similarity", NUMBER)])


def group(
    run: Run, table: Path, *, feedback: str, verdicts: Path | None, topics: str, threshold: float, duplicates: float,
    embedding: Embedding, outliers: bool, seed: int,
) -> Outcome:  # fmt: skip
    """Group the records of TABLE; arguments are those of the verb, which see. Raises UsageError, BadInput."""
    number = _number(topics)
    if not 0 < threshold < 1:
        raise UsageError(f"a threshold is a probability in (0, 1), got {threshold}")
    said = given(run.read(verdicts)) if verdicts else {}
    records = read(run, table)
    corpus = Corpus(records)
    meant = vectors(corpus, embedding, seed)
    near = near_duplicates(records.texts, duplicates, seed)
    links = linked(corpus, meant, feedback, said, threshold, seed)
    first = _representatives(records, links.group)
    named = _topics(records, meant, first[links.group], number, outliers, seed) if number != 0 else []
    of, strength = _held(named, len(records.ids))
    tables = {
        "links": _links(records, links), "groups": _groups(records, links, first, of),
        "members": _members(records, links, first, of, strength), "topics": _topic_rows(records, named),
        "duplicates": _near(records, near),
    }  # fmt: skip
    if links.unknown:
        run.note(
            f"{links.unknown:,} verdicts kept from before are about records that are not here; they count in weights"
        )
    if links.lost:
        run.note(f"{links.lost:,} verdicts name records that are not here; they were left out")
    if number != 0 and not named:
        run.note(f"{len(first):,} groups and single records are too few for topics, which need {FEWEST}")
    run.assume(learned=links.learned, threshold=threshold, state=shown(feedback) if feedback else "")
    kept = {name: run.keep(name, made) for name, made in tables.items()}
    found = Found(records, links, named, near, tables["groups"].to_pylist(), threshold)
    with atomic(run.out / "groups.html") as beside:
        beside.write_text(written(found, run.notes), "utf-8")
    with atomic(run.out / "verdicts.csv") as beside:
        form(beside, asked(found))
    kept |= {"page": run.kept(run.out / "groups.html"), "verdicts": run.kept(run.out / "verdicts.csv")}
    return Outcome(run, 0, kept, _told(found, run.notes))


def _number(topics: str) -> int | None:
    if topics == "auto":
        return None
    if not topics.isdigit() or int(topics) > 200:
        raise UsageError(f"topics is auto or a number up to 200 (0 for none), got '{topics[:20]}'")
    return int(topics)


def _representatives(records: Records, group: np.ndarray) -> np.ndarray:
    """Return for each group its earliest record, of equals the first."""
    days = np.where(np.isnan(records.days), np.inf, records.days)
    order = np.lexsort((np.arange(len(group)), days, group))
    return np.asarray(order[np.unique(group[order], return_index=True)[1]])


def _topics(records: Records, meant: Vectors, first: np.ndarray, number: int | None, outliers: bool, seed: int
            ) -> list[Named]:  # fmt: skip
    """Return the topics of RECORDS; a group counts once, as the record that stands FIRST in it."""
    some = np.unique(first)
    some = some[np.linalg.norm(meant[some], axis=1) > 0]
    if len(some) < FEWEST:
        return []
    found = held(meant[some], number, seed)
    texts = records.texts.to_pylist()
    named = terms([texts[at] or "" for at in some], found.of, len(found.stability))
    place = np.full(len(records.ids), -1)
    place[some] = np.arange(len(some))
    mine = place[first]
    of = np.where(mine >= 0, found.of[mine], -1)
    strength = np.where(mine >= 0, found.strength[mine], 0.0)
    if outliers:
        of = np.where(strength >= FIRM, of, -1)
    made = []
    for topic, (words, stability) in enumerate(zip(named, found.stability.tolist(), strict=True)):
        rows = np.flatnonzero(of == topic)
        alone = some[(found.of == topic)]
        firmest = alone[np.lexsort((alone, -found.strength[found.of == topic]))][:3]
        made.append(Named(", ".join(words[:3]) or "(no telling words)", words, stability, verdict(stability), rows,
                          strength[rows], firmest.tolist()))  # fmt: skip
    return made


def _held(named: list[Named], n: int) -> tuple[np.ndarray, np.ndarray]:
    of, strength = np.full(n, -1), np.zeros(n)
    for topic, one in enumerate(named):
        of[one.rows], strength[one.rows] = topic, one.strength
    return of, strength


def _links(records: Records, links: Linked) -> pa.Table:
    ids, states = records.ids, {0: "proposed", 1: "merged", -1: "split"}
    return pa.Table.from_pylist([
        {"left": ids[a], "right": ids[b], "chance": chance, "state": states[said], "stands": stands, "because": because,
         "shared": shared, "ways": ways,
         "evidence": [{"piece": piece, "value": value} for piece, value in zip(PIECES, row, strict=True) if value]}
        for a, b, chance, said, stands, because, shared, ways, row in zip(
            links.left.tolist(), links.right.tolist(), links.chance.tolist(), links.verdict.tolist(),
            links.stands.tolist(), links.because, links.shared, links.ways, links.evidence.tolist(), strict=True)
    ], LINKS)  # fmt: skip


def _groups(records: Records, links: Linked, first: np.ndarray, of: np.ndarray) -> pa.Table:
    sizes = np.bincount(links.group)
    least = np.ones(len(sizes))
    standing = np.flatnonzero(links.stands)
    np.minimum.at(least, links.group[links.left[standing]], links.chance[standing])
    order = np.argsort(links.group, kind="stable")
    ends = np.concatenate([[0], np.cumsum(sizes)])
    rows, subjects = [], records.subject.to_pylist()
    for one in np.lexsort((np.arange(len(sizes)), -sizes)).tolist():
        if sizes[one] < 2:
            break
        inside = order[ends[one] : ends[one + 1]]
        days, people = records.days[inside], records.people[inside]
        known, counted = days[~np.isnan(days)], people[~np.isnan(people)]
        rows.append({
            "group_id": records.ids[first[one]], "n": len(inside), "records": [records.ids[at] for at in inside],
            "representative": records.ids[first[one]], "least_chance": float(least[one]),
            "first": round(known.min() * DAY) if len(known) else None,
            "last": round(known.max() * DAY) if len(known) else None,
            "people": int(counted.sum()) if len(counted) else None,
            "subjects": sorted({subjects[at] for at in inside if subjects[at]}),
            "topic": int(of[first[one]]) if of[first[one]] >= 0 else None,
        })  # fmt: skip
    return pa.Table.from_pylist(rows, GROUPS)


def _members(records: Records, links: Linked, first: np.ndarray, of: np.ndarray, strength: np.ndarray) -> pa.Table:
    head = [records.ids[at] for at in first[links.group]]
    return pa.table({
        "run_id": pa.nulls(len(head), pa.string()).dictionary_encode(), "record": records.ids, "group_id": head,
        "topic": pa.array(of.astype(np.int32), mask=of < 0), "strength": pa.array(strength, mask=of < 0),
    }).cast(MEMBERS)  # fmt: skip


def _topic_rows(records: Records, named: list[Named]) -> pa.Table:
    return pa.Table.from_pylist([
        {"topic": topic, "name": one.name, "terms": one.terms, "n": len(one.rows), "stability": one.stability,
         "verdict": one.verdict, "examples": [records.ids[at] for at in one.examples]}
        for topic, one in enumerate(named)
    ], TOPICS)  # fmt: skip


def _near(records: Records, near: Pairs) -> pa.Table:
    ids = pa.array(records.ids, pa.string())
    made = {"left": ids.take(pa.array(near.left)), "right": ids.take(pa.array(near.right)),
            "similarity": pa.array(near.similarity)}  # fmt: skip
    return pa.table({"run_id": pa.nulls(len(near.left), pa.string()).dictionary_encode(), **made}).cast(NEAR)


def _told(found: Found, notes: list[str]) -> str:
    together = sum(row["n"] for row in found.groups)
    unstable = sum(one.verdict == "unstable" for one in found.topics)
    lines = [
        f"{len(found.records.ids):,} records: {together:,} of them in {len(found.groups):,} groups, "
        f"{len(found.near.left):,} pairs of near-duplicates",
    ]
    if found.topics:
        lines.append(f"{len(found.topics)} topics, {unstable} of them unstable")
    if found.links.wrong.n:
        wrong = found.links.wrong
        lines.append(f"links that people split: {wrong.value:.1%} ({wrong.low:.1%} to {wrong.high:.1%}) of {wrong.n}")
    return "\n".join([*lines, *notes])
