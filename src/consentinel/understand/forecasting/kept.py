"""The tables that a forecast keeps, and the schemas they have."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from consentinel.core.tables import LABEL, MICROS, TEXT
from consentinel.understand.forecasting.answer import Found
from consentinel.understand.forecasting.series import Floats

__all__ = ["BACKTESTS", "CHANGES", "FORECASTS", "tables"]

NUMBER = pa.float64()
# One row is one step of one segment: past, with the count and what one step ahead was expected; or ahead.
FORECASTS = pa.schema([
    ("run_id", LABEL), ("segment", LABEL), ("step", LABEL), ("start", MICROS), ("ahead", pa.int32()),
    ("count", NUMBER), ("mean", NUMBER), ("expected", NUMBER), ("low", NUMBER), ("high", NUMBER), ("level", NUMBER),
    ("p", NUMBER), ("adjusted", NUMBER), ("stands_out", pa.bool_()),
])  # fmt: skip
# One row is one change of level: the first day after it, with the interval of that day.
CHANGES = pa.schema([
    ("run_id", LABEL), ("segment", LABEL), ("start", MICROS), ("low", MICROS), ("high", MICROS), ("before", NUMBER),
    ("after", NUMBER), ("p", NUMBER),
])  # fmt: skip
# One row is one forecaster (or the answer, which mixes them) on one segment, one step ahead.
BACKTESTS = pa.schema([
    ("run_id", LABEL), ("segment", LABEL), ("forecaster", TEXT), ("error", NUMBER), ("weight", NUMBER),
    ("covered", NUMBER), ("n", pa.int64()),
])  # fmt: skip


def tables(founds: Sequence[Found]) -> dict[str, pa.Table]:
    """Return the tables forecasts, changes and backtests of FOUNDS; run_id is set when they are kept."""
    steps: list[dict[str, object]] = []
    for one in founds:
        steps += _steps(one)
    turned = [
        {
            "segment": one.series.segment, "start": _micros(one, change.at), "low": _micros(one, change.low),
            "high": _micros(one, change.high), "before": change.before, "after": change.after, "p": change.p,
        }
        for one in founds
        for change in one.changes
    ]  # fmt: skip
    tried: list[dict[str, object]] = []
    for one in founds:
        n = len(one.mean) - 1
        tried += [
            {"segment": one.series.segment, "forecaster": name, "error": one.missed(name),
             "weight": float(one.weights[-1, at]), "covered": None, "n": n}
            for at, name in enumerate(one.names)
        ]  # fmt: skip
        tried.append({"segment": one.series.segment, "forecaster": "mix", "error": one.missed(), "weight": None,
                      "covered": _known(one.covered), "n": n})  # fmt: skip
    return {
        "forecasts": pa.Table.from_pylist(steps, FORECASTS),
        "changes": pa.Table.from_pylist(turned, CHANGES),
        "backtests": pa.Table.from_pylist(tried, BACKTESTS),
    }


def _steps(one: Found) -> list[dict[str, object]]:
    rows, ahead = [], one.mean.shape[1]
    for at in range(len(one.series) + ahead):
        past = at < len(one.series)
        row, column = (at - one.first, 0) if past else (len(one.mean) - 1, at - len(one.series))

        def said(values: Floats, row: int = row, column: int = column) -> float | None:
            return _known(values[row, column]) if row >= 0 else None

        tested = past and row >= 0
        adjusted = _known(one.adjusted[row]) if tested else None
        rows.append({
            "segment": one.series.segment, "step": one.series.step, "start": _micros(one, at),
            "ahead": 0 if past else column + 1, "count": float(one.series.counts[at]) if past else None,
            "mean": said(one.mean), "expected": said(one.point), "low": said(one.bands.low),
            "high": said(one.bands.high), "level": one.level, "p": _known(one.p[row]) if tested else None,
            "adjusted": adjusted, "stands_out": None if adjusted is None else adjusted <= one.rate,
        })  # fmt: skip
    return rows


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _micros(one: Found, at: int) -> int:
    return int(one.series.day(at).astype("datetime64[us]").astype(np.int64))
