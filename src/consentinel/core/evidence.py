"""Evidence: the minimised records that findings point to, addressed by their content.

A record has names, shapes, types and times; never a value nor a digest of one. Its id is the hash of its canonical
JSON, so that the same evidence has the same id and a changed record is noticed.
"""

import hashlib
import json
from collections.abc import Mapping

import pyarrow as pa

from consentinel.core.tables import EVIDENCE

__all__ = ["canonical", "evidence_id", "table", "verify"]


def canonical(record: Mapping[str, object]) -> str:
    """Return RECORD as JSON with sorted keys and no white space; fields that are None are left out."""
    return json.dumps(
        {k: v for k, v in record.items() if v is not None}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def evidence_id(text: str) -> str:
    """Return the id of a canonical record: "ev_" and 24 hexadecimal digits of its SHA-256."""
    return "ev_" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


def table(records: Mapping[str, tuple[str, str]], run_id: str) -> pa.Table:
    """Return the EVIDENCE table of RECORDS, which maps an evidence id to (visit_id, canonical JSON)."""
    n = len(records)
    columns = [
        pa.array([run_id] * n, pa.string()).dictionary_encode(),
        pa.array(list(records), pa.string()),
        pa.array([visit for visit, _ in records.values()], pa.string()).dictionary_encode(),
        pa.array([text for _, text in records.values()], pa.string()),
    ]
    return pa.table(columns, schema=EVIDENCE)


def verify(evidence: pa.Table) -> list[str]:
    """Return the ids in an EVIDENCE table whose record no longer has that id."""
    pairs = zip(evidence["evidence_id"].to_pylist(), evidence["record"].to_pylist(), strict=True)
    return [i for i, text in pairs if evidence_id(text) != i]
