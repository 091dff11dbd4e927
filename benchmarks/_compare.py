"""The one place that decides whether a public number holds."""

import json
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Row", "compare", "read_reach", "read_results"]

FIELDS = ("value", "low", "high", "n", "protocol")
DIRECTIONS = ("at_least", "at_most", "equal")


@dataclass(frozen=True)
class Row:
    """One public number with its verdict; `why` says what is wrong when it is not ok."""

    name: str
    what: str
    unit: str
    direction: str
    reach: float
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    protocol: str
    ok: bool
    why: str


def read_reach(file: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of reach.toml by name; raises ValueError for one that is not complete."""
    reach = tomllib.loads(file.read_text("utf-8"))
    for name, row in reach.items():
        if set(row) != {"what", "unit", "direction", "reach"} or row["direction"] not in DIRECTIONS:
            raise ValueError(f"{file.name}: {name} needs what, unit, direction ({', '.join(DIRECTIONS)}) and reach")
        if not _finite(row["reach"]):
            raise ValueError(f"{file.name}: the reach of {name} should be a finite number")
    return reach


def read_results(folder: Path) -> dict[str, Any]:
    """Return what the files in FOLDER hold, by name; a file that is not JSON becomes None."""
    found: dict[str, Any] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            found[file.stem] = json.loads(file.read_text("utf-8"))
        except ValueError:
            found[file.stem] = None
    return found


def compare(reach: dict[str, dict[str, Any]], results: dict[str, Any]) -> list[Row]:
    """Return one verdict for each row of REACH, in its order, and one for each result that has no such row."""
    rows = [_row(name, wanted, results.get(name, "missing")) for name, wanted in reach.items()]
    nothing = {"what": "", "unit": "", "direction": "", "reach": math.nan}
    return rows + [_row(name, nothing, result) for name, result in results.items() if name not in reach]


def _row(name: str, wanted: dict[str, Any], result: Any) -> Row:
    why = _fault(result) or _short(wanted, result)
    got = result if isinstance(result, dict) and set(result) == set(FIELDS) else dict.fromkeys(FIELDS)
    return Row(name=name, **wanted, **{**got, "protocol": got["protocol"] or ""}, ok=not why, why=why)


def _fault(result: Any) -> str:
    """Return what is wrong with RESULT in itself, before anything is asked of it."""
    if result == "missing":
        return "not measured"
    if not isinstance(result, dict) or set(result) != set(FIELDS):
        return f"a result has exactly {', '.join(FIELDS)}"
    low, value, high, n = (result[key] for key in ("low", "value", "high", "n"))
    if not all(map(_finite, (low, value, high))):
        return "not a finite number"
    if not low <= value <= high:
        return "the value lies outside its interval"
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        return "measured on nothing"
    if not isinstance(result["protocol"], str) or not result["protocol"].strip():
        return "no protocol"
    return ""


def _short(wanted: dict[str, Any], result: dict[str, Any]) -> str:
    """Return why the interval of RESULT does not reach what is WANTED; empty when it does."""
    reach, direction = wanted["reach"], wanted["direction"]
    holds = {
        "at_least": result["low"] >= reach,
        "at_most": result["high"] <= reach,
        "equal": result["low"] == reach == result["high"],
    }
    if direction not in holds:
        return "no row in reach.toml"
    return "" if holds[direction] else "not reached"


def _finite(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
