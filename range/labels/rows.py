"""Makes the label rows: who sent which type to whom under which consent, and whether that is a violation."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from labels.agree import OPEN, YES, Pair, compare
from labels.attribute import domain_of
from labels.gather import Gathered
from labels.law import NO_SIGNAL, UNDECIDABLE, Law
from labels.randomised import Verdict

DISTINCT = ("site", "component", "recipient", "type", "consent_state")  # a violation counts once for each of these
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("site", "group", "split", "kind", "scenario", "region", "cmp")),
        ("faults", pa.list_(pa.string())),
        *(
            (name, pa.string())
            for name in (
                "component",
                "family",
                "recipient",
                "recipient_domain",
                "type",
                "carrier",
                "consent_state",
                "purpose",
            )
        ),
        ("planted", pa.bool_()),  # a planted value was seen, not only an identifier that the component made
        *((name, pa.string()) for name in ("violation", "why", "source_a", "source_b", "sources_why")),
        ("n_visits", pa.int32()),
        ("n_requests", pa.int32()),
    ]
)


@dataclass(slots=True)
class Row:
    """One label row; the fields are the columns of SCHEMA."""

    site: str
    group: str
    split: str
    kind: str
    scenario: str
    region: str
    cmp: str | None
    faults: list[str]
    component: str
    family: str
    recipient: str
    recipient_domain: str
    type: str
    carrier: str
    consent_state: str
    purpose: str
    planted: bool
    violation: str
    why: str
    source_a: str
    source_b: str
    sources_why: str
    n_visits: int
    n_requests: int
    example: int  # number of a request that shows it; for the check by hand, no column

    def columns(self) -> dict[str, Any]:
        """Return the row as the columns of SCHEMA."""
        return {name: getattr(self, name) for name in SCHEMA.names}

    @property
    def distinct(self) -> tuple[str, ...]:
        """Return what makes the claim the same claim, however often it is seen."""
        return (self.site, self.component, self.recipient, self.type, self.consent_state)

    @property
    def outcome(self) -> str:
        """Return violation, allowed, no_signal or undecidable."""
        if self.violation == UNDECIDABLE:
            return "no_signal" if self.why == NO_SIGNAL else "undecidable"
        return "violation" if self.violation == YES else "allowed"


def read_split(path: Path | None) -> dict[str, str]:
    """Return family -> train or test from the committed split, empty without one; raises ValueError."""
    if path is None:
        return {}
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as cause:
        raise ValueError(f"{path.name}: cannot be read as JSON; draw the split again or leave --split out") from cause
    families = told.get("families") if isinstance(told, dict) else None
    if not isinstance(families, dict) or not families or not set(families.values()) <= {"train", "test"}:
        raise ValueError(
            f"{path.name}: `families` does not tell train or test for each family; "
            "draw the split again or leave --split out"
        )
    return dict(families)


def _labelled(record: dict[str, Any], pair: Pair, law: Law) -> tuple[str, str]:
    if pair.differ:
        return UNDECIDABLE, f"the sources differ: {pair.why}"
    if YES not in (pair.a, pair.b):
        return UNDECIDABLE, f"may carry it: {pair.why}"
    return law.judge(record["region"], record["purpose"], record["type"], record["state"])


def make_rows(
    gathered: Gathered, records: list[dict[str, Any]], verdicts: dict[int, Verdict], law: Law, split: dict[str, str]
) -> list[Row]:
    """Return the label rows of RECORDS, sorted by what they are about."""
    sites = {visit["site"]: visit for visit in gathered.visits}
    rows = []
    for record in records:
        found = [verdicts[key] for key in record["a_keys"] or ()]
        pair = compare(
            record["type"],
            record["a"],
            record["guess"],
            record["b"],
            record["short"],
            found,
            set(record["b_kinds"] or ()),
        )
        if not record["a"] and not record["b"] and not (pair.b == OPEN and pair.why.startswith("too few")):
            continue  # a text that many devices share, in a field that was tested and carries nothing
        site = sites[record["site"]]
        violation, why = _labelled(record, pair, law)
        rows.append(
            Row(
                record["site"],
                site["group"],
                split.get(record["family"], site["group"]),
                site.get("kind", ""),
                record["scenario"],
                record["region"],
                site.get("cmp"),
                list(site.get("faults") or ()),
                record["component"],
                record["family"],
                record["host"],
                domain_of(record["host"]),
                record["type"],
                record["carrier"],
                record["state"],
                record["purpose"],
                record["planted"],
                violation,
                why,
                pair.a,
                pair.b,
                pair.why,
                record["n_visits"],
                record["n_requests"],
                record["example"],
            )
        )
    return rows


def as_table(rows: list[Row]) -> pa.Table:
    """Return ROWS as an Arrow table of SCHEMA."""
    return pa.Table.from_pylist([row.columns() for row in rows], SCHEMA)


def content_digest(rows: list[Row]) -> str:
    """Return SHA-256 over the rows as lines of JSON: the same labels have the same digest, whatever wrote the file."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row.columns(), sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def write_rows(rows: list[Row], path: Path) -> None:
    """Write ROWS as Parquet, whole or not at all."""
    part = path.with_suffix(".part")
    pq.write_table(as_table(rows), part, compression="zstd")
    part.replace(path)
