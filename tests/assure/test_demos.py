"""What the demos of single kinds of models find is what was put into their data."""

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

EXAMPLES = Path(__file__).parents[2] / "examples"
Row = Mapping[str, Any]


def audited(name: str, out: Path, **asked: int) -> list[Row]:
    """Return the rows of the audit that the demo NAME makes, kept in OUT."""
    got = runpy.run_path(str(EXAMPLES / f"audit_{name}.py"))["main"](out=out, **asked)
    assert got.exit_code == 0
    assert (out / "report.html").is_file()
    return pq.read_table(out / "audits.parquet").to_pylist()


def one(rows: list[Row], metric: str, slice: str = "", against: str = "") -> Row:
    return next(r for r in rows if (r["metric"], r["slice"]) == (metric, slice) and against in r["against"])


def test_exchanging_she_and_he_changes_what_the_comments_are_taken_for(tmp_path: Path) -> None:
    rows = audited("text", tmp_path, shadows=4)
    assert one(rows, "flip_rate", "words=gender")["low"] > 0.03
    assert one(rows, "false_positive_rate_gap", "about=she", "about=he")["low"] > 0.1


def test_small_sources_are_seen_less_than_large_ones(tmp_path: Path) -> None:
    rows = audited("search", tmp_path)
    assert one(rows, "exposure_gap", "source=small")["low"] > 0.05
    assert one(rows, "pair_additivity_error")["high"] < 1e-9


def test_a_recommender_tells_what_people_clicked(tmp_path: Path) -> None:
    rows = audited("recommender", tmp_path, people=300, shadows=8)
    assert one(rows, "additivity_error")["high"] < 1e-5
    assert one(rows, "interaction_lira_auc")["low"] > 0.6


def test_digits_fall_to_small_steps_along_the_gradient(tmp_path: Path) -> None:
    rows = audited("vision", tmp_path, shadows=4)
    under = [row["value"] for row in rows if row["metric"] == "accuracy_under_pgd" and "L2" in row["slice"]]
    assert under == sorted(under, reverse=True)
    assert under[0] > 0.6
    assert under[-1] < 0.2
