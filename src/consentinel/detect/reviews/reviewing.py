"""The steps of `detect review`: take decisions in, rank what is left, and keep queue, labels and journal."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.core.state import State
from consentinel.core.tables import FINDINGS
from consentinel.core.text import cell, shown
from consentinel.detect.reviews.agreement import agreements, conflicts
from consentinel.detect.reviews.decisions import COLUMNS, checked
from consentinel.detect.reviews.files import rows
from consentinel.detect.reviews.labels import labels
from consentinel.detect.reviews.memory import Memory, append, recall, remember
from consentinel.detect.reviews.queue import queue
from consentinel.detect.reviews.standing import BACK, standings, table

__all__ = ["SCHEMA", "review", "scanned", "take"]

SCHEMA = "consentinel.review/1"


def take(
    state: State,
    given: Iterable[Mapping[str, object]] | Path,
    *,
    reviewer: str = "",
    today: date | None = None,
) -> tuple[int, int]:
    """Take decisions into STATE, from a file (CSV or JSON) or from mappings, and return how many are new and known.

    A mapping has `claim`, `decision`, `reviewer`, `reason` and, for a waiver, `expires` (text or a date); REVIEWER
    speaks for those that name none. All are taken or none; raises BadInput that names row and column.
    """
    if isinstance(given, Path):
        where, named = given.name, rows(given)
        source = "json" if given.suffix.lower() == ".json" else "csv"
    else:
        where, named, source = "decisions", ((f"item {n}", one) for n, one in enumerate(given, 1)), "python"
    today = today or datetime.now(UTC).date()
    return append(state, checked(named, where=where, today=today, reviewer=reviewer), where=where, source=source)


def scanned(run: Run, folder: Path) -> tuple[pa.Table, str]:
    """Return the FINDINGS of the scan that is kept in FOLDER, and the version of its model ("": none took part)."""
    todo = "Name the folder that detect scan wrote (--out)"
    if not folder.is_dir():
        raise BadInput("is no folder", where=folder.name, todo=todo)
    try:
        findings = pq.read_table(run.read(folder / "findings.parquet"))
        assumed = json.loads(run.read(folder / "run.json").read_bytes()).get("assumed", {})
        model = str(assumed.get("models") or "")
    except (OSError, ValueError, AttributeError, pa.ArrowException) as why:
        raise BadInput(f"is no scan ({type(why).__name__})", where=folder.name, todo=todo) from None
    missing = sorted(set(FINDINGS.names) - set(findings.column_names))
    if missing:
        raise BadInput(f"its findings lack {', '.join(missing[:3])}", where=folder.name, todo="Scan again")
    return findings.select(FINDINGS.names).cast(FINDINGS), model


def review(run: Run, state: State, scan: Path | None, *, decisions: Path | None, reviewer: str, limit: int) -> Outcome:
    """Take DECISIONS in, then write the queue of what SCAN has left, the labels and the journal."""
    if scan is None and decisions is None:
        raise UsageError("give the folder of a scan to review, --decisions to take in, or both")
    if limit < 0:
        raise UsageError(f"--limit should be 0 (all) or more, got {limit}")
    findings, model = scanned(run, scan) if scan else (FINDINGS.empty_table(), "")
    told: list[str] = []
    if decisions is not None:
        new, known = take(state, run.read(decisions), reviewer=reviewer)
        told.append(f"Took in {_many(new, 'decision')}" + (f"; {known:,} were known already." if known else "."))
    memory = recall(state)
    found = standings(findings, memory, model=model)
    waiting = queue(findings, found, memory, model=model)
    remember(state, waiting)
    listed = waiting.slice(0, limit) if limit else waiting
    run.assume(reviews=state.name, decisions=len(memory.journal), models=model)
    run.keep("labels", labels(state))
    run.keep("reviewed", table(found.items()))
    written = {"journal": _place(run, "journal.csv", _journal(memory))}
    if scan is not None:
        written["queue"] = _place(run, "queue.csv", _queue_csv(listed))
        written["json"] = _place(run, "queue.json", _document(listed, waiting, memory))
        told += _left(waiting, findings, found)
    told += _agreed(memory)
    if scan is not None and waiting.num_rows:
        told.append(f"To decide: {run.out / 'queue.csv'}")
    back = any(status in BACK for status in waiting["status"].to_pylist())
    code = 1 if back else 3 if waiting.num_rows else 0
    written |= {name: run.out / f"{name}.parquet" for name in ("labels", "reviewed")}
    return Outcome(run, code, written, "\n".join(told))


def _left(waiting: pa.Table, findings: pa.Table, found: Mapping[str, Any]) -> list[str]:
    closed = sum(s.closed for s in found.values())
    confirmed = sum(s.status == "violation" for s in found.values())
    n, open_ = waiting.num_rows, sum(waiting["closes"].to_pylist())
    lines = [
        f"{_many(findings.num_rows, 'finding')}: {closed:,} closed by review, {confirmed:,} confirmed as violations, "
        f"{open_:,} to decide in {_many(n, 'claim')}."
    ]
    counts = {status: waiting["status"].to_pylist().count(status) for status in BACK}
    if any(counts.values()):
        lines.append("Back in the queue: " + ", ".join(f"{count:,} {s}" for s, count in counts.items() if count) + ".")
    if n > 5:
        lines.append(f"The first 5 decisions settle {sum(waiting['closes'].to_pylist()[:5]):,} of {open_:,} findings.")
    return lines


def _agreed(memory: Memory) -> list[str]:
    lines = []
    for pair in agreements(memory):
        kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
        lines.append(f"{pair.first} and {pair.second} agree on {pair.agreed:,} of {pair.n:,} claims, kappa {kappa}.")
    return lines


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _document(listed: pa.Table, waiting: pa.Table, memory: Memory) -> bytes:
    blank = {"decision": "", "reviewer": "", "reason": "", "expires": ""}
    rows = [{"claim": row["claim"]} | blank | row for row in listed.to_pylist()]
    document = {
        "schema": SCHEMA,
        "waiting": waiting.num_rows,
        "agreement": [asdict(pair) for pair in agreements(memory)],
        "conflicts": [
            {given.reviewer: given.decision for given in group} | {"claim": group[0].claim}
            for group in conflicts(memory)
        ],
        "queue": rows,
    }
    return json.dumps(document, indent=1, allow_nan=False).encode()


def _queue_csv(listed: pa.Table) -> bytes:
    """The queue for a spreadsheet: first what a reviewer fills in; a byte-order mark, as Excel needs it for UTF-8."""
    names = [name for name in listed.column_names if name not in ("claim", "class", "alike")]
    lines = [[*COLUMNS, *names]]
    lines += [[row["claim"], "", "", "", "", *(_safe(row[name]) for name in names)] for row in listed.to_pylist()]
    return _csv(lines)


def _journal(memory: Memory) -> bytes:
    names = (
        "seq", "decided", "reviewer", "decision", "reason", "expires", "rule", "rule_version", "model_version", "basis",
        "source", "claim",
    )  # fmt: skip
    lines = [list(names)]
    for line in memory.journal:
        when = datetime.fromtimestamp(line.decided / 1e6, UTC).isoformat(timespec="seconds")
        told = {name: getattr(line, name) for name in names} | {"decided": when.replace("+00:00", "Z")}
        lines.append([_safe(told[name]) for name in names])
    return _csv(lines)


def _safe(value: Any) -> Any:
    """VALUE for a cell. A semicolon would start a cell where a spreadsheet expects it, and a formula with it."""
    return cell(shown(value).replace(";", ",")) if isinstance(value, str) else value


def _csv(lines: list[list[Any]]) -> bytes:
    held = io.StringIO()
    csv.writer(held, lineterminator="\r\n").writerows(lines)  # RFC 4180, section 2
    return held.getvalue().encode("utf-8-sig")


def _place(run: Run, name: str, data: bytes) -> Path:
    path = run.out / name
    with atomic(path) as beside:
        beside.write_bytes(data)
    return run.kept(path)
