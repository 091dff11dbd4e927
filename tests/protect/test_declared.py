"""Declarations: what a good one says, and which mistakes are refused before anything is read."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from consentinel.core.errors import BadInput, ConsentinelError, UsageError
from consentinel.protect.declared import Column, Declared, Private, Public, column, read

GOOD = """
protects = "household"

[private.events]
files = ["a.parquet", "b.parquet"]
unit = "who"
groups = 4
rows = 3
epoch = "week"
fanout = { who = 10 }
[private.events.columns]
who = {}
week = {}
country = { values = ["de", "fr"] }
page = { values = "select" }
price = { low = 0, high = 99.95, least = "-1/3", most = "1e4", type = "double" }

[public.pages]
files = ["pages.duckdb"]
table = "pages"
[public.pages.columns]
page = {}
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "tables.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_declaration_says_everything_exactly(tmp_path: Path) -> None:
    found = read(written(tmp_path, GOOD))
    events = found.table("EVENTS")
    assert isinstance(events, Private)
    assert (events.unit, events.groups, events.rows, events.epoch, dict(events.fanout)) == (
        "who",
        4,
        3,
        "week",
        {"who": 10},
    )
    assert events.files == (tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert events.columns["price"] == Column(
        Fraction(0), Fraction(9995, 100), Fraction(-1, 3), Fraction(10_000), type="double"
    )
    assert events.columns["country"].values == ("de", "fr")
    assert events.columns["page"].values is None
    assert isinstance(found.table("pages"), Public)
    assert found.protects == "household"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('unit = "who"', 'unit = "whom"', "did you mean 'who'"),
        ('unit = "who"\n', "", "'unit' is missing"),
        ('unit = "who"', "unit = 3", "unit is a text"),
        ("groups = 4", "groups = 0", "whole number"),
        ("groups = 4", "groups = -1", "whole number"),
        ("groups = 4", "groups = 1.5", "whole number"),
        ("rows = 3", "rows = true", "whole number"),
        ("rows = 3", "rowz = 3", "did you mean 'rows'"),
        ("rows = 3", "rows = 99999999999", "whole number"),
        ("who = 10", "whom = 10", "fanout"),
        ("who = 10", "who = 0", "whole number"),
        ('epoch = "week"', 'epoch = "month"', "epoch"),
        ("high = 99.95", "high = nan", "finite"),
        ("high = 99.95", "high = inf", "finite"),
        ("high = 99.95", 'high = "1/0"', "finite"),
        ("high = 99.95", 'high = "0x10"', "finite"),
        ("high = 99.95", "high = 1e300", "finite"),
        ("high = 99.95", "high = 1e16", "10^15"),
        ("high = 99.95", "high = 1e-320", "finite"),
        ("high = 99.95", "high = 0", "low < high"),
        ("high = 99.95", "high = -5", "low < high"),
        ("high = 99.95, ", "", "together"),
        ('most = "1e4"', 'most = "5"', "contains the clipping range"),
        ('most = "1e4"', "most = true", "as text"),
        ('type = "double"', 'type = "float"', "bigint"),
        ('["de", "fr"]', '["de", "de"]', "each once"),
        ('["de", "fr"]', '["de", 1]', "one kind"),
        ('["de", "fr"]', "[]", "at least one"),
        ('["de", "fr"]', '"all"', "select"),
        ("page = {}", 'page = { valeus = ["x"] }', "did you mean 'values'"),
        ("who = {}", "who = { low = 0, high = 1 }", "no range"),
        ('"a.parquet", ', '"a.csv", ', "all of one kind"),
        ('"a.parquet", ', '"s3://bucket/a.parquet", ', "one by one"),
        ('"a.parquet", ', '"*.parquet", ', "one by one"),
        ('files = ["pages.duckdb"]', 'files = ["pages.csv"]', "DuckDB"),
        ("public.pages", "public.events", "no name twice"),
        ("public.pages", 'public."a b"', "letters, digits"),
        ('protects = "household"', 'protects = "a b"', "one word"),
        ('protects = "household"', 'protect = "x"', "did you mean 'protects'"),
        ("page = {}", "page = {}\nPAGE = {}", "none twice"),
    ],
)
def test_mistakes_are_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    text = new.join(GOOD.rsplit(old, 1)) if old == "page = {}" else GOOD.replace(old, new)
    with pytest.raises(UsageError) as why:
        read(written(tmp_path, text))
    assert told in str(why.value)
    assert str(tmp_path) not in str(why.value)


@pytest.mark.parametrize("text", ["not toml [", "private = 3", "[private]\nx = 1", ""])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConsentinelError):
        read(written(tmp_path, text))
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "missing.toml")


@pytest.mark.parametrize("value", [0.5, float("nan"), "nan", "-inf", " 1", "1_000", "", None, [1], "9" * 200])
def test_numbers_are_exact(value: Any) -> None:
    with pytest.raises(UsageError):
        column(low=value, high=10**6)


def test_python_declares_the_same(tmp_path: Path) -> None:
    columns = {"who": Column(), "price": column(low="0", high=5)}
    table = Private("events", columns, "who", 1, 1)
    columns["late"] = Column()
    assert "late" not in table.columns
    assert Declared((table,)).table("Events") is table
    with pytest.raises(UsageError, match="did you mean 'events'"):
        Declared((table,)).table("event")
    with pytest.raises(UsageError, match="at least one table"):
        Declared(())
