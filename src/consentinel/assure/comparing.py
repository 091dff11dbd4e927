"""Two audits side by side: the difference of each measure that both have, with an interval and a test.

An audit keeps intervals and not the answers of people, so differences of its measures are taken as if the two audits
were independent (MOVER: Zou and Donner 2008, from the distances of each estimate to its own ends). Where both measured
the same units, which usually err alike, that is too cautious rather than too bold, and is said. What each audit keeps
of every unit, accuracy or nDCG, is compared in pairs instead, over whole units.
"""

import math
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.assure.results import Result, Row, opened, whom
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.resample import cluster_bootstrap, permutation_test
from consentinel.core.run import Outcome, Run
from consentinel.core.stats import benjamini_hochberg, tail

__all__ = ["DIFFERENCES", "compare", "difference"]

_TEXT = pa.string()
DIFFERENCES = pa.schema(
    [
        ("run_id", pa.dictionary(pa.int32(), _TEXT)), ("pillar", _TEXT), ("probe", _TEXT), ("metric", _TEXT),
        ("slice", _TEXT), ("against", _TEXT), ("first", pa.float64()), ("second", pa.float64()),
        ("difference", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("level", pa.float64()),
        ("p", pa.float64()), ("q", pa.float64()), ("n", pa.int64()), ("method", _TEXT), ("better", _TEXT),
        ("verdict", _TEXT), ("why", _TEXT),
    ]
)  # fmt: skip
_KEY = ("pillar", "probe", "metric", "slice", "against")
_SAME = "the same units were measured twice and are taken as independent: too cautious where the two models err alike"


def compare(run: Run, first: Path, second: Path, *, level: float, seed: int) -> Outcome:
    """Keep differences.parquet of the audits FIRST and SECOND. Raises BadInput, UsageError."""
    tail(level)
    one, two = opened(first), opened(second)
    if one.facts.kind != two.facts.kind:
        raise UsageError(f"a {one.facts.kind} and a {two.facts.kind} model have no measures in common")
    same = bool(one.facts.data_sha256) and one.facts.data_sha256 == two.facts.data_sha256
    ours, theirs = ({tuple(row[name] or "" for name in _KEY): row for row in each.rows} for each in (one, two))
    rows = _paired(one, two, level, seed) if same else []
    for key, row in ours.items():
        if key in theirs and row["value"] is not None and theirs[key]["value"] is not None:
            rows.append(difference(row, theirs[key], level) | {"why": _SAME if same else ""})
    if not rows:
        raise UsageError("the two audits have no measure in common")
    p = np.array([row["p"] for row in rows])
    for row, q in zip(rows, benjamini_hochberg(p).tolist(), strict=True):
        row["q"] = q
        row["verdict"] = _verdict(row) if q <= 1 - level else "no difference shown"
    only = len(ours.keys() ^ theirs.keys())
    if only:
        run.note(f"{only:,} measures are in one of the two audits only")
    run.assume(same_data=same, first=one.facts.model, second=two.facts.model)
    files = {"differences": run.keep("differences", pa.Table.from_pylist(rows, DIFFERENCES))}
    return Outcome(run, 0, files, _told(one, two, rows, same, only))


def difference(first: Row, second: Row, level: float) -> dict[str, Any]:
    """Return SECOND less FIRST, two measures of independent audits, with an interval at LEVEL and the p-value of 0."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    scales = [z / NormalDist().inv_cdf((1 + min(row["level"], 1 - 1e-12)) / 2) for row in (first, second)]
    (a_down, a_up), (b_down, b_up) = (
        (scale * (row["value"] - row["low"]), scale * (row["high"] - row["value"]))
        for scale, row in zip(scales, (first, second), strict=True)
    )
    gap = second["value"] - first["value"]
    down, up = math.hypot(b_down, a_up), math.hypot(b_up, a_down)
    toward = down if gap > 0 else up
    p = (
        1.0
        if gap == 0 or math.isinf(toward)
        else 0.0
        if toward == 0
        else 2 * (1 - NormalDist().cdf(z * abs(gap) / toward))
    )
    return {name: first[name] for name in _KEY} | {
        "run_id": "", "first": first["value"], "second": second["value"], "difference": gap, "low": gap - down,
        "high": gap + up, "level": level, "p": p, "n": min(first["n"] or 0, second["n"] or 0),
        "method": "independent, MOVER", "better": first["better"] or "", "why": "",
    }  # fmt: skip


def _paired(one: Result, two: Result, level: float, seed: int) -> list[dict[str, Any]]:
    tables = []
    for each in (one, two):
        file = None if each.folder is None else each.folder / "per_unit.parquet"
        if file is None or not file.is_file():
            return []
        try:
            tables.append(pq.ParquetFile(file).read())
        except (pa.ArrowException, OSError):
            raise BadInput("cannot be read", where=file.name, todo="Audit the model again") from None
    if tables[0].num_rows != tables[1].num_rows:
        return []
    rows = []
    for name in sorted(set(tables[0].column_names) & set(tables[1].column_names) - {"unit"}):
        a, b = (np.asarray(pc.fill_null(table[name], math.nan), dtype=np.float64) for table in tables)
        both = np.isfinite(a) & np.isfinite(b)
        if both.sum() < 2:
            continue
        a, b = a[both], b[both]
        found = cluster_bootstrap(b - a, np.arange(len(a)), level=level, seed=seed)
        p = permutation_test(b, a, paired=True, seed=seed).p
        rows.append({
            "run_id": "", "pillar": "", "probe": "", "metric": name, "slice": "", "against": "",
            "first": float(a.mean()), "second": float(b.mean()), "difference": found.value, "low": found.low,
            "high": found.high, "level": level, "p": p, "n": len(a), "method": f"paired, {found.method}",
            "better": "higher", "why": "mean over units",
        })  # fmt: skip
    return rows


def _verdict(row: Row) -> str:
    if row["better"] not in ("lower", "higher", "zero"):
        return "differs"
    nearer = abs(row["second"]) < abs(row["first"]) if row["better"] == "zero" else row["difference"] < 0
    return "better" if nearer == (row["better"] != "higher") else "worse"


def _told(one: Result, two: Result, rows: list[dict[str, Any]], same: bool, only: int) -> str:
    shown = [row for row in rows if row["verdict"] != "no difference shown"]
    lines = [
        f"{two.facts.model or 'second'} less {one.facts.model or 'first'}: {len(shown):,} of {len(rows):,} measures "
        "differ" + (", on the same data" if same else ", on different data or data that are not known to be the same")
    ]
    for row in sorted(shown, key=lambda row: row["q"])[:20]:
        about = whom(row)
        lines.append(
            f"  {row['verdict']:8} {row['metric']}{f' ({about})' if about else ''} {row['difference']:+.4g} "
            f"[{row['low']:+.4g}, {row['high']:+.4g}] q={row['q']:.2g}, {row['method']}"
        )
    lines += [f"note: {only:,} measures are in one of the two audits only"] if only else []
    return "\n".join(lines)
