"""What fields held in visits with drawn profiles: from the tables of a scan to one Site after another.

A field is a recipient with the carrier, the name and the decodings that a value came in; its value is the project's
digest of what was sent. A field that held several values in a visit is told twice: by the first of them, and by the
set of those that come back in some visits but not in all. Values inside a text that no decoder takes apart are not
looked for: a hash of many properties, or of one with a clock, is as new in every visit as a random number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from consentinel.core.columns import codes, ints, labels
from consentinel.detect import parties
from consentinel.detect._difference_evalue import log_support
from consentinel.detect._difference_site import Site

__all__ = ["FIELD", "Field", "Held", "Profiled", "field_numbers", "profiled", "sites", "third"]

Ints = NDArray[np.int64]
Field = tuple[str | None, ...]  # recipient, carrier, key, decode_path

FIELD = ("recipient", "carrier", "key", "decode_path")
# Headers that the browser sets by itself in every request: that they follow the device says nothing of the recipient.
_BY_BROWSER = ("accept-language", "user-agent", "sec-ch-", "sec-gpc", "dnt", "save-data", "ect", "rtt", "downlink")
_BATCH_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Profiled:
    """The visits with drawn profiles (t of them), as numbers with their names."""

    visit_ids: list[str]
    subject: Ints
    subjects: list[str]
    scenario: Ints
    scenarios: list[str]
    draw: Ints  # equal where the repeat and all levels are: the same draw in two scenarios is one draw
    levels: Ints  # (j, t)
    properties: list[str]
    pools: Ints
    support: NDArray[np.float64]

    def numbers(self, visit_id: pa.ChunkedArray) -> Ints:
        """Return the number of the visit of each row, -1 for a visit without a profile."""
        place = {visit: n for n, visit in enumerate(self.visit_ids)}
        return np.array([*(place.get(v, -1) for v in labels(visit_id)), -1], np.int64)[codes(visit_id)]


@dataclass(frozen=True, slots=True)
class Held:
    """One site: the visits of it (row numbers of Profiled), its fields, and which field each row of values tells."""

    subject: str
    visits: Ints
    fields: list[Field]
    field_of: Ints
    site: Site


def profiled(visits: pa.Table, known: frozenset[str]) -> Profiled:
    """Return the VISITS that tell the levels of their profile; of the properties only those in KNOWN are kept."""
    names = ("visit_id", "subject", "scenario", "repeat", "profile_digest", "profile_levels")
    table = visits.select(names).filter(pc.greater(pc.fill_null(pc.list_value_length(visits["profile_levels"]), 0), 0))
    rows = table.to_pylist()
    told = [{x["property"]: x["level"] for x in row["profile_levels"]} for row in rows]
    properties = sorted({name for levels in told for name in levels} & known)
    levels = np.array([[row.get(p, -1) for row in told] for p in properties], np.int64).reshape(
        len(properties), len(told)
    )
    _, draw = _numbered([(row["repeat"], row["profile_digest"]) for row in rows])
    subjects, subject = _numbered([row["subject"] or "" for row in rows])
    scenarios, scenario = _numbered([row["scenario"] or "unknown" for row in rows])
    levels, pools, support = _pools(levels, draw)
    return Profiled(
        [row["visit_id"] for row in rows],
        subject,
        subjects,
        scenario,
        scenarios,
        draw,
        levels,
        properties,
        pools,
        support,
    )


def _numbered(items: list[Any]) -> tuple[list[Any], Ints]:
    number: dict[Any, int] = {}
    at = np.array([number.setdefault(item, len(number)) for item in items], np.int64)
    return list(number), at


def _pools(levels: Ints, draw: Ints) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Number the levels of each property from 0, and say how many there are and the log chance of seeing them all."""
    fresh, pools, support = np.full(levels.shape, -1), np.zeros(len(levels), np.int64), np.zeros(len(levels))
    for j, row in enumerate(levels):
        seen, at = np.unique(row[row >= 0], return_inverse=True)
        fresh[j, row >= 0] = at
        pools[j] = len(seen)
        support[j] = log_support(len(seen), len(np.unique(draw[row >= 0]))) if len(seen) > 1 else 0.0
    return fresh, pools, support


def field_numbers(batch: pa.Table, number: dict[Field, int], *, grow: bool) -> Ints:
    """Return the number of the field of each row of DATA; a field not in NUMBER is added to it if GROW, else -1."""
    columns = [(codes(batch[name]), [*labels(batch[name]), None]) for name in FIELD]
    packed = np.zeros(batch.num_rows, np.int64)
    for code, names in columns:
        packed = np.unique(packed * (len(names) + 1) + code + 1, return_inverse=True)[1].astype(np.int64)
    _, first, at = np.unique(packed, return_index=True, return_inverse=True)
    fields = [tuple(names[code[i]] for code, names in columns) for i in first.tolist()]
    found = [number.setdefault(f, len(number)) if grow else number.get(f, -1) for f in fields]
    return np.array(found, np.int64)[at]


