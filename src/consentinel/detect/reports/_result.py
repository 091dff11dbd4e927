"""What every report is given: the tables of a scan, its facts, and what an earlier run had found."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.core.columns import values
from consentinel.core.errors import BadInput, UsageError
from consentinel.detect.difference import Differences
from consentinel.detect.reviews.standing import BACK, Standing

__all__ = [
    "OUTCOMES", "SCHEMA", "SEVERITIES", "Baseline", "Facts", "Result", "instant", "place", "ranked", "read_baseline",
    "reviewed", "spoken_instant", "verdict",
]  # fmt: skip

SEVERITIES = ("critical", "high", "medium", "low")  # most serious first
OUTCOMES = ("potential violation", "no signal", "allowed")  # in the order in which a person has to act
SCHEMA = "consentinel.findings/1"
_RERUN = "Give findings.json, findings.sarif, findings.parquet or the folder of an earlier scan"


@dataclass(frozen=True)
class Facts:
    """What was read and under which policy: counts, seconds, and remarks about what could not be read."""

    n_files: int = 0
    n_visits: int = 0
    n_requests: int = 0
    n_data: int = 0
    n_typed: int = 0
    n_recipients: int = 0
    seconds: float = 0.0
    started: int = 0  # microseconds UTC
    version: str = ""
    policy_name: str = ""
    policy_region: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Baseline:
    """Fingerprints of an earlier run, and those of them that this run has not."""

    known: frozenset[str]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """One scan as its reports see it."""

    findings: pa.Table  # FINDINGS
    visits: pa.Table  # VISITS
    consent: pa.Table  # CONSENT
    evidence: pa.Table  # EVIDENCE
    facts: Facts
    baseline: Baseline | None = None
    differences: Differences | None = None  # of repeated visits; None where no visit tells its profile
    reviews: Mapping[str, Standing] | None = None  # by finding_id; None where no reviews were given

    def closed(self, finding: str | None) -> bool:
        """Return whether a reviewer's decision that holds lets FINDING (a finding_id) pass."""
        return bool(self.reviews and finding is not None and finding in self.reviews and self.reviews[finding].closed)

    def left(self) -> pa.Table:
        """Return the findings that no review has closed."""
        kept = [not self.closed(finding) for finding in self.findings.column("finding_id").to_pylist()]
        return self.findings if all(kept) else self.findings.filter(pa.array(kept))

    def outcomes(self) -> Counter[str]:
        """Return how many findings there are of each outcome, without those that a review has closed."""
        return Counter(value or "no signal" for value in values(self.left().column("outcome")))

    def mark(self, fingerprint: str | None) -> str:
        """Return "new" or "known" for FINGERPRINT, or nothing when there is no baseline."""
        if self.baseline is None:
            return ""
        return "known" if fingerprint in self.baseline.known else "new"


def ranked(findings: pa.Table) -> pa.Table:
    """Return FINDINGS in the order of every report: outcome, severity, proof, recipient, type, fingerprint."""

    def rank(column: str, order: tuple[str, ...]) -> pa.Array:
        places = pc.index_in(findings.column(column).cast(pa.string()), value_set=pa.array(order))
        return pc.fill_null(places, len(order))

    names = ["proof", "recipient", "type", "fingerprint"]
    keys: dict[str, Any] = {"outcome": rank("outcome", OUTCOMES), "severity": rank("severity", SEVERITIES)}
    keys |= {name: findings.column(name).cast(pa.string()) for name in names}
    order = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return findings.take(order)


