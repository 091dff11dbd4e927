"""Epochs of the calendar against the standard library."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.ledger_epoch import following, span


def day(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, UTC).isoformat()[:10]


@pytest.mark.parametrize(
    ("epoch", "begin", "end", "after"),
    [
        ("2026-W47", "2026-11-16", "2026-11-23", "2026-W48"),
        ("2026-W53", "2026-12-28", "2027-01-04", "2027-W01"),
        ("2025-W01", "2024-12-30", "2025-01-06", "2025-W02"),
        ("2026-11", "2026-11-01", "2026-12-01", "2026-12"),
        ("2026-12", "2026-12-01", "2027-01-01", "2027-01"),
        ("2028-02-28", "2028-02-28", "2028-02-29", "2028-02-29"),
        ("2026-12-31", "2026-12-31", "2027-01-01", "2027-01-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01", "2026-Q2"),
        ("2026-Q4", "2026-10-01", "2027-01-01", "2027-Q1"),
        ("2026", "2026-01-01", "2027-01-01", "2027"),
    ],
)
def test_epochs_of_the_calendar(epoch: str, begin: str, end: str, after: str) -> None:
    found = span(epoch)
    assert found is not None
    assert (day(found[0]), day(found[1]), following(epoch)) == (begin, end, after)


@pytest.mark.parametrize(
    "epoch",
    ["all", "", "2027-W53", "2026-W00", "2026-13", "2026-00", "2027-02-29", "2026-Q5", "26-W01", "2026-W1", "9999",
     "9999-12-31", "0000", "2026-W47x", "study-2026", "٢٠٢٦"],
)  # fmt: skip
def test_other_names_have_no_end(epoch: str) -> None:
    assert span(epoch) is None
    assert following(epoch) is None


@given(st.dates(date(1971, 1, 1), date(2200, 1, 1)))
def test_each_day_is_in_one_epoch_of_each_length_and_the_next_begins_where_it_ends(when: date) -> None:
    year, week, _ = when.isocalendar()
    micros = int(datetime(when.year, when.month, when.day, 12, tzinfo=UTC).timestamp() * 1e6)
    for epoch in (f"{year}-W{week:02}", when.isoformat(), when.isoformat()[:7], str(when.year)):
        found, after = span(epoch), following(epoch)
        assert found is not None
        assert after is not None
        following_span = span(after)
        assert following_span is not None
        assert found[0] <= micros < found[1] == following_span[0]
        assert timedelta(microseconds=found[1] - found[0]) >= timedelta(days=1)
