"""What the verb forecast does: read dated rows, count and forecast them, keep tables, a page and a posture."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.understand.forecasting.answer import Found, found_in
from consentinel.understand.forecasting.kept import tables
from consentinel.understand.forecasting.posture import Posture, posture
from consentinel.understand.forecasting.report import written
from consentinel.understand.forecasting.series import Series, Step, counted
from consentinel.understand.given import days, labels, numbers, read_table
from consentinel.understand.shelves import FORECASTERS

__all__ = ["forecast", "series_of"]


def forecast(
    run: Run, path: Path, *, date: str, segment: str, weight: str, step: Step, until: str, horizon: int, level: float,
    rate: float, forecasters: str, most: int, what: str, seed: int,
) -> Outcome:  # fmt: skip
    """Forecast the counts in the table PATH; arguments are those of the verb, which see."""
    if not 0 < rate < 1 or most < 0:
        raise UsageError(f"rate is in (0, 1) and most at least 0; got {rate} and {most}")
    names = _names(forecasters)
    run.assume(forecasters=names)
    table = read_table(run, path)
    series = series_of(run, table, date=date, segment=segment, weight=weight, step=step, until=until)
    left = len(series) - 1 - most
    if left > 0:
        run.note(f"{left} smaller segments are counted in the whole and not forecast by themselves; --most shows more")
    parts = {name: FORECASTERS.take(name) for name in names}
    founds = []
    for one in run.each(series[: 1 + most], "forecasting"):
        founds.append(found_in(one, parts, horizon=horizon, level=level, rate=rate, seed=seed))
    stand = posture(founds[0], what)
    kept = {name: run.keep(name, found) for name, found in tables(founds).items()}
    with atomic(run.out / "forecast.html") as beside:
        beside.write_text(written(founds, stand, run.notes), "utf-8")
    with atomic(run.out / "posture.json") as beside:
        beside.write_text(_json(stand, founds), "utf-8")
    kept |= {"page": run.kept(run.out / "forecast.html"), "posture": run.kept(run.out / "posture.json")}
    return Outcome(run, 0, kept, f"{stand.verdict}: {stand.sentence}")


def series_of(
    run: Run, table: pa.Table, *, date: str, segment: str, weight: str, step: Step, until: str
) -> list[Series]:
    """Return the counts of TABLE by STEP: of all rows, then of each segment; rows without a date are told in notes."""
    dates, known = days(table, date)
    weights = numbers(table, weight, "weight") if weight else np.ones(len(dates))
    codes, names = labels(table, segment, "segment") if segment else (None, [])
    fine = known & np.isfinite(weights)
    if not fine.any():
        raise UsageError(f"no row has a day in '{date}'" + (f" and a number in '{weight}'" if weight else ""))
    if fine.sum() < len(fine):
        run.note(f"{len(fine) - int(fine.sum()):,} rows without a day or a weight are left out")
    if (weights[fine] < 0).any():
        raise UsageError(f"'{weight}' has numbers below 0; counts are at least 0")
    end = _day(until) if until else dates[fine].max() + 1
    dates, weights = dates[fine], weights[fine]
    codes = codes[fine] if codes is not None else None
    late = int((dates >= end).sum())
    if late:
        run.note(f"{late:,} rows from {end} on are left out")
    return list(counted(dates, codes, list(names), weights, step, end))


def _day(text: str) -> np.datetime64:
    try:
        return np.datetime64(text, "D")
    except ValueError:
        raise UsageError(f"a day is YYYY-MM-DD, got '{text[:20]}'") from None


def _names(wanted: str) -> list[str]:
    """Return the forecasters asked for; where none is, those that need no further install."""
    if wanted:
        return FORECASTERS.choose(wanted)
    return [name for name in FORECASTERS.names() if not FORECASTERS.take(name).NEEDS]


def _json(stand: Posture, founds: list[Found]) -> str:
    whole = founds[0]
    record = {
        "sentence": stand.sentence, "verdict": stand.verdict, "numbers": stand.numbers, "step": whole.series.step,
        "level": whole.level, "covered": None if np.isnan(whole.covered) else round(whole.covered, 4),
        "error": round(whole.missed(), 4), "segments": [one.series.segment for one in founds],
    }  # fmt: skip
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"
