"""The two windows that are compared, and the rows in them by step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.run import Run
from consentinel.understand.diagnosing.scan import Windows
from consentinel.understand.diagnosing.slices import Floats, Rows
from consentinel.understand.forecasting.changes import changes
from consentinel.understand.forecasting.series import Series, Step, counted, starts
from consentinel.understand.given import days, labels, numbers

__all__ = ["Compared", "compared"]

WEEKS = 2  # of each day of the week in each window, for days of the week to be compared with themselves
FEWEST = 3  # steps in a window


@dataclass(frozen=True)
class Compared:
    """Rows in the two windows, the windows, and the first days: of the earlier one, of the change, after the later."""

    rows: Rows
    windows: Windows
    begin: np.datetime64
    change: np.datetime64
    end: np.datetime64
    step: Step
    per: str


def compared(
    run: Run, table: pa.Table, *, date: str, dimensions: Sequence[str], weight: str, total: str, step: Step, at: str,
    before: int, after: int,
) -> Compared:  # fmt: skip
    """Return the rows of TABLE in the BEFORE steps up to the day AT and the AFTER steps from it.

    Where AT is empty, it is the last change of level of the whole, and where there is none, the last AFTER steps are
    compared with those before. Rows without a day or a number are told in notes. Raises UsageError.
    """
    if min(before, after) < FEWEST:
        raise UsageError(f"each window has at least {FEWEST} steps; got {before} before and {after} after")
    dates, known = days(table, date)
    counts = numbers(table, weight, "weight") if weight else np.ones(len(dates))
    totals = numbers(table, total, "total") if total else None
    fine = known & np.isfinite(counts) & (np.isfinite(totals) if totals is not None else True)
    if not fine.any():
        raise UsageError(f"no row has a day in '{date}' and its numbers")
    if fine.sum() < len(fine):
        run.note(f"{len(fine) - int(fine.sum()):,} rows without a day or a number are left out")
    if (counts[fine] < 0).any() or (totals is not None and (totals[fine] < 0).any()):
        raise UsageError("counts and totals are at least 0")
    codes, names = {}, {}
    for name in dimensions:
        codes[name], names[name] = labels(table, name, "dimension")
    whole = next(iter(counted(dates[fine], None, [], counts[fine], step, dates[fine].max() + 1)))
    if len(whole) < 2 * FEWEST:
        raise UsageError(f"a comparison needs {2 * FEWEST} {step}s or more; the table has {len(whole)}")
    change = _change(run, whole, at, after)
    begin, end = max(0, change - before), min(len(whole), change + after)
    if min(change - begin, end - change) < FEWEST:
        early, late = max(0, change - begin), max(0, end - change)
        raise UsageError(f"each window needs {FEWEST} {step}s; there are {early} before {whole.day(change)} and {late} "
                         "from it on: name another --at, a smaller --step or more rows")  # fmt: skip
    first = int(starts(np.array([whole.start]), step)[0])
    number = starts(dates, step) - first
    inside = fine & (number >= begin) & (number < end)
    rows = Rows(
        number[inside] - begin, counts[inside], None if totals is None else totals[inside], end - begin,
        {name: some[inside] for name, some in codes.items()}, names,
    )  # fmt: skip
    later = np.arange(end - begin) >= change - begin
    windows = _weighed(run, whole, begin, end, later)
    per = step if totals is None else f"unit of {total}"
    return Compared(rows, windows, whole.day(begin), whole.day(change), whole.day(end), step, per)


def _change(run: Run, whole: Series, at: str, after: int) -> int:
    """Return the first step of the later window."""
    if at:
        try:
            day = np.datetime64(at, "D")
        except ValueError:
            raise UsageError(f"a day is YYYY-MM-DD, got '{at[:20]}'") from None
        found = int((starts(np.array([day]), whole.step) - starts(np.array([whole.start]), whole.step))[0])
        if not 0 < found < len(whole):
            raise UsageError(
                f"{at} is not inside the table, which reaches from {whole.day(0)} to {whole.day(len(whole))}"
            )
        return found
    turned = [change for change in changes(whole.counts) if FEWEST <= change.at <= len(whole) - FEWEST]
    if turned:
        run.note(f"--at was not named; it is {whole.day(turned[-1].at)}, where the level of the whole last changed")
        return turned[-1].at
    run.note(f"--at was not named and the level of the whole did not change; the last {after} steps are compared")
    return max(FEWEST, len(whole) - after)


def _weighed(
    run: Run, whole: Series, begin: int, end: int, later: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> Windows:
    """Return the windows: days are weighed by their day of the week and exchanged within it where there are enough."""
    plain = Windows(later, np.ones(end - begin), np.zeros(end - begin, np.int64))
    if whole.step != "day":
        return plain
    weekday = (whole.phase(end)[begin:] * 7 + 0.5).astype(np.int64)
    if min(np.bincount(weekday[side], minlength=7).min() for side in (later, ~later)) < WEEKS - 1:
        run.note("a window misses a day of the week: days of the week are not told apart; longer windows would")
        return plain
    counts = whole.counts[begin:end]
    mean = np.array([counts[weekday == day].mean() for day in range(7)])
    weight: Floats = np.maximum(mean[weekday], 1e-6)
    return replace(plain, weight=weight / weight.mean(), stratum=weekday)
