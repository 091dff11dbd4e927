"""The findings table of the page: what happened in one sentence, and the evidence behind it."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.finding_words import type_name
from consentinel.core.page import Cell, Column, Html, badge, h, join, number, section, table
from consentinel.core.text import one_line, shown
from consentinel.detect.explain import explain, title
from consentinel.detect.reports._result import OUTCOMES, SEVERITIES, Result, spoken_instant
from consentinel.detect.reports._words import OUTCOME_TONES, REVIEW_TONES, SCENARIOS, SEVERITY_TONES, STATES

__all__ = ["findings_section", "name"]

_ROWS = 2_000  # a page with more findings than this is slow to open; the other formats hold them all
_RECORDS = 5  # evidence records shown for each finding
_CELL = 120  # characters of one name in a cell


def findings_section(result: Result, findings: pa.Table) -> Html:
    """Return the section with one row for each of FINDINGS, which are already in order."""
    shown_rows = findings.slice(0, _ROWS)
    note = "Open a row's evidence to see the fields, shapes and times behind it. This page holds no values."
    if findings.num_rows > _ROWS:
        note = f"The first {_ROWS:,} of {findings.num_rows:,} findings are listed here, the most serious first; "
        note += "findings.parquet and findings.json hold all of them. " + "This page holds no values."
    columns = [
        Column("Severity", choose=True), Column("Outcome", choose=True), Column("What happened", wide=True),
        Column("Data", choose=True, screen=True), Column("Recipient", choose=True, screen=True),
        Column("Consent", choose=True, screen=True),
        Column("Proof", choose=True), Column("Times", numeric=True),
    ]  # fmt: skip
    if result.baseline is not None:
        columns.append(Column("Baseline", choose=True))
    if result.reviews is not None:
        columns.append(Column("Review", choose=True))
    records = _records(result.evidence, shown_rows)
    said = explain(shown_rows).to_pylist()
    rows = [_row(result, row, text, records) for row, text in zip(shown_rows.to_pylist(), said, strict=True)]
    grid = table(columns, rows, caption="Findings, most serious first")
    return section("Findings", grid, anchor="findings", note=note)


def name(text: str | None, otherwise: str = "not known") -> Html:
    """Return TEXT from outside, cut short and kept from turning the direction of what stands around it."""
    return h("bdi", *_breakable(one_line(text, _CELL))) if text else h("span", otherwise, class_="soft")


def _breakable(text: str) -> list[Html | str]:
    """Return TEXT in parts, so that a narrow column breaks a long host name after a dot."""
    head, *rest = text.split(".")
    return [head, *(part for tail in rest for part in (".", h("wbr"), tail))]


def _row(result: Result, row: dict[str, Any], text: str, records: dict[str, str]) -> list[Cell | Html | int | None]:
    outcome = row["outcome"] if row["outcome"] in OUTCOMES else "no signal"
    severity = row["severity"] if row["severity"] in SEVERITIES else "low"
    place = OUTCOMES.index(outcome) * 10 + SEVERITIES.index(severity)
    tone = SEVERITY_TONES[severity] if outcome == OUTCOMES[0] else "muted"
    graded = badge(severity, tone) if outcome != "allowed" else h("span", "n/a", class_="soft")
    state = STATES.get(row["consent_state"]) or one_line(row["consent_state"] or "not known", _CELL)
    scenario = SCENARIOS.get(row["scenario"] or "unknown")
    visit = h("div", scenario, class_="soft") if scenario and row["scenario"] not in (None, "unknown") else None
    owner = row["owner"] and h("div", name(row["owner"]), class_="soft")
    proof = one_line(row["proof"] or "", 8)
    p, stands = row["p"], (result.reviews or {}).get(row["finding_id"])
    sure = None if p is None or p != p else h("div", f"p\u00a0{p:.2f}", class_="soft")
    cells: list[Cell | Html | int | None] = [
        Cell(graded, sort=place, label=severity if outcome != "allowed" else "not applicable"),
        Cell(badge(outcome, OUTCOME_TONES[outcome]), sort=OUTCOMES.index(outcome), label=outcome),
        Cell(join(row["explanation"] or text, _details(row, records, stands.why if stands else "")), sort=text),
        Cell(type_name(row["type"]), label=type_name(row["type"])),
        Cell(join(name(row["recipient"]), owner), sort=_label(row["recipient"]), label=_label(row["recipient"])),
        Cell(join(state, visit), sort=state, label=state),
        Cell(join(proof or h("span", "not stated", class_="soft"), sure), sort=proof, label=proof or "not stated"),
        row["n"],
    ]
    if result.baseline is not None:
        mark = result.mark(row["fingerprint"])
        cells.append(Cell(badge(mark, "info" if mark == "new" else "muted"), sort=mark, label=mark))
    if result.reviews is not None:
        status = stands.status.replace("_", " ") if stands else "open"
        tone = REVIEW_TONES.get(stands.status, "muted") if stands else "muted"
        cells.append(Cell(badge(status, tone), sort=status, label=status))
    return cells


def _label(text: str | None) -> str:
    return one_line(text, _CELL) if text else "not known"


def _details(row: dict[str, Any], records: dict[str, str], review: str) -> Html:
    at = f":{row['line']}" + (f":{row['col']}" if row["col"] else "") if row["line"] else ""
    facts = [
        ("Rule", title(row["rule"]) if row["rule"] else None),
        ("Fields", ", ".join(one_line(key, 60) for key in row["keys"] or [])),
        ("Carried in", row["carrier"]),
        ("Script", f"{row['location']}{at}" if row["location"] else "not recorded"),
        ("First seen", spoken_instant(row["first"])),
        ("Last seen", spoken_instant(row["last"])),
        ("Visits", None if row["n_visits"] is None else number(row["n_visits"])),
        ("People", None if row["n_subjects"] is None else number(row["n_subjects"])),
        ("Purpose", row["purpose"]),
        ("Basis", row["basis"]),
        ("Review", review),
        ("Fingerprint", row["fingerprint"]),
    ]
    ids = row["evidence_ids"] or []
    known = [(key, records[key]) for key in ids[:_RECORDS] if key in records]
    more = len(ids) - len(known)
    beyond = h("p", f"{number(more)} more in evidence.parquet.", class_="soft") if more > 0 else None
    said = f"Evidence ({number(len(ids))} {'record' if len(ids) == 1 else 'records'})"
    return h("details", h("summary", said), _facts(facts), *(_record(key, text) for key, text in known), beyond)


def _facts(pairs: list[tuple[str, Any]]) -> Html:
    told = [(what, value) for what, value in pairs if value not in (None, "", [])]
    return h("dl", *(join(h("dt", what), h("dd", h("bdi", one_line(str(v), 300)))) for what, v in told), class_="facts")


def _records(evidence: pa.Table, findings: pa.Table) -> dict[str, str]:
    """Return the text of the evidence records that the rows of FINDINGS show, by their id."""
    wanted = pc.unique(pc.list_flatten(pc.list_slice(findings.column("evidence_ids"), 0, _RECORDS)))
    found = evidence.filter(pc.is_in(evidence.column("evidence_id"), value_set=wanted.cast(pa.string())))
    return dict(zip(found.column("evidence_id").to_pylist(), found.column("record").to_pylist(), strict=True))


def _record(key: str, text: str | None) -> Html:
    """Return one evidence record: its plain fields as a list, its lists of fields as small tables."""
    try:
        record = json.loads(text or "")
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return h("div", h("code", one_line(text or "This record is missing.", 600)), class_="record")
    plain, tables = [("Evidence", key)], []
    for field, value in record.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            tables.append(_small(field, value))
        else:
            plain.append((shown(field), _spoken(field, value)))
    return h("div", _facts(plain), *tables, class_="record")


def _small(field: str, rows: list[dict[str, Any]]) -> Html:
    columns = list(dict.fromkeys(key for row in rows for key in row))[:8]
    head = h("tr", *(h("th", one_line(c, 40), scope="col") for c in columns))
    body = [h("tr", *(h("td", h("bdi", _spoken(c, row.get(c)))) for c in columns)) for row in rows[:20]]
    more = h("p", f"{number(len(rows) - 20)} more rows", class_="soft") if len(rows) > 20 else None
    return join(h("table", h("caption", one_line(field, 40)), h("thead", head), h("tbody", *body)), more)


def _spoken(field: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and field in ("time", "first", "last", "started"):
        return spoken_instant(value)
    if isinstance(value, str):
        return one_line(value, 300)
    try:
        return one_line(json.dumps(value, ensure_ascii=False), 300)
    except RecursionError:
        return "nested too deep to show"
