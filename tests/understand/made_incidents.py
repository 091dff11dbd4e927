"""Made-up incidents in every form that a source reads; no person in them exists."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.tables import FINDINGS

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