def verdict(result: Result) -> str:
    """Return the outcome of the scan in one sentence."""
    count = result.outcomes()
    bad, open_, allowed = (count[name] for name in OUTCOMES)
    undecided = f"{_many(open_, 'flow')} could not be decided (no signal)" if open_ else ""
    fine = f"{_many(allowed, 'flow')} {_be(allowed)} allowed" if allowed else ""
    closed = result.findings.num_rows - sum(count.values())
    passed = f"{_many(closed, 'finding')} {_be(closed)} closed by review" if closed else ""
    *most, last = [part for part in (undecided, fine, passed) if part] or [""]
    rest = ", ".join(most) + (" and " if most else "") + last
    if bad:
        left = result.left()
        where = pc.equal(left.column("outcome").cast(pa.string()), "potential violation")
        grave = Counter(left.filter(where).column("severity").to_pylist())
        said = ", ".join(f"{grave[s]:,} {s}" for s in SEVERITIES if grave[s])
        return f"{_many(bad, 'potential violation')}" + (f" ({said})" if said else "") + (f"; {rest}." if rest else ".")
    if open_:
        return f"No potential violation, but not clean: {rest}."
    if rest:
        return f"No potential violation: {rest}."
    return "No potential violation: the rules found no flow of personal or device data to judge."


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _be(n: int) -> str:
    return "was" if n == 1 else "were"


def reviewed(result: Result) -> str:
    """Return one sentence on what reviews did to the findings; nothing where none were given."""
    if result.reviews is None:
        return ""
    n = Counter(standing.status for standing in result.reviews.values())
    closed = n["not_violation"] + n["waived"]
    back = ", ".join(f"{n[status]:,} {status}" for status in BACK if n[status])
    return (
        f"Reviews: {closed:,} closed ({n['not_violation']:,} not a violation, {n['waived']:,} waived), "
        f"{n['violation']:,} confirmed as violations" + (f"; no longer decided: {back}." if back else ".")
    )


def instant(micros: int | None) -> str | None:
    """Return MICROS since 1970 as ISO 8601 in UTC with microseconds; None when unknown or out of range."""
    if micros is None:
        return None
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        return None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def spoken_instant(micros: int | None) -> str:
    """Return MICROS as a date and a time of day for people."""
    text = instant(micros)
    return "not known" if text is None else f"{text[:10]} {text[11:19]} UTC"


def place(out: Path, name: str, data: bytes) -> Path:
    """Write DATA as NAME in the folder OUT, whole or not at all, and return its path.

    Raises UsageError when the folder cannot be made or written to.
    """
    path, beside = out / name, out / f".{name}.{os.getpid()}.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as why:
        with suppress(OSError):
            beside.unlink()
        reason = why.strerror or type(why).__name__
        raise UsageError(f"{name} cannot be written into '{out.name}' ({reason}). Choose another --out") from None
    return path


def read_baseline(path: Path) -> frozenset[str]:
    """Return the fingerprints of an earlier run, from findings.json, .sarif or .parquet, or the folder they lie in.

    Raises BadInput when PATH is none of these or cannot be read.
    """
    if path.is_dir():
        names = ("findings.parquet", "findings.json", "findings.sarif")
        found = next((path / name for name in names if (path / name).is_file()), None)
        if found is None:
            raise BadInput("no findings in this folder", where=path.name, todo=_RERUN)
        path = found
    if not path.is_file():
        raise BadInput("the baseline is missing", where=path.name, todo=_RERUN)
    try:
        if path.suffix == ".parquet":
            column = pq.read_table(path, columns=["fingerprint"]).column("fingerprint")
            return frozenset(str(value) for value in column.to_pylist() if value is not None)
        return _fingerprints(json.loads(path.read_bytes()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, pa.ArrowException) as why:
        raise BadInput(f"not a baseline ({type(why).__name__})", where=path.name, todo=_RERUN) from None


def _fingerprints(document: Any) -> frozenset[str]:
    if document.get("schema") == SCHEMA:
        return frozenset(str(finding["fingerprint"]) for finding in document["findings"])
    if document.get("version") != "2.1.0":
        raise ValueError("neither a list of findings nor SARIF 2.1.0")
    results = [result for run in document["runs"] for result in run["results"]]
    # What was already absent then is not part of what that run found.
    there = [r for r in results if r.get("baselineState") != "absent"]
    return frozenset(value for r in there for name, value in r["partialFingerprints"].items() if _ours(name))


def _ours(name: str) -> bool:
    return name.startswith("consentinel/")
