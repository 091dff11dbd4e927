"""Dates in the forms that people write, and columns that do not tell day from month."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.understand.dates import Order, parsed


def read(*texts: str | None, order: Order = "auto") -> list[str | None]:
    found = parsed(pa.array(texts, pa.string()), order, "a.csv, opened")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [None if t is None else (epoch + timedelta(microseconds=t)).isoformat() for t in found.micros.to_pylist()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-03-14", "2026-03-14T00:00:00+00:00"),
        ("2026/3/4", "2026-03-04T00:00:00+00:00"),
        ("20260314", "2026-03-14T00:00:00+00:00"),
        (" 2026-03-14T10:20:30.5Z ", "2026-03-14T10:20:30.500000+00:00"),
        ("2026-03-14 10:20:30 +02:00", "2026-03-14T08:20:30+00:00"),
        ("2026-03-14T10:20-0530", "2026-03-14T15:50:00+00:00"),
        ("14/03/2026", "2026-03-14T00:00:00+00:00"),
        ("3/14/26 1:05 PM", "2026-03-14T13:05:00+00:00"),
        ("12:30", None),
        ("4.3.2026", "2026-03-04T00:00:00+00:00"),
        ("14 March 2026", "2026-03-14T00:00:00+00:00"),
        ("Sat, 14 Mar 2026 10:20:30 GMT", "2026-03-14T10:20:30+00:00"),
        ("March 14th, 2026", "2026-03-14T00:00:00+00:00"),
        ("1773483630", "2026-03-14T10:20:30+00:00"),
        ("1773483630000", "2026-03-14T10:20:30+00:00"),
        ("31/02/2026", None),
        ("2026-13-01", None),
        ("soon", None),
    ],
)
def test_a_date_is_read(text: str, said: str | None) -> None:
    assert read(text) == [said]


def test_one_impossible_month_tells_the_order_of_a_column() -> None:
    assert read("03/04/2026", "25/12/2025")[0] == "2026-04-03T00:00:00+00:00"
    assert read("03/04/2026", "12/25/2025")[0] == "2026-03-04T00:00:00+00:00"
    assert parsed(pa.array(["25/12/2025"]), "auto", "x").order == "day-first"


@pytest.mark.parametrize("texts", [("03/04/2026", "05/06/2026"), ("25/12/2025", "12/25/2025")])
def test_a_column_that_does_not_tell_is_refused_and_an_answer_helps(texts: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="--dates day-first"):
        read(*texts)
    assert read(texts[0], order="day-first")[0] is not None
    assert parsed(pa.array(texts), "day-first", "x").unreadable == (texts[0] == "25/12/2025")


def test_empty_cells_are_not_unreadable() -> None:
    found = parsed(pa.array(["", None, "  ", "x"]), "auto", "x")
    assert found.unreadable == 1
    assert found.micros.null_count == 4


@given(st.dates(date(1, 1, 1)), st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%B %d, %Y"]))
def test_any_day_comes_back(day: date, form: str) -> None:
    text = day.strftime(form).replace(str(day.year), f"{day.year:04d}") if day.year >= 1000 else day.isoformat()
    assert read(text) == [f"{day.isoformat()}T00:00:00+00:00"]


@given(st.lists(st.text(max_size=30), max_size=4))
def test_no_text_breaks_it(texts: list[str]) -> None:
    assert len(parsed(pa.array(texts, pa.string()), "month-first", "x").micros) == len(texts)
