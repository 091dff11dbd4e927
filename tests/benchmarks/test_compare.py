"""The comparator of public numbers: nothing but a measured interval that reaches makes a number hold."""

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks._claim import ROOT, measure
from benchmarks._compare import compare, read_reach, read_results
from benchmarks.table import block, number, placed

GOOD = {"value": 10, "low": 9, "high": 11, "n": 3, "protocol": "counted"}


def wanted(direction: str, reach: float) -> dict[str, dict[str, Any]]:
    return {"speed": {"what": "how fast", "unit": "rows/s", "direction": direction, "reach": reach}}


@pytest.mark.parametrize(
    ("direction", "reach", "ok"),
    [
        ("at_least", 9, True),
        ("at_least", 9.5, False),  # the value reaches, the low end does not
        ("at_most", 11, True),
        ("at_most", 10.5, False),
        ("equal", 10, False),  # the interval is not one point
    ],
)
def test_the_interval_decides(direction: str, reach: float, ok: bool) -> None:
    assert [row.ok for row in compare(wanted(direction, reach), {"speed": GOOD})] == [ok]


def test_equal_means_the_whole_interval() -> None:
    exact = GOOD | {"value": 5000, "low": 5000, "high": 5000}
    assert compare(wanted("equal", 5000), {"speed": exact})[0].ok
    assert not compare(wanted("equal", 5001), {"speed": exact})[0].ok


@pytest.mark.parametrize(
    "change",
    [
        {"value": math.nan},
        {"low": -math.inf},
        {"high": math.inf},
        {"value": "10"},
        {"value": True, "low": True},
        {"low": 10.5},
        {"high": 9.5},
        {"n": 0},
        {"n": 2.5},
        {"protocol": " "},
        {"ok": True},
    ],
)
def test_a_result_with_a_fault_never_holds(change: dict[str, object]) -> None:
    row = compare(wanted("at_least", 1), {"speed": GOOD | change})[0]
    assert not row.ok
    assert row.why


def test_missing_strange_and_broken_results_fail(tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text("{")
    (tmp_path / "other.json").write_text('{"value": 1, "low": 1, "high": 1, "n": 1, "protocol": "x"}')
    rows = compare(wanted("at_least", 1) | {"size": wanted("at_most", 1)["speed"]}, read_results(tmp_path))
    assert {row.name: row.why for row in rows} == {
        "speed": "a result has exactly value, low, high, n, protocol",
        "size": "not measured",
        "other": "no row in reach.toml",
    }
    assert not any(row.ok for row in rows)


@pytest.mark.parametrize("line", ['direction = "about"\nreach = 1', 'direction = "equal"\nreach = nan', "reach = 1"])
def test_a_reach_that_is_not_complete_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "reach.toml").write_text(f'[x]\nwhat = "x"\nunit = "s"\n{line}\n')
    with pytest.raises(ValueError, match="x"):
        read_reach(tmp_path / "reach.toml")


def test_our_own_reach_is_complete() -> None:
    assert len(read_reach(ROOT / "benchmarks" / "reach.toml")) >= 18


def test_the_table_shows_what_does_not_hold() -> None:
    found = block(compare(wanted("at_least", 1_500_000), {}))
    assert found.splitlines()[-1] == "| how fast | - | - | ≥ 1,500,000 | not measured |"
    assert placed("a\n<!-- claims -->\nold\n<!-- /claims -->\nb", "new") == (
        "a\n<!-- claims -->\nnew\n<!-- /claims -->\nb"
    )
    with pytest.raises(ValueError, match="should hold"):
        placed("no marks", "new")


def test_numbers_are_short() -> None:
    assert [number(x) for x in (1_500_000.4, 0.0258879, 3, 398.856192)] == ["1,500,000", "0.02589", "3", "398.9"]


def test_measure_sees_memory_and_time() -> None:
    with measure() as small:
        pass
    with measure() as large:
        block_ = bytearray(80_000_000)
    assert len(block_) == 80_000_000
    assert large.peak_mb - small.peak_mb > 60
    assert large.seconds > 0
