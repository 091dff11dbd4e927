"""Counts in equal steps of time, made from a table of dated rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.understand.given import Days

__all__ = ["WHOLE", "Floats", "Series", "Step", "counted", "starts"]

Floats = NDArray[np.float64]
Step = Literal["day", "week", "month"]
WHOLE = "(all)"  # the segment of all rows
_MONDAY = np.datetime64("1970-01-05", "D")
_CYCLE: Mapping[str, float] = {"day": 7.0, "week": 365.25 / 7, "month": 12.0}


@dataclass(frozen=True)
class Series:
    """Counts (n,) of one SEGMENT in steps that begin at START (a day; of weeks a Monday, of months the first)."""

    segment: str
    step: Step
    start: np.datetime64
    counts: Floats

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def cycle(self) -> float:
        """How many steps the season is long: a week of days, a year of weeks or of months."""
        return _CYCLE[self.step]

    def before(self, end: int) -> "Series":
        """Return the series up to the step END, which is not in it."""
        return replace(self, counts=self.counts[:end])

    def day(self, at: int) -> np.datetime64:
        """Return the first day of the step AT, which may lie ahead of the series."""
        first: np.datetime64 = self.start + at * (7 if self.step == "week" else 1)
        if self.step == "month":
            first = (self.start.astype("datetime64[M]") + at).astype("datetime64[D]")
        return first

    def phase(self, end: int) -> Floats:
        """Return where in its season each step from the first to before END lies, in [0, 1)."""
        if self.step == "week":
            middle = self.start + 7 * np.arange(end) + 3
            years = middle.astype("datetime64[Y]")
            return np.asarray((middle - years.astype("datetime64[D]")).astype(float) / 366.0)
        first = int((self.start - _MONDAY).astype(int)) if self.step == "day" else int(str(self.start)[5:7]) - 1
        return np.asarray((first + np.arange(end)) % self.cycle / self.cycle)


def starts(dates: Days, step: Step) -> NDArray[np.int64]:
    """Return the number, since 1970, of the day, week (from Monday) or month that each of DATES (n,) lies in."""
    if step not in get_args(Step):
        raise UsageError(f"no step '{str(step)[:20]}'; there is: {', '.join(get_args(Step))}")
    if step == "month":
        return dates.astype("datetime64[M]").astype(np.int64)
    return (dates - _MONDAY).astype(np.int64) // (7 if step == "week" else 1)


def counted(
    dates: Days, codes: NDArray[np.int64] | None, names: list[str], weights: Floats, step: Step, until: np.datetime64
) -> Iterator[Series]:
    """Yield the counts of all rows, and then of each segment, the largest first; all from the first to the last step.

    Arguments: dates (n,); the code of each row's segment in NAMES, None without segments; weights (n,), what each row
    counts; until: the day after the last one that the table is whole for: a step that it cuts is left out.
    Raises UsageError when there is no whole step.
    """
    at = starts(dates, step)
    first = int(at.min()) if len(at) else 0
    last = int(starts(np.array([until]), step)[0])  # the step that UNTIL lies in is not over
    inside = at < last
    if last <= first:
        raise UsageError(f"there is no whole {step} to count in; name a smaller --step or a later --until")
    begin = _first_day(first, step)

    def one(name: str, rows: NDArray[np.bool_]) -> Series:
        tallied = np.bincount(at[rows] - first, weights=weights[rows], minlength=last - first)
        return Series(name, step, begin, tallied.astype(np.float64))

    yield one(WHOLE, inside)
    if codes is not None:
        sizes = np.bincount(codes[inside], weights=weights[inside], minlength=len(names))
        for code in np.argsort(-sizes, kind="stable"):
            if sizes[code] > 0:
                yield one(names[code], inside & (codes == code))


def _first_day(number: int, step: Step) -> np.datetime64:
    first: np.datetime64 = _MONDAY + number * (7 if step == "week" else 1)
    if step == "month":
        first = np.datetime64(number, "M").astype("datetime64[D]")
    return first
