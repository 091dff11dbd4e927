"""Epochs that a calendar names: when their data begin and end, and which one comes next.

An epoch bounds which data a budget belongs to. A year (2026), quarter (2026-Q4), month (2026-11), ISO week (2026-W47)
or day (2026-11-22), in UTC, ends by itself; any other name (all, study-7) is one epoch for ever. Weeks are those of
ISO 8601: they begin on Monday, and week 1 has the first Thursday of the year.
"""

import re
from datetime import UTC, date, datetime, timedelta

__all__ = ["following", "span"]

_FORMS = re.compile(r"([0-9]{4})(?:-Q([1-4])|-W([0-9]{2})|-([0-9]{2})(?:-([0-9]{2}))?)?", re.ASCII)


def span(epoch: str) -> tuple[int, int] | None:
    """Return when EPOCH begins and ends (the end is outside), microseconds since 1970 UTC; None without a calendar."""
    days = _days(epoch)
    return None if days is None else (_micros(days[0]), _micros(days[1]))


def following(epoch: str) -> str | None:
    """Return the name of the epoch after EPOCH, of the same length; None without a calendar."""
    days = _days(epoch)
    if days is None:
        return None
    begin = days[1]
    if "-Q" in epoch:
        return f"{begin.year:04}-Q{(begin.month + 2) // 3}"
    if "-W" in epoch:
        year, week, _ = begin.isocalendar()
        return f"{year:04}-W{week:02}"
    return begin.isoformat()[: len(epoch)]


def _days(epoch: str) -> tuple[date, date] | None:
    found = _FORMS.fullmatch(epoch)
    if found is None:
        return None
    year, quarter, week, month, day = (int(part) if part else 0 for part in found.groups())
    try:
        if found[3]:
            begin = date.fromisocalendar(year, week, 1)
            return begin, begin + timedelta(weeks=1)
        if found[5]:
            begin = date(year, month, day)
            return begin, begin + timedelta(days=1)
        begin = date(year, 3 * quarter - 2 if found[2] else month if found[4] else 1, 1)
        months = 3 if found[2] else 1 if found[4] else 12
        after = begin.year * 12 + begin.month - 1 + months
        return begin, date(after // 12, after % 12 + 1, 1)
    except (ValueError, OverflowError):  # no such day, month, week or year
        return None


def _micros(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
