"""A finished audit: its rows, what it is about, what was not run; written as JSON and read back from it."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.columns import values
from consentinel.core.errors import BadInput
from consentinel.core.tables import AUDITS, check

__all__ = ["SCHEMA", "Facts", "Result", "Row", "as_json", "opened", "whom"]

SCHEMA = "consentinel.audit/1"
LARGEST = 1 << 28
Row = Mapping[str, Any]  # one row of AUDITS
_REMEDY = "Give the folder of an audit, or its audit.json or audits.parquet"
_NUMBERS = ("value", "low", "high", "level", "null", "p", "q", "detectable")


@dataclass(frozen=True)
class Facts:
    """What an audit is about: the model and the way that it came in, the data, and how it was measured."""

    model: str = ""
    kind: str = ""
    way: str = ""
    allows: str = ""
    data: str = ""
    data_sha256: str = ""
    rows: int = 0
    units: int = 0
    attributes: tuple[str, ...] = ()
    positive: str = ""
    k: int = 10
    level: float = 0.95
    draws: int = 2000
    seed: int = 0
    claimed: tuple[float, float] | None = None
    version: str = ""
    started: float = 0.0  # seconds since 1970
    seconds: float = 0.0
    stopped: int = 0  # probes that were not reached


@dataclass(frozen=True)
class Result:
    """One audit as its reports see it: rows of AUDITS, facts, probes that were not run, and what the reader must know.

    `gate` holds a judgement for each measure that a policy looked at, where one did.
    """

    rows: tuple[Row, ...]
    facts: Facts = Facts()
    left: tuple[tuple[str, str, str], ...] = ()  # pillar, probe, what it needs
    notes: tuple[str, ...] = ()
    gate: tuple[Row, ...] = ()
    examples: tuple[Row, ...] = ()  # of explanations: probe, about, answer, reason, contribution
    policy: str = ""
    folder: Path | None = field(default=None, compare=False)

    @classmethod
    def of(cls, table: pa.Table, **more: Any) -> "Result":
        """Return the result whose rows are those of TABLE (AUDITS)."""
        names = table.column_names
        columns = [values(table[name]) for name in names]
        return cls(tuple(dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)), **more)


def whom(row: Row) -> str:
    """Return whom ROW is about and what it is compared with, in words; nothing where it is about everybody."""
    against = str(row["against"] or "")
    said = f", {against}" if against.startswith("between") else f" against {against}" if against else ""
    return f"{row['slice'] or 'everybody'}{said}" if row["slice"] or said else ""


def as_json(result: Result) -> dict[str, Any]:
    """Return RESULT as a JSON object; a number that is infinite is the text "inf" or "-inf"."""
    return {
        "schema": SCHEMA,
        "facts": asdict(result.facts),
        "measures": [{name: _out(value) for name, value in row.items() if name != "run_id"} for row in result.rows],
        "not_run": [dict(zip(("pillar", "probe", "needs"), one, strict=True)) for one in result.left],
        "notes": list(result.notes),
        "examples": [{name: _out(value) for name, value in row.items()} for row in result.examples],
        "policy": result.policy,
        "gate": [{name: _out(value) for name, value in row.items()} for row in result.gate],
    }


def opened(path: Path) -> Result:
    """Return the audit in PATH: the folder of a run, its audit.json, or a table of AUDITS; raises BadInput."""
    place = path
    if path.is_dir():
        there = [path / name for name in ("audit.json", "audits.parquet") if (path / name).is_file()]
        if not there:
            raise BadInput("no audit in this folder", where=path.name, todo=_REMEDY)
        place = there[0]
    if not place.is_file():
        raise BadInput("the audit is missing", where=path.name, todo=_REMEDY)
    try:
        if place.suffix == ".parquet":
            return Result.of(check(pq.ParquetFile(place).read(), AUDITS, place.name), folder=place.parent)
        if place.stat().st_size > LARGEST:
            raise BadInput("is larger than any audit", where=place.name, todo=_REMEDY)
        return _read(json.loads(place.read_bytes()), place.parent)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, pa.ArrowException) as why:
        raise BadInput(f"is no audit ({type(why).__name__})", where=place.name, todo=_REMEDY) from None


def _read(said: Any, folder: Path) -> Result:
    if said["schema"] != SCHEMA:
        raise ValueError("another schema")
    rows = [{"run_id": ""} | {name: _in(name, value) for name, value in row.items()} for row in said["measures"]]
    table = check(pa.Table.from_pylist(rows, AUDITS), AUDITS, "audit.json")
    facts = dict(said["facts"])
    facts["attributes"] = tuple(facts["attributes"])
    facts["claimed"] = tuple(facts["claimed"]) if facts["claimed"] else None
    left = tuple((str(one["pillar"]), str(one["probe"]), str(one["needs"])) for one in said["not_run"])
    gate = tuple({name: _in(name, value) for name, value in row.items()} for row in said["gate"])
    examples = tuple({name: _in(name, value) for name, value in row.items()} for row in said.get("examples", ()))
    return Result.of(table, facts=Facts(**facts), left=left, notes=tuple(map(str, said["notes"])), gate=gate,
                     examples=examples, policy=str(said["policy"]), folder=folder)  # fmt: skip


def _out(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def _in(name: str, value: Any) -> Any:
    if name in _NUMBERS and value is not None:
        return float(value)
    return value
