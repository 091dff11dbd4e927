"""Refuted claims in our own audits: a run's folder, or its audits.parquet."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from consentinel.understand.sources import _columns
from consentinel.understand.sources._asking import PART, Asking

__all__ = ["COLUMNS", "KIND", "fits", "read"]

FACTS = ("claimed_epsilon", "lower_bound_epsilon", "delta")
COLUMNS: Mapping[str, str] = {
    "source_id": "id", "text": "text", "title": "title", "subject": "subject", "category": "test",
    "severity": "severity", "status": "verdict", "opened": "opened", "labels": "classes",
    **{f"fact {name}": name for name in FACTS},
}  # fmt: skip
KIND = "audit"
REFUTED = ("refuted", "fail", "failed")


def fits(path: Path) -> int:
    """Return 2 when PATH is a table of audits, or a folder with one, else 0."""
    return 2 if {"subject", "test", "bug_classes", "verdict", "why"} <= set(_columns.schema(_file(path))) else 0


def read(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield the failed audits of PATH; what stands or has too little evidence is no incident. Raises BadInput."""
    file = _file(path)
    for table in _columns.parquet(file, asking):
        failed = table.filter(pc.is_in(table["verdict"], value_set=pa.array(REFUTED)))
        if failed.num_rows < table.num_rows:
            asking.notes.append(
                f"{file.name}: {table.num_rows - failed.num_rows} audits that did not fail were left out"
            )
        title = pc.binary_join_element_wise(failed["subject"], failed["test"], ": ")
        for name, column in {
            "title": title,
            "text": pc.binary_join_element_wise(title, failed["why"], ". "),
            "id": title,
            "severity": pa.array(["high"] * failed.num_rows, pa.string()),
            "opened": pa.array([_started(file)] * failed.num_rows, pa.string()),
            "classes": pc.replace_substring(failed["bug_classes"], " ", PART),
        }.items():
            failed = failed.append_column(name, column)
        yield failed


def _started(file: Path) -> str | None:
    """Return when the run that FILE belongs to started, as its run.json says."""
    try:
        started = json.loads((file.parent / "run.json").read_text("utf-8")).get("started")
    except (OSError, ValueError, AttributeError):
        return None
    return started if isinstance(started, str) else None


def _file(path: Path) -> Path:
    return path / "audits.parquet" if path.is_dir() else path