def sites(data: Path, told: Profiled) -> Iterator[Held]:
    """Yield every site of TOLD with what its fields held; the DATA file keeps visits in order and is read once."""
    last = np.zeros(len(told.subjects), np.int64)
    np.maximum.at(last, told.subject, np.arange(len(told.subject)))
    waiting = set(range(len(told.subjects)))
    number: dict[Field, int] = {}
    parts: dict[int, list[Ints]] = {}
    for raw in pq.ParquetFile(data).iter_batches(_BATCH_ROWS, columns=["visit_id", "action", "time", "digest", *FIELD]):
        batch = pa.Table.from_batches([raw])
        visit = told.numbers(batch["visit_id"])
        sent = np.array([*(a == "sent" for a in labels(batch["action"])), False])[codes(batch["action"])]
        keep = np.flatnonzero((visit >= 0) & sent & ~_by_browser(batch))
        if len(keep):
            rows = _distinct(batch.take(pa.array(keep)), visit[keep], number)
            for s in np.unique(told.subject[rows[0]]).tolist():
                parts.setdefault(s, []).append(rows[:, told.subject[rows[0]] == s])
        reached = int(visit.max(initial=-1))
        for s in sorted(s for s in waiting if last[s] < reached):
            waiting.remove(s)
            yield _held(told, s, parts.pop(s, []), number)
        if not parts:
            number = {}
    for s in sorted(waiting):
        yield _held(told, s, parts.pop(s, []), number)


def _by_browser(batch: pa.Table) -> NDArray[np.bool_]:
    """Say of each row whether it is a header that no script chose to send."""
    header = np.array([*(c == "header" for c in labels(batch["carrier"])), False])[codes(batch["carrier"])]
    named = [(key or "").lower().startswith(_BY_BROWSER) for key in labels(batch["key"])]
    return np.asarray(header & np.array([*named, False])[codes(batch["key"])])


def _distinct(batch: pa.Table, visit: Ints, number: dict[Field, int]) -> Ints:
    """Rows (visit, field, digest, first time) of what was sent, each value of a field once a visit; shape (4, n)."""
    field, digest, time = field_numbers(batch, number, grow=True), ints(batch["digest"]), ints(batch["time"])
    order = np.lexsort((time, digest, field, visit))
    rows = np.stack([visit, field, digest, time])[:, order]
    new = np.ones(rows.shape[1], bool)
    new[1:] = (rows[:3, 1:] != rows[:3, :-1]).any(axis=0)
    return rows[:, new]


def _held(told: Profiled, subject: int, parts: list[Ints], number: dict[Field, int]) -> Held:
    visits = np.flatnonzero(told.subject == subject)
    rows = np.concatenate([np.zeros((4, 0), np.int64), *parts], axis=1)
    names = list(number)
    is_third = third(told.subjects[subject], [name[0] for name in names])
    rows = rows[:, is_third[rows[1]]]
    rows[0] = np.searchsorted(visits, rows[0])
    # A name that only one visit knew can show nothing, and pages that make names up have many.
    pairs = np.unique(rows[:2], axis=1)
    rows = rows[:, np.bincount(pairs[1], minlength=len(names))[rows[1]] > 1]
    numbers, rows[1] = np.unique(rows[1], return_inverse=True)
    values, field_of = _values(rows, len(visits), len(numbers))
    _, scenario = np.unique(told.scenario[visits], return_inverse=True)
    site = Site(scenario, told.draw[visits], told.levels[:, visits], told.pools, told.support, values)
    return Held(told.subjects[subject], visits, [names[n] for n in numbers.tolist()], field_of, site)


def third(subject: str, recipients: list[str | None]) -> NDArray[np.bool_]:
    """Return whether each of RECIPIENTS is a third party to SUBJECT: only what they get is judged."""
    names = [name for name in dict.fromkeys([subject, *recipients]) if name]
    owner = dict(zip(names, parties.lookup(names)["owner"].to_pylist(), strict=True))
    found = {n: parties.party(subject, n, owner.get(subject), owner[n]) == "third" for n in names}
    return np.array([found.get(name or "", False) for name in recipients], bool)


def _values(rows: Ints, n_visits: int, n_fields: int) -> tuple[Ints, Ints]:
    """What fields held: the first value of each visit, then the recurring values of fields with several."""
    visit, field, digest, _ = rows[:, np.lexsort((rows[2], rows[3], rows[0], rows[1]))]
    first = np.full((n_fields, n_visits), -1, np.int64)
    code = np.unique(digest, return_inverse=True)[1]
    earliest = np.ones(len(field), bool)
    earliest[1:] = (field[1:] != field[:-1]) | (visit[1:] != visit[:-1])
    first[field[earliest], visit[earliest]] = code[earliest]
    per_visit = np.zeros((n_fields, n_visits), np.int64)
    np.add.at(per_visit, (field, visit), 1)
    several = np.flatnonzero((per_visit > 1).any(axis=1))
    pair, at, n = np.unique(np.stack([field, code]), axis=1, return_inverse=True, return_counts=True)
    comes_back = (n > 1) & (n < (per_visit[pair[0]] > 0).sum(axis=1)) if pair.shape[1] else np.zeros(0, bool)
    some = comes_back[at.ravel()]
    sums = np.zeros((n_fields, n_visits), np.uint64)
    np.add.at(sums, (field[some], visit[some]), _mixed(digest[some]))
    sets = np.unique(sums[several], return_inverse=True)[1].reshape(len(several), n_visits)
    sets = np.where(per_visit[several] > 0, sets, -1)
    return np.concatenate([first, sets]), np.concatenate([np.arange(n_fields), several])


def _mixed(digest: Ints) -> NDArray[np.uint64]:
    """Digests spread over 64 bits, so that a sum tells a set (finaliser of SplitMix64, Steele et al. 2014)."""
    x = digest.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
