"""What failed in our own audits: refuted claims of privacy, and measures of a model that failed its gate."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from consentinel.understand.sources import _columns
from consentinel.understand.sources._asking import PART, Asking

__all__ = ["COLUMNS", "KIND", "fits", "read"]

FACTS = ("claimed_epsilon", "lower_bound_epsilon", "delta", "value", "low", "high", "wanted")
COLUMNS: Mapping[str, str] = {
    "source_id": "id", "text": "text", "title": "title", "subject": "subject", "category": "test",
    "severity": "severity", "status": "verdict", "opened": "opened", "labels": "classes",
    **{f"fact {name}": name for name in FACTS},
}  # fmt: skip
KIND = "audit"
FAILED = ("refuted", "fail", "failed")
_CLAIMS = {"subject", "test", "bug_classes", "verdict", "why"}  # of `protect audit`
_MEASURES = {"pillar", "probe", "metric", "slice", "against", "value", "low", "high", "verdict", "why"}  # AUDITS
_ABOUT = ("pillar", "probe", "metric", "slice", "against")
_MADE = ("id", "subject", "title", "test", "text", "severity", "classes", "wanted", "value", "low", "high")
_WORSE = ("low", "medium", "high", "critical")


def fits(path: Path) -> int:
    """Return 2 when PATH is a table of audits, or a folder with one, else 0."""
    names = set(_columns.schema(_file(path)))
    return 2 if names >= _CLAIMS or names >= _MEASURES else 0


def read(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield what failed in PATH; what passed, has too little evidence or met no gate is no incident.

    Raises BadInput for a table that cannot be read.
    """
    file = _file(path)
    opened = _json(file.with_name("run.json")).get("started")
    for table in _columns.parquet(file, asking):
        failed = table.filter(pc.is_in(table["verdict"], value_set=pa.array(FAILED)))
        if failed.num_rows < table.num_rows:
            asking.notes.append(
                f"{file.name}: {table.num_rows - failed.num_rows} results that did not fail were left out"
            )
        measured = "pillar" in table.column_names
        if measured and not pc.any(pc.is_in(table["verdict"], value_set=pa.array(["pass", *FAILED]))).as_py():
            asking.notes.append(f"{file.name}: no gate has judged these measures; `assure gate` does")
        columns = _measured(failed, file) if measured else _refuted(failed)
        columns["opened"] = pa.array([opened if isinstance(opened, str) else None] * failed.num_rows, pa.string())
        for name, column in columns.items():
            if name in failed.column_names:
                failed = failed.drop_columns(name)
            failed = failed.append_column(name, column)
        for name in sorted({*COLUMNS.values()}.difference(failed.column_names)):  # those of the other kind of audit
            failed = failed.append_column(name, pa.nulls(failed.num_rows, pa.string()))
        yield failed


def _refuted(failed: pa.Table) -> dict[str, Any]:
    """Return our columns of refuted claims."""
    title = pc.binary_join_element_wise(failed["subject"], failed["test"], ": ")
    return {
        "title": title, "id": title, "text": pc.binary_join_element_wise(title, failed["why"], ". "),
        "severity": pa.array(["high"] * failed.num_rows, pa.string()),
        "classes": pc.replace_substring(failed["bug_classes"], " ", PART),
    }  # fmt: skip


def _measured(failed: pa.Table, file: Path) -> dict[str, Any]:
    """Return our columns of measures that failed; bounds and severities are those of the gate, in audit.json beside."""
    audit = _json(file.with_name("audit.json"))
    facts, gate = audit.get("facts") or _json(file.with_name("run.json")).get("assumed"), audit.get("gate")
    model = str(facts.get("model") or "") if isinstance(facts, dict) else ""
    judged: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in gate if isinstance(gate, list) else ():
        if isinstance(one, dict) and one.get("verdict") in FAILED:
            judged.setdefault(tuple(str(one.get(name) or "") for name in _ABOUT), []).append(one)
    rows: list[dict[str, str | None]] = []
    for row in failed.select([*_ABOUT, "value", "low", "high", "why"]).to_pylist():
        about = tuple(row[name] or "" for name in _ABOUT)
        pillar, probe, metric, part, against = about
        rules = judged.get(about, [])
        numbers = {name: None if row[name] is None else f"{float(row[name]):.4g}" for name in ("value", "low", "high")}
        whom = part + (f" against {against}" if "=" in against else f" ({against})" if against else "")
        title = f"{probe}: {metric}".replace("_", " ") + (f" of {whom.strip()}" if whom else "")
        said = [f"{title} is {numbers['value']} ({numbers['low']} to {numbers['high']})"
                if numbers["value"] else f"{title} was not measured"]  # fmt: skip
        wanted = "; ".join(dict.fromkeys(str(one.get("bound")) for one in rules))
        known = [one["severity"] for one in rules if one.get("severity") in _WORSE]
        rows.append({
            "id": "/".join([model, *about]), "subject": model or None, "title": title, "test": probe,
            "text": ". ".join(filter(None, [*said, wanted and f"Wanted: {wanted}", row["why"]])),
            "severity": max(known, key=_WORSE.index, default=None), "classes": f"{pillar}{PART}{metric}",
            "wanted": wanted or None, **numbers,
        })  # fmt: skip
    return {name: pa.array([row[name] for row in rows], pa.string()) for name in _MADE}


def _json(file: Path) -> dict[str, Any]:
    """Return the object in FILE; empty where there is none that can be read."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _file(path: Path) -> Path:
    return path / "audits.parquet" if path.is_dir() else path
