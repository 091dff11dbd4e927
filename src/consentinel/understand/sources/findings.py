"""Potential violations in the findings of our own scans: a run's folder, or its findings.parquet."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.core.errors import BadInput, ContractBroken
from consentinel.core.finding_words import rule_words, type_name
from consentinel.core.tables import FINDINGS, check
from consentinel.understand.sources import _columns
from consentinel.understand.sources._asking import Asking

__all__ = ["COLUMNS", "KIND", "fits", "read"]

FACTS = ("recipient", "carrier", "consent_state", "scenario", "purpose", "proof", "basis")
COLUMNS: Mapping[str, str] = {
    "source_id": "fingerprint", "text": "text", "title": "title", "subject": "subject", "category": "rule",
    "severity": "severity", "status": "outcome", "opened": "first", "people": "n_subjects", "data_types": "type",
    "n": "n", **{f"fact {name}": name for name in FACTS},
}  # fmt: skip
KIND = "finding"
CLAIMED = "potential violation"


def fits(path: Path) -> int:
    """Return 2 when PATH is a table of findings, or a folder with one, else 0."""
    return 2 if {"finding_id", "fingerprint", "outcome"} <= set(_columns.schema(_file(path))) else 0


def read(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield the potential violations of PATH; what is allowed or without a signal is no incident. Raises BadInput."""
    file = _file(path)
    try:
        table = check(pq.read_table(file), FINDINGS, file.name)
    except (OSError, pa.ArrowException, ContractBroken):
        raise BadInput("is not a table of findings", where=file.name, todo="Scan again with this version") from None
    claims = table.filter(pc.equal(table["outcome"].cast(pa.string()), CLAIMED))
    if claims.num_rows < table.num_rows:
        left = table.num_rows - claims.num_rows
        asking.notes.append(f"{file.name}: {left} findings that are no potential violation were left out")
    made = _columns.texts(claims, 0, asking)
    to = pc.coalesce(made["recipient"], made["owner"], "itself")
    words = pa.array([rule_words(rule or "") for rule in made["rule"].to_pylist()], pa.string())
    types = pa.array([type_name(kind) for kind in made["type"].to_pylist()], pa.string())
    data = pc.binary_join_element_wise(types, to, " to ")
    title = pc.binary_join_element_wise(words, data, ": ")
    made = made.append_column("title", title)
    yield made.append_column("text", pc.coalesce(made["explanation"], title))


def _file(path: Path) -> Path:
    return path / "findings.parquet" if path.is_dir() else path
