"""What the state remembers of reviews: the claims that were asked about, and an append-only journal of decisions.

A decision is never changed or deleted: a reviewer who thinks again adds a line, and what holds is computed from all.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from consentinel.core.errors import BadInput
from consentinel.core.state import Area, State, opened
from consentinel.core.text import one_line
from consentinel.detect.reviews.decisions import Decision

__all__ = ["AREA", "CLAIMS", "Given", "Memory", "append", "recall", "remember", "reviews_at"]

# What is kept of a claim that somebody was asked about; `claim` is its class and the versions that claimed it.
CLAIMS = pa.schema(
    [
        *((name, pa.string()) for name in ("claim", "class", "alike", "rule", "rule_version", "model_version")),
        *((name, pa.string()) for name in ("recipient", "party", "type", "carrier", "consent_state", "keys", "basis")),
        *((name, pa.string()) for name in ("outcome", "severity")),
        ("p", pa.float64()),
    ]
)
_NAMES = ["class_" if name == "class" else name for name in CLAIMS.names]  # class is a word of SQL
AREA = Area(
    "reviews",
    (
        (
            "CREATE TABLE review_claims (claim TEXT PRIMARY KEY, class_ TEXT NOT NULL, alike TEXT NOT NULL, "
            "rule TEXT, rule_version TEXT, model_version TEXT, recipient TEXT, party TEXT, type TEXT, carrier TEXT, "
            "consent_state TEXT, keys TEXT, basis TEXT, outcome TEXT, severity TEXT, p DOUBLE PRECISION)",
            "CREATE TABLE review_journal (seq BIGINT PRIMARY KEY, "
            "claim TEXT NOT NULL REFERENCES review_claims (claim), decision TEXT NOT NULL, reviewer TEXT NOT NULL, "
            "reason TEXT NOT NULL, expires TEXT, decided BIGINT NOT NULL, source TEXT NOT NULL)",
        ),
    ),
)
_JOURNAL = (
    "SELECT j.seq, j.claim, c.class_, c.alike, c.rule, c.rule_version, c.model_version, c.basis, j.decision, "
    "j.reviewer, j.reason, j.expires, j.decided, j.source FROM review_journal j JOIN review_claims c "
    "ON c.claim = j.claim ORDER BY j.seq"
)


@dataclass(frozen=True, slots=True)
class Given:
    """One line of the journal, with what it was decided on."""

    seq: int
    claim: str
    class_: str
    alike: str
    rule: str
    rule_version: str
    model_version: str
    basis: str
    decision: str
    reviewer: str
    reason: str
    expires: date | None
    decided: int  # microseconds since 1970 UTC
    source: str  # csv, json or python


@dataclass(frozen=True)
class Memory:
    """The journal as one reads it: all lines, and what each reviewer last said about each class."""

    journal: tuple[Given, ...] = ()
    said: Mapping[str, Mapping[str, Given]] = field(default_factory=dict)  # class -> reviewer -> latest
    alike: Mapping[str, Given] = field(default_factory=dict)  # the latest of claims that differ in the basis at most


@contextmanager
def reviews_at(where: str, *, make: bool = True) -> Iterator[State]:
    """Open the reviews at WHERE, a file or postgresql://...; with MAKE false they must be there."""
    with opened(where, AREA, make=make) as state:
        yield state


def recall(state: State) -> Memory:
    """Return what STATE remembers."""
    with state.read() as now:
        journal = tuple(_given(row) for row in now.rows(_JOURNAL))
    said: dict[str, dict[str, Given]] = {}
    for line in journal:
        said.setdefault(line.class_, {})[line.reviewer] = line
    return Memory(journal, said, {line.alike: line for line in journal})


def _given(row: tuple[Any, ...]) -> Given:
    expires = date.fromisoformat(row[11]) if row[11] else None
    return Given(*row[:11], expires, *row[12:])  # ty: ignore[invalid-argument-type]


def remember(state: State, claims: pa.Table) -> None:
    """Keep CLAIMS, which a reviewer is asked about, so that decisions about them can be taken in later."""
    columns = ", ".join(_NAMES)
    marks = ", ".join(f":{name}" for name in _NAMES)
    rows = claims.select(CLAIMS.names).rename_columns(_NAMES).to_pylist()
    clean = [{name: one_line(v) if isinstance(v, str) else v for name, v in row.items()} for row in rows]
    with state.write() as turn:
        turn.run(f"INSERT INTO review_claims ({columns}) VALUES ({marks}) ON CONFLICT (claim) DO NOTHING", clean)


def append(state: State, decisions: Sequence[Decision], *, where: str, source: str) -> tuple[int, int]:
    """Add DECISIONS to the journal, all or none, and return how many were new and how many it had already.

    Giving the same file twice changes nothing. Raises BadInput for a claim that was never asked about.
    """
    with state.write() as turn:
        asked = {claim for (claim,) in turn.rows("SELECT claim FROM review_claims")}
        for one in decisions:
            if one.claim not in asked:
                raise BadInput(
                    f"{one.row}, column 'claim': wanted a claim of a queue that was exported with these reviews; got "
                    f"'{one.claim}'",
                    where=where,
                    todo="Export the queue again, or name the --reviews that it came from",
                )
        last = {(line.class_, line.reviewer): line for line in (_given(row) for row in turn.rows(_JOURNAL))}
        new = [d for d in decisions if not _same(last.get((d.claim.partition(".")[0], d.reviewer)), d)]
        start = turn.rows("SELECT coalesce(max(seq), 0) FROM review_journal")[0][0] + 1
        now = time.time_ns() // 1000
        turn.run(
            "INSERT INTO review_journal (seq, claim, decision, reviewer, reason, expires, decided, source) VALUES "
            "(:seq, :claim, :decision, :reviewer, :reason, :expires, :decided, :source)",
            [
                {
                    "seq": seq, "claim": one.claim, "decision": one.decision, "reviewer": one.reviewer,
                    "reason": one.reason, "expires": one.expires and one.expires.isoformat(), "decided": now,
                    "source": source,
                }
                for seq, one in enumerate(new, start)
            ],
        )  # fmt: skip
    return len(new), len(decisions) - len(new)


def _same(before: Given | None, now: Decision) -> bool:
    return before is not None and (before.claim, before.decision, before.reason, before.expires) == (
        now.claim, now.decision, now.reason, now.expires,
    )  # fmt: skip
