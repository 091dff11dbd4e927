"""Incidents in VERIS JSON: one file, several in an array, one a line, or a folder with a file each."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.core.errors import BadInput
from consentinel.understand.sources._asking import PART, Asking, batches
from consentinel.understand.sources._records import flat, objects
from consentinel.understand.sources._text import head

__all__ = ["COLUMNS", "KIND", "fits", "read"]

COLUMNS: Mapping[str, str] = {
    "source_id": "incident_id", "text": "summary", "subject": "victim", "region": "country", "category": "category",
    "labels": "labels", "opened": "opened", "people": "people", "data_types": "data_types", "action": "action",
    "status": "status", "severity": "severity",
}  # fmt: skip
KIND = "incident"
_SIGNS = ('"actor"', '"action"', '"asset"', '"attribute"')
_AXES = ("actor", "action", "asset", "attribute")


def fits(path: Path) -> int:
    """Return 2 when PATH, or the first JSON file in the folder PATH, begins as VERIS does, else 0."""
    first = min(path.glob("*.json"), default=None) if path.is_dir() else path
    if first is None or not first.name.lower().endswith((".json", ".jsonl", ".json.gz", ".jsonl.gz")):
        return 0
    begin = head(first, 16_384)
    return 2 if sum(sign in begin for sign in _SIGNS) >= 3 else 0


def read(path: Path, asking: Asking) -> Iterator[pa.Table]:
    """Yield the incidents of PATH; raises BadInput. Source: VERIS community schema 1.3 and 1.4."""
    return batches(_incidents(path, asking), asking)


def _incidents(path: Path, asking: Asking) -> Iterator[dict[str, str | None]]:
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        try:
            for record in objects(file, asking):
                yield _incident(record)
        except BadInput:
            if not path.is_dir():
                raise
            asking.unreadable += 1


def _incident(record: dict[str, Any]) -> dict[str, str | None]:
    """Return the columns of one incident; classes are axis.name and axis.name.variety, as in action.hacking.SQLi."""
    labels = list(dict.fromkeys(label for axis in _AXES for label in _classes(axis, _inner(record, axis))))
    action = [label for label in labels if label.startswith("action.") and label.count(".") == 1]
    when = _inner(record, "timeline", "incident")
    date = [str(when.get(part) or 1).zfill(2) for part in ("month", "day")]
    hidden = _inner(record, "attribute", "confidentiality")
    varieties = [str(one.get("variety")) for one in _listed(hidden.get("data")) if isinstance(one, dict)]
    plain = flat(record)
    return {
        "incident_id": plain.get("incident_id"),
        "summary": plain.get("summary"),
        "victim": plain.get("victim.victim_id"),
        "country": (plain.get("victim.country") or "").partition(PART)[0] or None,
        "category": action[0].partition(".")[2] if action else None,
        "labels": PART.join(labels),
        "opened": "-".join((str(when["year"]), *date)) if when.get("year") else None,
        "people": _first(
            plain, "plus.attribute.confidentiality.data_subject_total", "attribute.confidentiality.data_total"
        ),
        "data_types": PART.join(varieties),
        "action": _first(plain, "corrective_action", "control_failure"),
        "status": plain.get("security_incident"),
        "severity": plain.get("impact.overall_rating"),
    }


def _classes(axis: str, found: dict[str, Any]) -> Iterator[str]:
    for name, inner in found.items():
        if isinstance(inner, dict):
            yield f"{axis}.{name}"
            yield from (f"{axis}.{name}.{one}" for one in _listed(inner.get("variety")) if isinstance(one, str))
    for one in _listed(found.get("assets")):
        if isinstance(one, dict) and isinstance(one.get("variety"), str):
            yield f"{axis}.{one['variety']}"


def _inner(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the object under NAMES; an empty one where there is none."""
    found: Any = record
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(plain: Mapping[str, str | None], *names: str) -> str | None:
    return next((found for name in names if (found := plain.get(name))), None)
