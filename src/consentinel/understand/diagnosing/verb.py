"""What the verb diagnose does: compare two windows, name the slices that moved, keep tables and a page."""

import json
from math import isfinite
from pathlib import Path

import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.core.stats import Interval
from consentinel.core.tables import LABEL, TEXT
from consentinel.understand.diagnosing.explain import Cause, Moved, contributions, explained
from consentinel.understand.diagnosing.report import sentence, written
from consentinel.understand.diagnosing.windows import compared
from consentinel.understand.forecasting.series import Step
from consentinel.understand.given import read_table

__all__ = ["CAUSES", "diagnose"]

NUMBER = pa.float64()
# One row is one slice: everything (rank 0), a cause (rank 1, 2, ...), or one value of a dimension (rank null).
CAUSES = pa.schema([
    ("run_id", LABEL), ("rank", pa.int32()), ("slice", TEXT),
    ("of", pa.list_(pa.struct([("dimension", TEXT), ("value", TEXT)]))), ("before", NUMBER), ("after", NUMBER),
    ("factor", NUMBER), ("factor_low", NUMBER), ("factor_high", NUMBER), ("added", NUMBER), ("added_low", NUMBER),
    ("added_high", NUMBER), ("share", NUMBER), ("share_low", NUMBER), ("share_high", NUMBER), ("p", NUMBER),
    ("same", pa.list_(TEXT)), ("also", pa.list_(TEXT)),
])  # fmt: skip


def diagnose(
    run: Run, path: Path, *, dimensions: str, date: str, weight: str, total: str, step: Step, at: str, before: int,
    after: int, depth: int, alarm: float, level: float, draws: int, seed: int,
) -> Outcome:  # fmt: skip
    """Diagnose the change in the table PATH; arguments are those of the verb, which see."""
    names = [name.strip() for name in dimensions.split(",") if name.strip()]
    if not names:
        raise UsageError("name the columns to look into, for example --dimensions sdk,version,country")
    if depth not in (1, 2):
        raise UsageError(f"slices name 1 or 2 dimensions, got a depth of {depth}")
    if not 0 < alarm < 1 or not 0 < level < 1 or draws < 1 / alarm:
        raise UsageError(f"alarm and level are in (0, 1), draws at least 1 / alarm; got {alarm}, {level}, {draws}")
    table = read_table(run, path)
    found = compared(run, table, date=date, dimensions=names, weight=weight, total=total, step=step, at=at,
                     before=before, after=after)  # fmt: skip
    moved = explained(found.rows, found.windows, depth=min(depth, len(names)), alarm=alarm, level=level, draws=draws,
                      seed=seed)  # fmt: skip
    if moved.left:
        run.note(f"{moved.left:,} slices of fewer than ten counts (or beyond the 20,000 largest) were not looked at")
    parts = contributions(found.rows, found.windows, level=level, seed=seed)
    listed = [(0, moved.whole), *((at, cause) for at, cause in enumerate(moved.causes, 1))]
    every = [*listed, *((None, cause) for _, some in parts for cause in some)]
    kept = {"causes": run.keep("causes", pa.Table.from_pylist([_row(rank, cause) for rank, cause in every], CAUSES))}
    said = sentence(found, moved, alarm)
    with atomic(run.out / "diagnosis.html") as beside:
        beside.write_text(written(found, moved, parts, level=level, alarm=alarm, notes=run.notes), "utf-8")
    with atomic(run.out / "diagnosis.json") as beside:
        beside.write_text(_json(said, moved), "utf-8")
    kept |= {"page": run.kept(run.out / "diagnosis.html"), "facts": run.kept(run.out / "diagnosis.json")}
    return Outcome(run, 0, kept, said)


def _row(rank: int | None, cause: Cause) -> dict[str, object]:
    ends = {
        f"{name}{end}": value
        for name, one in (("factor", cause.factor), ("added", cause.added), ("share", cause.share))
        for end, value in (("", one.value), ("_low", one.low), ("_high", one.high))
    }
    of = [{"dimension": dimension, "value": value} for dimension, value in cause.slice.of]
    return {
        "rank": rank, "slice": str(cause.slice), "of": of, "before": cause.before, "after": cause.after, **ends,
        "p": None if rank is None else cause.p, "same": [str(one) for one in cause.same],
        "also": [str(one) for one in cause.also],
    }  # fmt: skip


def _json(said: str, moved: Moved) -> str:
    record = {
        "sentence": said, "moved": bool(moved.causes), "p": moved.p, "slices": moved.slices,
        "causes": [
            {"slice": str(cause.slice), "factor": _ends(cause.factor),
             "share": _ends(cause.share), "p": cause.p}
            for cause in moved.causes
        ],
    }  # fmt: skip
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _ends(one: Interval) -> list[float | None]:
    return [value if isfinite(value) else None for value in (one.value, one.low, one.high)]
