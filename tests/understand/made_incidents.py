"""Made-up incidents in every form that a source reads; no person in them exists."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.tables import AUDITS, FINDINGS

ROWS: list[dict[str, Any]] = [
    {"id": "I-1", "description": "A laptop was lost on a train.", "submitted": "2026-03-14", "type": "Loss"},
    {"id": "I-2", "description": "A letter went to the wrong house.", "submitted": "2026-03-15", "type": "Disclosure"},
]
CSV = "id,description,submitted,type\n" + "".join(f"{','.join(row.values())}\n" for row in ROWS)
JSONL = "".join(f"{json.dumps(row)}\n" for row in ROWS)
VERIS: dict[str, Any] = {
    "incident_id": "V-1", "summary": "A database was open to everybody.", "security_incident": "Confirmed",
    "actor": {"internal": {"variety": ["System admin"]}}, "asset": {"assets": [{"variety": "S - Database"}]},
    "action": {"error": {"variety": ["Misconfiguration"]}},
    "attribute": {"confidentiality": {"data": [{"variety": "Personal"}], "data_total": 1200}},
    "timeline": {"incident": {"year": 2025, "month": 7}}, "victim": {"victim_id": "Example Ltd", "country": ["IE"]},
}  # fmt: skip


def parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


def sqlite(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE reports (id TEXT, description TEXT, submitted TEXT, type TEXT)")
        connection.executemany("INSERT INTO reports VALUES (?, ?, ?, ?)", [tuple(row.values()) for row in ROWS])
    connection.close()
    return path


def findings(path: Path) -> Path:
    kept = dict.fromkeys(FINDINGS.names)
    claim = kept | {
        "fingerprint": "f1", "finding_id": "1", "rule": "gpc_ignored", "subject": "shop.test", "recipient": "ads.test",
        "type": "contact.email", "outcome": "potential violation", "severity": "high", "first": 1_795_352_715_728_000,
        "n": 6, "n_subjects": 2, "explanation": "shop.test sent an e-mail address to ads.test.",
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([claim, claim | {"fingerprint": "f2", "outcome": "allowed"}], FINDINGS), path)
    return path


def audits(path: Path) -> Path:
    row = {
        "subject": "mean", "test": "histogram", "bug_classes": "noise scale", "delta": 1e-6, "claimed_epsilon": 1.0,
        "lower_bound_epsilon": 2.0, "verdict": "refuted", "why": "outputs are told apart",
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row, row | {"test": "timing", "verdict": "consistent"}]), path)
    return path


def measures(folder: Path, gated: bool = True) -> Path:
    """Write the audit of a model into FOLDER: one measure failed its gate, one passed, and one was not looked at."""
    folder.mkdir()
    one = {
        "pillar": "fair", "probe": "group", "metric": "equal_opportunity_difference", "slice": "group",
        "against": "between groups", "value": 0.38851, "low": 0.33121, "high": 0.44311, "level": 0.95, "n": 800,
        "better": "zero", "verdict": "fail" if gated else "effect", "why": "",
    }  # fmt: skip
    rest = [{"metric": "accuracy", "verdict": "pass" if gated else "effect"}, {"metric": "log_loss", "verdict": ""}]
    pq.write_table(pa.Table.from_pylist([one, *(one | other for other in rest)], AUDITS), folder / "audits.parquet")
    about = {name: one[name] for name in ("pillar", "probe", "metric", "slice", "against")}
    judged = about | {"bound": "at most 0.15", "severity": "critical", "verdict": "fail"}
    said = {"facts": {"model": "loans"}, "gate": [judged] if gated else []}
    (folder / "audit.json").write_text(json.dumps(said))
    return folder
